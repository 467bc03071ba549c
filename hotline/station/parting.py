"""A line that the others closed: what tells the station that is not on the one that follows.

Who stays writes the new charter as all signed it; who left closes its own ledger by it.
Spec: docs/protocol.md §4.41, docs/enrolment.md §9.10
"""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint
from hotline.ledger.reader import LedgerReader
from hotline.sealing.amendment import check_ended
from hotline.sealing.charter import Charter, charter_of, read_charter
from hotline.station.amending import predecessor_of
from hotline.station.changing import close_ledger
from hotline.station.closing import closing_head
from hotline.station.home import Home, read_card
from hotline.station.leaving import Left, check_closed_for, left_on
from hotline.station.lineup import read_lineup
from hotline.station.upkeep import Bench, at_work

_SHORT = 16


@dataclass(frozen=True, slots=True)
class Ended:
    """What was done where a station is not on the line that follows: it closed its own side."""

    charter: Charter
    end: Checkpoint
    left: Left


@dataclass(frozen=True, slots=True)
class Notice:
    """The charter that tells those who are not on the line that follows, and who they are."""

    gone: tuple[str, ...]
    charter: Charter
    encoded: bytes


def notice_of(home: Home) -> Notice:
    """Return what tells those who left a home's line: the charter that follows, signed by all.

    It is there as soon as the new line is complete, and after it has taken over.

    Raises:
        OperatorError: no line follows one of this home, or nobody left.
        IntegrityError: the records do not verify.
    Spec: docs/enrolment.md §9.10
    """
    found = read_lineup(home.lines)
    newest = found.pending or found.current
    if newest is not None:
        encoded = read_card(newest.directory).records[0].encode()
        charter = charter_of(read_charter(encoded))
        before = predecessor_of(home, charter)
        there = before.stations if before is not None else ()
        gone = tuple(one for one in there if one not in charter.stations)
        if gone:
            return Notice(gone, charter, encoded + b"\n")
    raise OperatorError(
        "nobody has left the line of this home",
        hint="hotline line amend --remove opens one without a station; complete it first",
    )


def end_line(bench: Bench, encoded: bytes) -> Ended:
    """Close the home's line, which the others closed in favour of one that we are not on.

    Done again with the same charter, it changes nothing.

    Args:
        encoded: What `notice_of` gave at a station that stays.
    Raises:
        OperatorError: it does not end this line; the line was closed for another one; or one
            that follows it waits here.
        IntegrityError: the records or the ledger do not verify.
        StorageError: the disk, or a station works this home.
    Spec: docs/protocol.md §4.41, docs/enrolment.md §9.10
    """
    if read_lineup(bench.home.lines).pending is not None:
        raise OperatorError(
            "a line that follows this one waits in this home",
            hint="ask the others by voice which one counts: hotline line show says which waits",
        )
    with at_work(bench) as work:
        line = work.opened.line
        try:
            charter = check_ended(line.roster, read_charter(encoded.strip()), line.station)
        except PeerError as error:
            raise OperatorError(
                f"this file does not end the line {line.roster.name}: {error}",
                hint="nothing was changed; ask the other stations by voice",
            ) from error
        check_closed_for(work.situation.closed_for, charter)
        left = left_on(work)
        if closing_head(work.opened.ledger, charter.line) is not None:
            left = Left((), (), (), ())
        return Ended(charter, close_ledger(work, left, charter), left)


def check_not_ended(home: Home, closed_for: str, ledger: LedgerReader) -> None:
    """Refuse to work a line that was closed, and say for which one.

    Raises:
        OperatorError: a crash left the change-over half done, or the others closed it.
    Spec: docs/enrolment.md §9.3, §9.10
    """
    if not closed_for:
        return
    if any(one.line == closed_for for one in read_lineup(home.lines).all):
        raise OperatorError(
            "this line was closed for the one that follows it",
            hint="end that with the same hotline line change as before",
        )
    raise OperatorError(
        f"the other stations closed this line in favour of {_name(ledger)}{closed_for[:_SHORT]},"
        " which this station is not on",
        hint="nothing can be said on it any more; its record stays: hotline replay and verify"
        " read it, and another line begins in another home",
    )


def _name(ledger: LedgerReader) -> str:
    for entry in ledger.of_kind(ev.LineClosed.kind, newest_first=True):
        event = ev.decode_event(entry.kind, entry.content) if entry.erased is None else None
        if isinstance(event, ev.LineClosed):
            return f"{event.name}, "
    return ""
