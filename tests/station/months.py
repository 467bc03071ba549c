"""A line that is worked over months: a clock that the test sets, two officers each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hotline.core.times import parse_time
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.home import Home
from hotline.station.upkeep import Bench
from tests.fakes.line import FakeLine, Place, wait_for

OCTOBER, NOVEMBER, DECEMBER = 202610, 202611, 202612
NORTHERN = ("ramos", "vega")


class Calendar:
    """A clock that runs, begun at a time of the test's choosing."""

    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str) -> None:
        self._shift_ms = parse_time(text) - system_clock()

    def __call__(self) -> int:
        return system_clock() + self._shift_ms


def no_passphrase(name: str) -> str:
    raise AssertionError(f"{name} is not protected, and its passphrase was asked for")


@dataclass
class Years:
    """The line, and the clock of both stations."""

    line: FakeLine
    calendar: Calendar

    @property
    def bench(self) -> Bench:
        """What upkeep of NORTH's home needs."""
        return Bench(self.line.north.home, self.calendar, system_entropy, no_passphrase)

    async def exchange(self) -> str:
        """Let SOUTH say something that NORTH records and SOUTH has receipted."""
        return await say(self.line, self.line.south, self.line.north)

    async def answer(self) -> str:
        return await say(self.line, self.line.north, self.line.south)


async def say(line: FakeLine, sender: Place, other: Place) -> str:
    digest = await sender.say("conv/free-text", {}, text="Nothing to report.")
    await wait_for(lambda: sender.receipted(digest) and other.holds(digest))
    await line.settled()
    return digest


def copied(home: Home, directory: Path) -> Home:
    """Return a home of the same files elsewhere, to be spoiled."""
    shutil.copytree(home.path, directory)
    return Home(directory)
