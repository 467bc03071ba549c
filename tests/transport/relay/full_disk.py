"""A store on a disk of some MiB that really fills up; started inside its own mount.

    python -m tests.transport.relay.full_disk DIRECTORY

Prints one line for each thing that it found to be so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from hotline.core.errors import StorageError
from hotline.core.values import sha256
from hotline.transport.relay.room import BALLAST_BYTES
from hotline.transport.relay.store import Outcome, Quota
from tests.transport.relay.conformance import bodies, make_box, put
from tests.transport.relay.rig import cell, open_sqlite

CELL_BYTES = 60_000
AT_ONCE = 64
"""What a session's window lets a recipient consume at once."""


async def work(folder: Path) -> None:
    room = {"ballast_bytes": BALLAST_BYTES}
    store = open_sqlite(folder / "relay.db", quota=Quota(10_000, 1 << 30), **room)
    box, kept = await make_box(store), list[bytes]()
    while await put(store, box, one := cell(CELL_BYTES)) is Outcome.STORED:
        kept.append(one)
    say(f"full after {len(kept)}")
    filler = folder / "filler"
    fill(filler)
    say("not a byte is left")
    assert await put(store, box, cell(CELL_BYTES)) is Outcome.FULL
    assert await bodies(store, box) == kept
    say("everything acknowledged is there")
    for at in range(0, len(kept), AT_ONCE):
        await store.consume(box.id, [sha256(one) for one in kept[at : at + AT_ONCE]])
    assert await bodies(store, box) == []
    say("consumed" if ballast_of(folder) else "consumed with the ballast")
    filler.unlink()
    assert (await store.health()).writable
    assert await put(store, box, cell(CELL_BYTES)) is Outcome.STORED
    say("takes cells again")
    await store.close()


def ballast_of(folder: Path) -> list[Path]:
    return list(folder.glob("*.ballast"))


def fill(path: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(descriptor, bytes(4_096)):
            pass
    os.close(descriptor)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(work(Path(sys.argv[1])))
    except StorageError as error:
        say(f"failed: {error}")
        raise
