"""Lines that follow one another: whether the new ledger begins where the old one ended.

Needs no content key: what is compared stands in the open.
Spec: docs/ledger.md §22.3
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotline.core.errors import HotlineError, PeerError
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint, parse_note, parse_origin
from hotline.core.values import Digest, sha256
from hotline.ledger.reader import LedgerReader
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.review.findings import countersigned
from hotline.review.generations import Earlier, Generations, is_journal
from hotline.sealing.roster import Roster
from hotline.station.lineup import SUCCESSOR
from hotline.station.past import PREFIX

MAX_FOLLOWED = 64
"""Lines before the one under review that are looked at; whoever has more names an earlier one."""

_CROSSED = (ev.StatementSent.kind, ev.StatementReceived.kind)
_SHORT = 16

Check = Callable[[Path], Verdict]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What one line's ledgers say, in the open, of other lines.

    Attributes:
        closed: The line that follows, and the head at which it was closed for that.
        continued: Entry and digest of each end that it says it goes on from.
        late, early: Whether a statement crossed after it was closed, or before it went on.
    """

    closed: tuple[tuple[Digest, Checkpoint], ...] = ()
    continued: tuple[tuple[int, Digest], ...] = ()
    late: bool = False
    early: bool = False


@dataclass(slots=True)
class _Findings:
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    before: list[Earlier] = field(default_factory=list)


def follow(taken: Generations, check: Check) -> Generations:
    """Add how a line follows those of the same home, and which one follows it.

    Args:
        check: Verifies a ledger file.
    Spec: docs/ledger.md §22.3
    """
    verdict = taken.verdict
    if not verdict.ok or is_journal(verdict) or verdict.line is None:
        return taken
    found = _Findings()
    beside = _beside(taken.path)
    follows = Roster.read(verdict.records).charter.predecessor is not None
    marks = _marks(taken.path.parent)
    if not (follows or beside or marks.closed or (taken.path.parent / SUCCESSOR).exists()):
        return taken
    _look_ahead(marks, beside, found)
    _look_back(verdict, marks, beside, check, found)
    return replace(
        taken,
        faults=(*taken.faults, *found.faults),
        notes=(*taken.notes, *found.notes),
        before=tuple(found.before),
    )


def _look_ahead(marks: _Marks, beside: dict[Digest, Path], found: _Findings) -> None:
    """Say which line this one was closed for, and whether that one goes on from its end."""
    if len(marks.closed) > 1:
        found.faults.append("the line was closed for another one more than once")
    if marks.late:
        found.faults.append("a statement was recorded after the line had been closed")
    for successor, end in marks.closed[:1]:
        name = successor.hex()[:_SHORT]
        told = f"the line was closed with {end.size} entries in favour of the line {name}"
        path = beside.get(successor)
        if path is None:
            found.notes.append(f"{told}, whose ledger is not here")
            continue
        continued = _marks(path.parent).continued
        if not continued:
            found.notes.append(f"{told}, which does not name that end yet")
        elif [digest for _, digest in continued] == [sha256(end.body())]:
            found.notes.append(f"{told}, which goes on from that very end")
        else:
            found.faults.append(f"{told}, which goes on from another end")


def _look_back(
    verdict: Verdict, marks: _Marks, beside: dict[Digest, Path], check: Check, found: _Findings
) -> None:
    """Walk from a line to the one that it follows, and so on, and compare each pair."""
    seen = {verdict.line}
    while (before := Roster.read(verdict.records).charter.predecessor) is not None:
        path = beside.get(before)
        _compare_begin(marks, found, alone=path is None)
        if path is None or before in seen or len(found.before) >= MAX_FOLLOWED:
            name = before.hex()[:_SHORT]
            told = f"it follows the line {name}, whose ledger is not here"
            newcomer = (
                "" if marks.continued else "; it names no end of it, as of a station that joined"
            )
            found.notes.append(told + newcomer)
            return
        seen.add(before)
        older, theirs = check(path), _marks(path.parent)
        found.before.append(Earlier(older, path))
        if not older.ok:
            return
        _compare(verdict, marks, theirs, found, f"{older.line_name} ({before.hex()[:_SHORT]})")
        verdict, marks = older, theirs


def _compare_begin(marks: _Marks, found: _Findings, *, alone: bool) -> None:
    """Compare where a line took over; that of a station that joined it did from nothing.

    Spec: docs/ledger.md §22.3
    """
    if marks.early and (marks.continued or not alone):
        found.faults.append("a statement was recorded before the line had taken over")
    if len(marks.continued) > 1:
        found.faults.append("the line took over from another one more than once")


def _compare(verdict: Verdict, ours: _Marks, theirs: _Marks, found: _Findings, name: str) -> None:
    """Compare the end of the line before with what this line says of it."""
    end = next((end for successor, end in theirs.closed if successor == verdict.line), None)
    if end is None and not ours.continued:
        found.notes.append(f"it is to follow the line {name}, and has not taken over")
    elif end is None:
        found.faults.append(f"it goes on from the line {name}, which was not closed for it")
    elif not ours.continued:
        found.notes.append(f"the line {name} was closed for it, and it has not taken over yet")
    elif ours.continued[0][1] == sha256(end.body()):
        told = f"it follows the line {name}, which was closed with {end.size} entries: both agree"
        found.notes.append(told + _covered(verdict, ours.continued[0][0]))
    else:
        found.faults.append(f"it goes on from another end of the line {name} than its ledger has")


def _covered(verdict: Verdict, index: int) -> str:
    """Return who countersigned the end of the line before by countersigning this line.

    Spec: docs/ledger.md §22.2
    """
    if parse_origin(verdict.origin).generation != FIRST_GENERATION:
        return ""
    whose = [station for station, size in countersigned(verdict).items() if size > index]
    return f", and {' and '.join(whose)} countersigned that" if whose else ""


# --- what stands in the open ---------------------------------------------------------


def _beside(file: Path) -> dict[Digest, Path]:
    """Return the ledgers of the home's lines by line id, as their heads call themselves."""
    found: dict[Digest, Path] = {}
    for path in sorted(file.parent.parent.glob(f"*/{LEDGER_NAME}")):
        if file.parent.parent.name == "lines" and path != file:
            with contextlib.suppress(HotlineError, PeerError, ValueError):
                found[_line_of(path)] = path
    return found


def _line_of(file: Path) -> Digest:
    with contextlib.closing(Ledger.open_read_only(file)) as reader:
        origin = parse_origin(parse_note(reader.head()).checkpoint.origin)
    return Digest(bytes.fromhex(origin.line))


def _marks(directory: Path) -> _Marks:
    """Read the marks in a line's ledger and its generations; what does not read has none."""
    files = [*sorted(directory.glob(f"{PREFIX}*/{LEDGER_NAME}")), directory / LEDGER_NAME]
    read = list(_read_all(files))
    closed = tuple(one for marks in read for one in marks.closed)
    continued = tuple(one for marks in read for one in marks.continued)
    return _Marks(closed, continued, any(one.late for one in read), any(one.early for one in read))


def _read_all(files: list[Path]) -> Iterator[_Marks]:
    for file in files:
        with (
            contextlib.suppress(HotlineError),
            contextlib.closing(Ledger.open_read_only(file)) as reader,
        ):
            yield _read(reader)


def _read(reader: LedgerReader) -> _Marks:
    closed = reader.subjects_of(ev.LineClosed.kind)
    continued = reader.subjects_of(ev.LineContinued.kind)
    spans = [span for kind in _CROSSED if (span := reader.first_and_last(kind)) is not None]
    first = min((one for one, _ in spans), default=reader.size)
    last = max((one for _, one in spans), default=-1)
    return _Marks(
        closed=tuple(
            (successor, Checkpoint(reader.origin, index + 1, reader.root_at(index + 1)))
            for index, successor in closed
        ),
        continued=tuple(continued),
        late=bool(closed) and last > closed[0][0],
        early=_begins(reader) and first < min((one for one, _ in continued), default=reader.size),
    )


def _begins(reader: LedgerReader) -> bool:
    """Return whether the line begins in this file: later generations go on from there."""
    return parse_origin(reader.origin).generation == FIRST_GENERATION
