"""The ways to run a drill: all sides by script, or a person at one of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from hotline.core.errors import LinkError
from hotline.desk.desk import OfficerDesk
from hotline.drill.crew import Crew, OnReport
from hotline.drill.setup import read_drill
from hotline.drill.side import COMPLETE, Side, open_side
from hotline.station.assembly import Machine
from hotline.station.running import settle_for_a_while, until

AUTO_LIMIT_S = 600.0

Console = Callable[[OfficerDesk], Awaitable[int]]
"""Opens a console on a desk and returns when the officer leaves."""


async def run_auto(directory: Path, on_report: OnReport) -> Crew:
    """Run all sides by script to the end of the scenario.

    Raises:
        LinkError: it did not come to an end in AUTO_LIMIT_S.
        HotlineError: a side failed.
    """
    names = read_drill(directory).stations
    crew = Crew(directory, names, on_report)
    everybody = set(names)

    async def settle() -> None:
        await crew.until(lambda: crew.complete == everybody)
        for name in names:
            await crew.settle(name)

    settling = asyncio.create_task(settle())
    try:
        async with asyncio.timeout(AUTO_LIMIT_S):
            await _plainly(crew.run(crew.until(lambda: crew.settled == everybody)))
    except TimeoutError as error:
        raise LinkError(
            "the drill did not come to its end in time", hint="run it again with the same --home"
        ) from error
    finally:
        settling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await settling
    return crew


async def run_against_robot(
    directory: Path, machine: Machine, console: Console, on_report: OnReport
) -> bool:
    """Put a person at the first station, robots at the others; return whether it was completed."""
    ours, *theirs = read_drill(directory).stations
    async with open_side(directory, ours, machine) as side:
        crew = Crew(directory, theirs, on_report)
        left = asyncio.Event()
        robots = asyncio.create_task(_plainly(crew.run(left.wait())))
        try:
            await _at_console(side, console, beside=robots)
            completed = _completed(side)
            if completed:
                for name in theirs:
                    await crew.settle(name)
            await settle_for_a_while(side.station)
        finally:
            left.set()
            await robots
    return completed


async def run_person(
    directory: Path, name: str, machine: Machine, console: Console, waiting: Callable[[], None]
) -> bool:
    """Put a person at `name` and wait for the other terminal; return whether it was completed.

    Args:
        waiting: Called once when the other side is not there yet.
    """
    async with open_side(directory, name, machine) as side:
        if not side.station.up:
            waiting()
        await until(side.station, lambda: side.station.up)
        await _at_console(side, console, beside=None)
        completed = _completed(side)
        if completed:
            await side.end(COMPLETE)
        await settle_for_a_while(side.station)
    return completed


async def _at_console(side: Side, console: Console, *, beside: asyncio.Task[None] | None) -> None:
    """Run the console; say ENDEX in the ledger as soon as the scenario is through."""
    if side.desk is None:
        return
    watch = asyncio.create_task(_end_when_complete(side))
    try:
        await console(side.desk)
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    if beside is not None and beside.done():
        await beside


async def _end_when_complete(side: Side) -> None:
    await until(side.station, lambda: _completed(side))
    await side.end(COMPLETE)


def _completed(side: Side) -> bool:
    """A person's side is through when the incidents are closed and nothing waits to be sent."""
    situation = side.situation
    closed = [one.closed_at_ms is not None for one in situation.incidents.values()]
    return bool(closed) and all(closed) and not situation.outbox and not situation.unread()


async def _plainly(work: Awaitable[None]) -> None:
    """Let the one error out of a task group's bundle."""
    try:
        await work
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
