"""Earlier generations of a ledger: found beside it, verified, and told what was lost.

Spec: docs/ledger.md §12.5
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import HotlineError, PeerError
from hotline.core.records.checkpoint import parse_origin
from hotline.ledger.generations import GenerationRecord
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.verdict import Verdict
from hotline.sealing.authorisation import Act, verify_authorisation
from hotline.sealing.roster import Roster
from hotline.station.admission import read_renewal

MAX_EARLIER = 16
"""Earlier generations that are looked at; whoever has more names one file after the other."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier generation whose file lies beside the ledger.

    Attributes:
        explained: It is damaged, and two officers left it behind as exactly that.
    """

    verdict: Verdict
    path: Path
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Generations:
    """Everything of one station on one line: its ledger and what it left behind.

    Attributes:
        records: Authorisations of this station that verify, oldest first.
        faults: What contradicts between the generations, a sentence each.
        notes: What was left behind and lost, a sentence each.
        before: Ledgers of the lines that this one follows, newest first.
    """

    verdict: Verdict
    path: Path
    earlier: tuple[Earlier, ...] = ()
    records: tuple[GenerationRecord, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    before: tuple[Earlier, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every generation verifies and follows the one before."""
        past = all(one.verdict.ok or one.explained for one in (*self.earlier, *self.before))
        return self.verdict.ok and not self.faults and past


def gather(file: Path, verdict: Verdict, check: Callable[[Path], Verdict]) -> Generations:
    """Find and verify the earlier generations that lie beside a verified ledger.

    Args:
        file: Its ledger.db.
        verdict: What verifying it said.
        check: Verifies a ledger file.
    """
    if not verdict.station or is_journal(verdict):
        # Who left a journal behind moved it by hand: no officers sign for that (§18.6).
        return Generations(verdict, file)
    records = read_generations(verdict)
    current = parse_origin(verdict.origin).generation
    paths = [
        path
        for number in range(1, min(current, MAX_EARLIER + 1))
        if (path := file.parent / f"generation-{number}" / LEDGER_NAME).is_file()
    ]
    verdicts = [(check(path), path) for path in paths]
    for older, _ in verdicts:
        records += [new for new in read_generations(older) if new not in records]
    records.sort(key=lambda one: one.opened)
    left = {(one.kept_size, one.kept_root) for one in records}
    earlier = tuple(
        Earlier(older, path, explained=not older.ok and (older.entries, older.root) in left)
        for older, path in verdicts
    )
    faults = [*_faults(verdict, records), *_misfits(earlier, records)]
    notes = [record.sentence("the peer") for record in records]
    at_hand = {one.verdict.origin for one in earlier}
    notes += [
        f"the file of generation {record.generation} is not beside the ledger"
        for record in records
        if record.kept_origin not in at_hand
    ]
    return Generations(verdict, file, earlier, tuple(records), tuple(faults), tuple(notes))


def is_journal(verdict: Verdict) -> bool:
    """Return whether the ledger is a station's journal: nobody else is on its line."""
    return verdict.members == (verdict.station,)


def read_generations(verdict: Verdict) -> list[GenerationRecord]:
    """Return the authorisations in a ledger by which its own station opened generations."""
    if not verdict.station or not verdict.records or is_journal(verdict):
        return []
    try:
        roster = Roster.read(verdict.records)
    except HotlineError:
        # A ledger whose records do not verify has its own fault.
        return []
    found = (_read(roster, record) for record in verdict.records)
    return [one for one in found if one is not None and one.station == verdict.station]


def _read(roster: Roster, record: bytes) -> GenerationRecord | None:
    try:
        verified = verify_authorisation(roster, record, act=Act.GENERATION)
        renewal = read_renewal(verified.authorisation)
    except PeerError:
        return None
    return GenerationRecord(
        station=verified.authorisation.station,
        opened=renewal.generation,
        kept_origin=renewal.kept_origin,
        kept_size=renewal.kept_size,
        kept_root=renewal.kept_root,
        countersigned_size=renewal.countersigned_size,
        countersigned_root=renewal.countersigned_root,
        officers=verified.names,
        reason=verified.authorisation.reason,
        at_ms=verified.authorisation.at_ms,
    )


def _faults(verdict: Verdict, records: list[GenerationRecord]) -> Iterator[str]:
    """Yield a fault when the current generation follows nothing that officers authorised."""
    current = parse_origin(verdict.origin).generation
    if current > 1 and verdict.ok and current not in {record.opened for record in records}:
        yield (
            f"nothing says on whose authority generation {current} of "
            f"{verdict.station}'s ledger was opened"
        )


def _misfits(earlier: tuple[Earlier, ...], records: list[GenerationRecord]) -> Iterator[str]:
    """Yield a fault for each earlier file that is not as it was when it was left behind."""
    by_origin = {record.kept_origin: record for record in records}
    for one in earlier:
        verdict, record = one.verdict, by_origin.get(one.verdict.origin)
        number = one.path.parent.name.removeprefix("generation-")
        whose = f"generation {number} of {verdict.station or 'this'}'s ledger"
        if not verdict.ok or not verdict.station:
            # What was left behind may be damaged: that is why it was left.
            continue
        if record is None:
            yield f"the file of {whose} is not the one that was left behind"
        elif (verdict.entries, verdict.root) != (record.kept_size, record.kept_root):
            yield (
                f"{whose} had {record.kept_size} entries when it was left behind; "
                f"its file now has {verdict.entries}, or others"
            )
