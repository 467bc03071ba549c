"""Running a station beside what is done at it: waiting for the record, ending in good order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hotline.station.station import Station

SETTLE_PAUSE_S = 0.5
SETTLE_LIMIT_S = 10.0
UNLINKED_LIMIT_S = 0.5


async def until(station: Station, condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; it is looked at after each commit of `station`."""
    changed = asyncio.Event()
    end = station.subscribe(changed.set)
    try:
        while not condition():
            changed.clear()
            await changed.wait()
    finally:
        end()


async def settle(station: Station) -> None:
    """Close the record; show our newest head until the peer has countersigned all of it."""
    await station.conclude()
    while not station.settled:
        station.show_head()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_PAUSE_S):
                await until(station, lambda: station.settled)
    station.leave()


async def settle_for_a_while(station: Station) -> None:
    """Settle while the other side is there; not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_LIMIT_S if station.up else UNLINKED_LIMIT_S):
            await settle(station)


@asynccontextmanager
async def running(station: Station) -> AsyncIterator[None]:
    """Run the station beside the body; whichever fails first ends both."""
    body = asyncio.current_task()
    work = asyncio.create_task(station.run())
    failed: list[BaseException] = []

    def over(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and body is not None:
            failed.append(_plain(task.exception()))
            body.cancel()

    work.add_done_callback(over)
    try:
        yield
    except asyncio.CancelledError:
        if failed:
            raise failed[0] from None
        raise
    finally:
        work.remove_done_callback(over)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await work


def _plain(error: BaseException | None) -> BaseException:
    """Take the one error out of a task group's bundle."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error or RuntimeError("the station ended")
