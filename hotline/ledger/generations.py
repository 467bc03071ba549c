"""Earlier generations of a log: left behind on two officers' authority, or simply gone.

Spec: docs/ledger.md §12.5
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Origin, parse_origin
from hotline.core.times import format_time
from hotline.core.values import Digest
from hotline.ledger.pairing import LogAgainstWitness, Pairing
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

    def names(self, verdict: Verdict) -> bool:
        """Return whether a verified file is the very one that the officers left behind."""
        found = (verdict.origin, verdict.entries, verdict.root)
        return found == (self.kept_origin, self.kept_size, self.kept_root)

    def sentence(
        self,
        witness: str,
        countersigned: int | None = None,
        seen: LogAgainstWitness | None = None,
    ) -> str:
        """Tell what was left behind, what is lost and who answers for it, without full stop.

        Args:
            witness: Who countersigned; "the peer" when it is not known.
            countersigned: Entries of it that the witness's own ledger says it countersigned,
                None to go by what the officers knew.
            seen: What the witness's heads say of the file, None when it is not at hand.
        """
        countersigned = self.countersigned_size if countersigned is None else countersigned
        told = (
            f"generation {self.generation} of {self.station}'s ledger was left behind at "
            f"{self.kept_size} entries; {witness} had countersigned {countersigned}; "
        )
        first, last = self.kept_size, countersigned - 1
        if seen is not None and seen.rewritten_at is not None:
            first = seen.agreed
        if seen is not None:
            told += self._end_of_file(witness, seen, last >= first)
        if last > first:
            told += f"entries {first} to {last} are lost to this station; "
        elif last == first:
            told += f"entry {last} is lost to this station; "
        who = " and ".join(self.officers)
        return f"{told}{who} authorised this at {format_time(self.at_ms)}: {self.reason}"

    def _end_of_file(self, witness: str, seen: LogAgainstWitness, lost: bool) -> str:
        """Say how far file and witness agree, where the file goes on after that."""
        agreed, rest = seen.agreed, _count(self.kept_size - seen.agreed)
        if seen.rewritten_at is not None:
            return (
                f"the first {agreed} are the same there, the file then ends in {rest} that "
                f"{witness} did not countersign, as when a ledger is put back and written on; "
            )
        if lost and 0 < agreed < self.kept_size:
            return (
                f"the first {agreed} are the same there, and no head that {witness} "
                f"countersigned says whether the {rest} after them in the file are; "
            )
        return ""


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
    held: Mapping[str, LogAgainstWitness],
) -> GenerationFindings:
    """Judge what a witness countersigned of other generations than the current one.

    Args:
        number: Which side of the pairing the log is on.
        verdict: Of its current generation.
        records: The station's own authorisations.
        remembers: The witness lost nothing itself, so that it must know what it countersigned.
        held: By origin, what the witness's heads say of each file that is the very one that
            the officers left behind.
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
            found.notes.append(left[text].sentence(witness, largest, held.get(text)))
            found.faults += _contradictions(
                pairing, number, left[text], largest if remembers else None, witness
            )
    back = pairing.count_recovered(number)
    if back:
        found.notes.append(
            f"{_count(back, 'statement')} of {current.station} that it had lost came back from "
            f"{witness} and stand{'s' * (back == 1)} in its ledger again"
        )
    return found


def _count(number: int, what: str = "entry") -> str:
    many = {"entry": "entries"}.get(what, f"{what}s")
    return f"{number} {what if number == 1 else many}"


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


def lost_entries(
    pairing: Pairing,
    number: int,
    records: Sequence[GenerationRecord],
    held: Mapping[str, LogAgainstWitness],
) -> int:
    """Return how many entries that somebody countersigned a station has left behind for good.

    What lies after the newest head on which both agree may be lost, too: a file that was put
    back may have been written on before its peer told it.

    Args:
        held: As for `generation_findings`.
    """
    lost = 0
    for one in records:
        kept = one.kept_size if pairing.has_file(number, one.kept_origin) else 0
        known = max(one.countersigned_size, pairing.largest_seen(number, one.kept_origin))
        seen = held.get(one.kept_origin)
        if seen is not None and (known > kept or seen.rewritten_at is not None):
            kept = min(kept, seen.agreed)
        lost += max(known - kept, 0)
    return lost


def _origin(text: str) -> Origin | None:
    try:
        return parse_origin(text)
    except PeerError:
        return None
