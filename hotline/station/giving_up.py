"""Giving up a line that was opened, joined or set up here and never worked.

Spec: docs/enrolment.md §5.2, §9.2, §14.3
"""

from __future__ import annotations

from hotline.station.amending import discard_pending, roster_in
from hotline.station.ceremony import note_given_up
from hotline.station.home import read_card
from hotline.station.lineup import Lined, read_lineup
from hotline.station.opening import Waiting, discard_opening, kept_opening
from hotline.station.upkeep import Bench


def give_up_opening(bench: Bench) -> None:
    """Forget an opening that waits here, if one does, and note that first.

    Raises:
        IntegrityError: its file was altered.
        OperatorError, StorageError: it cannot be noted, or the disk refused.
    """
    note_waiting_given_up(bench, kept_opening(bench.home))
    discard_opening(bench.home)


def note_waiting_given_up(bench: Bench, waiting: Waiting | None) -> None:
    """Note that what waits here is given up; nothing, where nothing waits.

    Raises:
        OperatorError, StorageError: it cannot be noted.
    """
    if waiting is not None:
        note_given_up(bench.home.path, waiting.own.sender, waiting.charter, bench.clock())


def give_up_successor(bench: Bench) -> Lined | None:
    """Forget a successor that was set up and never worked; return which, None if none waits.

    Raises:
        IntegrityError: its records do not verify.
        OperatorError, StorageError: it cannot be noted, or the disk refused.
    """
    pending = read_lineup(bench.home.lines).pending
    if pending is not None:
        ours, charter = read_card(pending.directory).station, roster_in(pending.directory).charter
        note_given_up(bench.home.path, ours, charter, bench.clock())
    return discard_pending(bench.home)
