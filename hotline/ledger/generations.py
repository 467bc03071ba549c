"""Earlier generations of a log: left behind on two officers' authority, or simply gone.

Spec: docs/ledger.md §12.5
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Origin, parse_origin
from hotline.core.times import format_time
from hotline.core.values import Digest
from hotline.ledger.pairing import Pairing
from hotline.ledger.verdict import Verdict


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """What two officers signed when their station left a log behind; already verified.

    Attributes:
        opened: The number of the generation that follows.
        kept_origin, kept_size, kept_root: The log as its file was found.
        countersigned_size, countersigned_root: The newest head of it that the peer holds.
        officers: Role, rank and name of each.
        at_ms: When they signed, milliseconds UTC.
    """

    station: str
    opened: int
    kept_origin: str
    kept_size: int
    kept_root: Digest
    countersigned_size: int
    countersigned_root: Digest
    officers: tuple[str, ...]
    reason: str
    at_ms: int

    @property
    def generation(self) -> int:
        """The number of the generation that was left behind, 0 when its origin is malformed."""
        try:
            return parse_origin(self.kept_origin).generation
        except PeerError:
            return 0

    def sentence(self, witness: str, countersigned: int | None = None) -> str:
        """Tell what was left behind, what is lost and who answers for it, without full stop.

        Args:
            witness: Who countersigned; "the peer" when it is not known.
            countersigned: Entries of it that the witness's own ledger says it countersigned,
                None to go by what the officers knew.
        """
        countersigned = self.countersigned_size if countersigned is None else countersigned
        told = (
            f"generation {self.generation} of {self.station}'s ledger was left behind at "
            f"{self.kept_size} entries; {witness} had countersigned {countersigned}; "
        )
        last = countersigned - 1
        if last > self.kept_size:
            told += f"entries {self.kept_size} to {last} are lost to this station; "
        elif last == self.kept_size:
            told += f"entry {last} is lost to this station; "
        who = " and ".join(self.officers)
        return f"{told}{who} authorised this at {format_time(self.at_ms)}: {self.reason}"


@dataclass(slots=True)
class GenerationFindings:
    """What is wrong with earlier generations, and what is only worth saying."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def generation_findings(
    pairing: Pairing,
    number: int,
    verdict: Verdict,
    records: Sequence[GenerationRecord],
    witness: str,
    remembers: bool,
) -> GenerationFindings:
    """Judge what a witness countersigned of other generations than the current one.

    Args:
        number: Which side of the pairing the log is on.
        verdict: Of its current generation.
        records: The station's own authorisations.
        remembers: The witness lost nothing itself, so that it must know what it countersigned.
    """
    found = GenerationFindings()
    current = parse_origin(verdict.origin)
    left = {one.kept_origin: one for one in records}
    prefix = verdict.origin.rpartition("/")[0] + "/"
    for text in pairing.origins_seen(number, prefix):
        other = _origin(text)
        if other is None or other.generation == current.generation:
            continue
        largest = pairing.largest_seen(number, text)
        if other.generation > current.generation:
            found.notes.append(
                f"{witness} also countersigned generation {other.generation} of "
                f"{current.station}'s ledger, which is later and another file"
            )
        elif text not in left:
            found.faults.append(
                f"{witness} countersigned {largest} entries of generation {other.generation} of "
                f"{current.station}'s ledger, and nothing says on whose authority it was left"
            )
        else:
            found.notes.append(left[text].sentence(witness, largest))
            found.faults += _contradictions(
                pairing, number, left[text], largest if remembers else None, witness
            )
    return found


def _contradictions(
    pairing: Pairing, number: int, record: GenerationRecord, largest: int | None, witness: str
) -> Iterator[str]:
    """Yield where officers and witness disagree.

    The officers may have known less than the witness: what is lost is what it holds.
    """
    whose = f"generation {record.generation} of {record.station}'s ledger"
    if largest is not None and record.countersigned_size > largest:
        yield (
            f"the officers who left {whose} say that {record.countersigned_size} entries were "
            f"countersigned; {witness} countersigned {largest}"
        )
    seen = pairing.root_seen(number, record.kept_origin, record.countersigned_size)
    if seen is not None and seen != record.countersigned_root:
        yield f"{witness} countersigned another root of {whose} than the officers who left it named"


def lost_entries(pairing: Pairing, number: int, records: Sequence[GenerationRecord]) -> int:
    """Return how many entries that somebody countersigned a station has left behind for good."""
    lost = 0
    for one in records:
        kept = one.kept_size if pairing.has_file(number, one.kept_origin) else 0
        known = max(one.countersigned_size, pairing.largest_seen(number, one.kept_origin))
        lost += max(known - kept, 0)
    return lost


def _origin(text: str) -> Origin | None:
    try:
        return parse_origin(text)
    except PeerError:
        return None
