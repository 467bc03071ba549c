"""A store in a process of its own, to be killed: puts cells and says which are durable.

    python -m tests.transport.relay.writer PATH KIND POINT NTH

Each line of output is the number of a cell whose put has returned. At the NTH commit
the process dies by itself: `before` or `after` that commit, or `never`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from hotline.transport.relay.sqlite_writer import Writer
from hotline.transport.relay.store import Box, Outcome
from tests.transport.relay.mutants import BY_NAME
from tests.transport.relay.rig import later, open_sqlite

BOX = Box(b"B" * 16, b"R" * 32, b"S" * 32)
BODY_BYTES = 1_000
AT_ONCE = 8
DIED = 9


def body_of(number: int) -> bytes:
    return (b"%d," % number).ljust(BODY_BYTES, b".")


def id_of(number: int) -> bytes:
    return hashlib.sha256(body_of(number)).digest()


def die_at(point: str, nth: int) -> None:
    """Let the process die around its n-th commit."""
    make_durable, commits = Writer._make_durable, 0

    def dying(writer: Writer) -> None:
        nonlocal commits
        commits += 1
        if commits == nth and point == "before":
            # Whatever a store answers before its commit gets out, as it would in time.
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), writer._loop).result()
            os._exit(DIED)
        make_durable(writer)
        if commits == nth and point == "after":
            os._exit(DIED)

    Writer._make_durable = dying  # type: ignore[method-assign]


async def work(path: Path, kind: Any) -> None:
    store = open_sqlite(path, kind=kind)
    await store.create(BOX, b"T" * 32)
    numbers = iter(range(10**9))

    async def put_on() -> None:
        for number in numbers:
            outcome = await store.put(BOX.id, BOX.sender, id_of(number), body_of(number), later())
            if outcome is Outcome.QUOTA:
                return
            os.write(1, b"%d\n" % number)

    await asyncio.gather(*(put_on() for _ in range(AT_ONCE)))
    os.write(1, b"done\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    die_at(sys.argv[3], int(sys.argv[4]))
    asyncio.run(work(Path(sys.argv[1]), BY_NAME[sys.argv[2]]))
