"""A station whose disk fills up while it speaks and listens; started inside its own mount.

    python -m tests.fakes.full_home FOUNDED DIRECTORY

DIRECTORY/NORTH is a disk of some MiB. Prints one line for each thing that it found to be so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from hotline.core.errors import StorageError
from tests.fakes.line import Place, wait_for
from tests.fakes.promises import read_record
from tests.fakes.stormy import StormyLine, hurried

FIRST, AT_MOST = 3, 400
ROOM_BYTES = 60_000
"""Left on the disk when it is all but full: some statements find place in it."""


async def work(founded: Path, directory: Path) -> None:
    async with StormyLine(directory, founded) as line:
        north, south = line.places.values()
        for name in line.places:
            await line.say(name, FIRST)
        account = await line.healed()
        assert account.kept, account
        filler = fill(directory / "NORTH" / "filler")
        said = await speak_until_it_stops(line)
        say(f"stopped with: {said}")
        await line.places["NORTH"].died()
        await only_what_is_recorded_left(line)
        say("nothing unrecorded left the station")
        await line.say("SOUTH", 2)
        assert len(south.situation.outbox) >= 2
        filler.unlink()
        await line.restart("NORTH", crash=True)
        account = await line.healed()
        assert account.kept, account
        say("goes on, and has everything once")

        filler = fill(directory / "NORTH" / "filler")
        heard = await listen_until_it_stops(line, north)
        say(f"stopped with: {heard}")
        await only_what_is_recorded_left(line)
        say("nothing unrecorded was receipted")
        filler.unlink()
        await line.restart("NORTH", crash=True)
        account = await line.healed()
        assert account.kept, account
        await line.verified()
        say("goes on, and has everything once")


async def speak_until_it_stops(line: StormyLine) -> str:
    """Speak until a statement cannot be recorded; return what the officer is told."""
    for _ in range(AT_MOST):
        try:
            await line.say("NORTH")
        except StorageError as error:
            return error.sentence()
    raise AssertionError("the disk never was full")


async def listen_until_it_stops(line: StormyLine, north: Place) -> str:
    """Let the other one speak until it cannot be recorded; return what stopped the station."""
    for _ in range(AT_MOST):
        await line.say("SOUTH")
        await wait_for(lambda: not line.places["SOUTH"].situation.outbox or is_over(north))
        if is_over(north):
            error = await north.died()
            assert isinstance(error, StorageError), error
            return error.sentence()
    raise AssertionError("the disk never was full")


def is_over(place: Place) -> bool:
    return place.task is not None and place.task.done()


async def only_what_is_recorded_left(line: StormyLine) -> None:
    """Compare what the other one took, and has receipts of, with this one's ledger, opened anew."""
    north, south = line.places.values()
    theirs = read_record(south.opened.ledger)
    await line.crash("NORTH")
    await north.start(run=False)
    ours = read_record(north.opened.ledger)
    assert set(theirs.received) <= set(ours.sent)
    assert set(theirs.receipts) <= set(ours.received)
    assert line.acknowledged <= {*north.situation.statements, *south.situation.statements}


def fill(path: Path) -> Path:
    """Take what is left of the disk but some room."""
    free = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
    with contextlib.suppress(OSError):
        path.write_bytes(bytes(max(0, free - ROOM_BYTES)))
    return path


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with hurried():
        asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2])))
