"""Giving up a line that was opened, joined or set up here and never worked.

Spec: docs/enrolment.md §5.2, §9.2, §14.3
"""

from __future__ import annotations

import shutil
from contextlib import suppress

from hotline.core.errors import IntegrityError, OperatorError, StorageError
from hotline.station.amending import roster_in
from hotline.station.ceremony import note_given_up
from hotline.station.closing import is_closed_for
from hotline.station.home import read_card
from hotline.station.lineup import Lined, read_lineup
from hotline.station.opening import Waiting, discard_opening, kept_opening
from hotline.station.upkeep import Bench


def give_up_opening(bench: Bench) -> None:
    """Forget an opening that waits here, if one does, and note that first.

    One that was altered cannot be named, and is given up all the same.

    Raises:
        OperatorError, StorageError: it cannot be noted, or the disk refused.
    """
    with suppress(IntegrityError):
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
        OperatorError: a change-over to it was cut short: the line before is closed for it.
        IntegrityError: the ledger of the line before was altered, or the successor's records.
        StorageError: it cannot be noted, or the disk refused.
    """
    found = read_lineup(bench.home.lines)
    current, pending = found.current, found.pending
    if current is not None and pending is not None:
        if is_closed_for(current, pending):
            raise OperatorError(
                f"{current.directory.name} is closed for {pending.directory.name} already,"
                " which can be given up no more",
                hint="end the change-over that was cut short: hotline line change",
            )
        ours, charter = read_card(pending.directory).station, roster_in(pending.directory).charter
        note_given_up(bench.home.path, ours, charter, bench.clock())
        try:
            # Its card first: what is left of a cut removal is then no line any more.
            (pending.directory / "line.json").unlink()
            shutil.rmtree(pending.directory)
        except OSError as error:
            raise StorageError(f"{pending.directory.name} cannot be removed") from error
    return pending
