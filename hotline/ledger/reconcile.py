"""Two ledgers of one line, held against each other without any content key.

A station that was put back and went on in a later generation has several
files; together they are its side.
Spec: docs/ledger.md §12
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from hotline.core.records.checkpoint import parse_origin
from hotline.core.values import Digest
from hotline.ledger.connection import copy_errors
from hotline.ledger.generations import GenerationRecord, generation_findings, lost_entries
from hotline.ledger.pairing import LogAgainstWitness, Pairing
from hotline.ledger.snapshot import Snapshot
from hotline.ledger.tiled import TiledCopy
from hotline.ledger.verdict import Verdict

MAX_LISTED = 1_000
"""More one-sided statements than this are counted, not listed."""
MAX_TOLD_STATEMENTS = 50
PAIR = 2


@dataclass(frozen=True, slots=True)
class MissingTail:
    """Entries that a station's ledger had, its peer countersigned, and the file no longer holds.

    Attributes:
        first, last: Indexes, both included.
    """

    station: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Result of holding our ledger against theirs.

    Attributes:
        ok: Nothing contradicts; statements on their way are no contradiction.
        statements: Distinct statements that either ledger records as sent or received.
        receipted: How many of them their sender holds a receipt for.
        only_ours: Statements that we sent and they do not record, MAX_LISTED at most.
        only_theirs: Statements that they sent and we do not record, MAX_LISTED at most.
        missing_tail: What was cut off, on either side.
        faults: One sentence each, without its full stop.
        notes: What is odd but not wrong.
        only_ours_count: How many there are, listed or not; likewise theirs.
    """

    ok: bool
    statements: int
    receipted: int
    only_ours: tuple[Digest, ...]
    only_theirs: tuple[Digest, ...]
    missing_tail: tuple[MissingTail, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    only_ours_count: int = 0
    only_theirs_count: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """All files of one station.

    Attributes:
        verdict: Of its ledger; `path` is the file or its directory, or an export's directory.
        earlier: Verdict and file of each earlier generation that is at hand.
        records: On whose authority each earlier generation was left behind.
    """

    verdict: Verdict
    path: Path
    earlier: tuple[tuple[Verdict, Path], ...] = ()
    records: tuple[GenerationRecord, ...] = ()

    @property
    def station(self) -> str:
        """Whose files they are; empty when the ledger does not say."""
        return self.verdict.station

    @property
    def files(self) -> tuple[tuple[Verdict, Path], ...]:
        """Verdict and file of each generation, the current one first."""
        return ((self.verdict, self.path), *self.earlier)


def reconcile(verdict_a: Verdict, path_a: Path, verdict_b: Verdict, path_b: Path) -> Reconciliation:
    """Compare our ledger (a) with the other station's (b).

    Args:
        verdict_a: What `verify_ledger` said of `path_a`; likewise b.
        path_a: The ledger file or its directory; likewise b.
    Raises:
        OperatorError: a file is not there.
        StorageError: a file cannot be copied.
        IntegrityError: a file cannot be read.
    Spec: docs/ledger.md §12
    """
    return reconcile_sides(Side(verdict_a, path_a), Side(verdict_b, path_b))


def reconcile_sides(ours: Side, theirs: Side) -> Reconciliation:
    """Compare all generations of one station's ledger with all of the other's.

    Raises:
        OperatorError, StorageError, IntegrityError: as `reconcile`.
    Spec: docs/ledger.md §12.5
    """
    refusal = _refusal(ours.verdict, theirs.verdict)
    if refusal:
        return Reconciliation(False, 0, 0, (), (), (), (refusal,), ())
    with ExitStack() as stack, copy_errors("reading the ledgers"):
        pairing = stack.enter_context(Pairing())
        for number, side in enumerate((ours, theirs)):
            for verdict, path in side.files:
                pairing.add(number, verdict.origin, stack.enter_context(_copy(verdict, path)))
        return _compare(pairing, ours, theirs)


def _copy(verdict: Verdict, path: Path) -> AbstractContextManager[Snapshot | TiledCopy]:
    return TiledCopy(path, verdict) if verdict.exported else Snapshot(path)


def _compare(pairing: Pairing, ours: Side, theirs: Side) -> Reconciliation:
    # Heads first: one missing end explains many missing statements.
    faults: list[str] = []
    notes: list[str] = []
    tails: list[MissingTail] = []
    sides = ((0, ours, theirs), (1, theirs, ours))
    held = [_compare_logs(pairing, *each, faults, tails) for each in sides]
    lost = [lost_entries(pairing, each, log.records, held[each]) for each, log, _ in sides]
    for number, log, witness in sides:
        # What a witness gave up with its own lost entries, two of its officers answered for.
        remembers = not lost[1 - number] and not witness.verdict.exported
        if remembers:
            faults += _forgotten(pairing, number, log, witness)
        if witness.verdict.exported:
            notes.append(_cannot_know(log.station, witness.station))
        said = generation_findings(
            pairing,
            number,
            log.verdict,
            log.records,
            witness.station,
            # Of several witnesses another one may have countersigned more.
            remembers and len(log.verdict.members) == PAIR,
            held[number],
        )
        faults += said.faults
        notes += said.notes
    for number, sender, receiver in ((0, ours, theirs), (1, theirs, ours)):
        given_up = lost[number], lost[1 - number]
        _compare_statements(pairing, number, sender, receiver, given_up, faults, notes)
    counts = [pairing.count_unreceived(number) for number in (0, 1)]
    listed = [tuple(pairing.unreceived(number, MAX_LISTED)) for number in (0, 1)]
    return Reconciliation(
        ok=not faults,
        statements=pairing.count_statements(),
        receipted=pairing.count_receipted(),
        only_ours=listed[0],
        only_theirs=listed[1],
        missing_tail=tuple(tails),
        faults=tuple(faults),
        notes=tuple(notes),
        only_ours_count=counts[0],
        only_theirs_count=counts[1],
    )


def _refusal(a: Verdict, b: Verdict) -> str | None:
    for verdict in (a, b):
        if not verdict.ok:
            whose = f"the ledger of {verdict.station}" if verdict.station else "one of the ledgers"
            return f"{whose} does not verify by itself"
    if (a.line, a.realm) != (b.line, b.realm):
        return "the two ledgers are of different lines or realms"
    if a.station == b.station:
        return f"both ledgers are of {a.station}"
    return None


def _compare_logs(
    pairing: Pairing,
    number: int,
    log: Side,
    witness: Side,
    faults: list[str],
    tails: list[MissingTail],
) -> dict[str, LogAgainstWitness]:
    """Hold the log's files against the heads of it that the witness countersigned.

    Returns:
        By origin, what they say of each file that two officers left behind exactly as it is:
        if it ends in others than the witness countersigned, that is told and no fault.
    """
    left: dict[str, LogAgainstWitness] = {}
    for verdict, _ in log.files:
        seen = pairing.hold_against_witness(number, verdict.origin, verdict.entries, verdict.root)
        if not seen.unchanged:
            faults.append(f"the ledger of {log.station} is not the one that was verified")
        if witness.verdict.exported:
            continue
        if verdict is not log.verdict and any(one.names(verdict) for one in log.records):
            left[verdict.origin] = seen
        elif seen.rewritten_at is not None:
            faults.append(
                f"{log.station}'s ledger was rewritten: {witness.station} countersigned another "
                f"root of its first {seen.rewritten_at} entries, and only the first "
                f"{seen.agreed} agree"
            )
    largest = pairing.largest_seen(number, log.verdict.origin)
    if largest > log.verdict.entries:
        tails.append(MissingTail(log.station, log.verdict.entries, largest - 1))
        faults.append(
            f"entries {log.verdict.entries} to {largest - 1} of {log.station}'s ledger are "
            f"missing: {witness.station} countersigned a head that covers them"
        )
    return left


def _cannot_know(log: str, witness: str) -> str:
    return (
        f"an export does not hold what {witness} countersigned of {log}'s ledger: whether that was "
        f"cut off at its end or rewritten, only {witness}'s ledger file says"
    )


def _forgotten(pairing: Pairing, number: int, log: Side, witness: Side) -> Iterator[str]:
    """Yield a cosignature that the log holds and its witness no longer knows of."""
    name = parse_origin(witness.verdict.origin).witness_name
    size = pairing.first_forgotten(number, name)
    if size is not None:
        yield (
            f"{witness.station} countersigned {log.station}'s head of {size} entries, but "
            f"its own ledger does not record that: it was cut, put back, or copied before"
        )


def _compare_statements(
    pairing: Pairing,
    number: int,
    sender: Side,
    receiver: Side,
    lost: tuple[int, int],
    faults: list[str],
    notes: list[str],
) -> None:
    """Find contradictions over what one side sent and the other received.

    Args:
        lost: Countersigned entries that sender and receiver left behind; so many
            statements may be unknown there.
    """
    if len(sender.verdict.members) != PAIR:
        # A third member may have sent or receipted it; only its own ledger can say.
        return
    for count, digests, bound, loser, sentence in (
        (
            pairing.count_receipted_unreceived(number),
            pairing.receipted_unreceived(number, MAX_TOLD_STATEMENTS),
            lost[1],
            receiver,
            f"{sender.station} holds a receipt for statement {{}}, "
            f"but the ledger of {receiver.station} does not record it",
        ),
        (
            pairing.count_unsent(number),
            pairing.unsent(number, MAX_TOLD_STATEMENTS),
            lost[0],
            sender,
            f"{receiver.station} received statement {{}}, "
            f"but the ledger of {sender.station} does not record that it was sent",
        ),
    ):
        if count and count <= bound:
            notes.append(
                f"{count} statement{'s' * (count > 1)} known from the other ledger are in the "
                f"part of {loser.station}'s ledger that was lost"
            )
        else:
            faults += _told(count, digests, sentence)


def _told(count: int, digests: Sequence[Digest], sentence: str) -> Iterator[str]:
    for digest in digests:
        yield sentence.format(digest.hex()[:16])
    if count > len(digests):
        yield f"the same of {count - len(digests)} more statements"
