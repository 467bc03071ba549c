"""The change-over: the line that is worked is closed, and the one that follows it takes over.

First the old ledger says so under a closing head, then the new one names that head,
then successor.json. Cut short, the same call goes on. The station is stopped meanwhile.
Spec: docs/enrolment.md §9.3, §9.4, docs/ledger.md §22
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.lasting import sign_lasting
from hotline.core.values import sha256
from hotline.sealing.charter import Charter
from hotline.sealing.roster import Roster
from hotline.station.amending import roster_in
from hotline.station.anchors import newest_anchor
from hotline.station.carrying import carried, carried_routes
from hotline.station.closing import closing_head
from hotline.station.drafts import draft_of
from hotline.station.home import OpenLine, write_json
from hotline.station.leaving import Left, check_may_close, left_on
from hotline.station.lineup import SUCCESSOR, Lined, Successor, read_lineup
from hotline.station.upkeep import Bench, Work, at_work


@dataclass(frozen=True, slots=True)
class ChangedOver:
    """What was done: which line took over from which, and at which head of its ledger."""

    before: Lined
    after: Lined
    end: Checkpoint


def pending_line(bench: Bench) -> tuple[Lined, Lined]:
    """Return the line that is worked and the one that waits to follow it.

    Raises:
        OperatorError: none waits.
    Spec: docs/enrolment.md §9.3
    """
    found = read_lineup(bench.home.lines)
    if found.current is None or found.pending is None:
        raise OperatorError(
            "no line waits in this home to take over",
            hint="set it up first: hotline line amend, line join, line complete",
        )
    return found.current, found.pending


def whats_left(bench: Bench) -> Left:
    """Return what still stands on the line that is worked; nothing is changed.

    Raises:
        OperatorError: it may not be closed as it stands; says why.
        IntegrityError: records or ledger do not verify.
        StorageError: the disk, or a station works this home.
    Spec: docs/enrolment.md §9.4
    """
    _, pending = pending_line(bench)
    with at_work(bench) as work:
        check_may_close(work, roster_in(pending.directory))
        return left_on(work)


def change_over(bench: Bench, *, leave: bool) -> ChangedOver:
    """Close the line that is worked, and let the one that follows it take over.

    Args:
        leave: Whether what still stands on the old line may be left behind.
    Raises:
        OperatorError: none waits; the old one may not be closed; something is left on it.
        IntegrityError: records or a ledger do not verify.
        StorageError: the disk, or a station works this home; the same call goes on.
    Spec: docs/enrolment.md §9.3, §9.4
    """
    current, pending = pending_line(bench)
    with at_work(bench) as work:
        roster = roster_in(pending.directory)
        # A line that does not open takes over from none: then nothing is closed for it.
        with _waiting(bench, pending) as follower:
            end = _closed(work, roster, leave=leave)
            _continue(follower, work, end)
    # Spec: docs/enrolment.md §9.5
    write_json(current.directory / SUCCESSOR, Successor(line=pending.line))
    return ChangedOver(current, pending, end)


def _closed(work: Work, after: Roster, *, leave: bool) -> Checkpoint:
    """Close the line in its own ledger, once; return the head that does."""
    end = closing_head(work.opened.ledger, after.line)
    if end is None:
        check_may_close(work, after)
        left = left_on(work)
        if left.must_be_seen and not leave:
            raise OperatorError(
                f"something still stands on the line {work.opened.line.roster.name}",
                hint="work the line until it is settled, or say --leave to leave it behind",
            )
        return close_ledger(work, left, after.charter)
    return _signed_for_long(work, end)


def close_ledger(work: Work, left: Left, after: Charter) -> Checkpoint:
    """Record, once, that a line was closed in favour of another one; return its last head.

    Args:
        left: What stands on the line.
    Raises:
        IntegrityError, StorageError: the ledger does not take it.
    Spec: docs/ledger.md §22.1
    """
    ledger = work.opened.ledger
    if closing_head(ledger, after.line) is None:
        work.record(Planned(left.closing(after)))
    end = closing_head(ledger, after.line)
    if end is None:
        raise IntegrityError("the ledger does not hold what was recorded just now")
    return _signed_for_long(work, end)


def _signed_for_long(work: Work, end: Checkpoint) -> Checkpoint:
    ledger, line = work.opened.ledger, work.opened.line
    if ledger.lasting(end.origin, end.size) is None:
        # Spec: docs/ledger.md §22.1
        ledger.append(lasting=[sign_lasting(end, line.lasting)])
    ledger.release()
    return end


@contextlib.contextmanager
def _waiting(bench: Bench, pending: Lined) -> Iterator[OpenLine]:
    """Open the line that waits, as its writer."""
    home = replace(bench.home, chosen=pending.directory.name)
    with at_work(replace(bench, home=home)) as work:
        yield work.opened


def _continue(follower: OpenLine, work: Work, end: Checkpoint) -> None:
    """Have the new ledger take over: what the old line knows of keys, then its last head, once.

    Spec: docs/ledger.md §22.2, docs/protocol.md §4.32
    """
    before = work.opened
    head = sha256(end.body())
    if follower.ledger.find(head, ev.LineContinued.kind) is not None:
        return
    continued = ev.LineContinued(
        predecessor=before.line.roster.line.hex(),
        name=before.line.roster.name,
        origin=end.origin,
        size=end.size,
        root=end.root.hex(),
        head=head.hex(),
    )
    planned = [*carried(before, follower), Planned(continued)]
    planned += carried_routes(before, follower)
    anchored = newest_anchor(before.ledger, before.shelf.past.readers)
    if anchored is not None:
        # So the journal stays as bound as it was.
        planned.append(
            Planned(
                ev.JournalAnchored(
                    origin=anchored.origin,
                    size=anchored.size,
                    root=anchored.root.hex(),
                    occasion="close",
                )
            )
        )
    now_ms = work.bench.clock()
    follower.ledger.append([draft_of(one, now_ms) for one in planned])
    follower.ledger.release()
