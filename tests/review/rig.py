"""A line that two stations really worked: two closed homes, and what was live meanwhile."""

from __future__ import annotations

import asyncio
import copy
import shutil
from dataclasses import dataclass
from pathlib import Path

from hotline.core.exchange.situation import Situation
from hotline.core.values import Realm
from hotline.desk.views import IncidentView, MessageView, TimelineRow, WatchView
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from tests.fakes.line import CEASE, ENCOUNTER, UNSAFE_ACT, FakeLine, Place, wait_for

PASSPHRASE = "correct horse battery staple"
INTENT = {"what": "SLOW", "course": "045", "speed": "8", "keep_clear": "2", "until": "+30m"}


@dataclass(frozen=True)
class Shown:
    """What NORTH's desk showed when the exchange was over, after `length` entries."""

    length: int
    watch: WatchView
    timeline: tuple[TimelineRow, ...]
    incident: IncidentView
    messages: dict[str, MessageView]


@dataclass(frozen=True)
class Worked:
    """Two homes; NORTH's situation after each commit, by its length; NORTH's last views."""

    directory: Path
    live: dict[int, Situation]
    shown: Shown

    @property
    def north(self) -> Path:
        return self.directory / "NORTH"

    @property
    def south(self) -> Path:
        return self.directory / "SOUTH"

    def copy(self, directory: Path) -> Worked:
        """Return the same with files of its own, to be spoiled."""
        shutil.copytree(self.directory, directory)
        return Worked(directory, self.live, self.shown)


def ledger_of(home: Path) -> Path:
    """Return the one ledger file in a home."""
    return next(home.glob("lines/*/ledger.db"))


def work(directory: Path) -> Worked:
    """Found a line, exchange statements of many kinds both ways, close both stations."""
    return asyncio.run(_work(directory))


async def _work(directory: Path) -> Worked:
    live: dict[int, Situation] = {}
    async with FakeLine(directory) as line:
        north, south = line.north, line.south

        def keep() -> None:
            live[north.situation.length] = copy.deepcopy(north.situation)

        keep()
        north.station.subscribe(keep)
        await _exchange(north, south)
        await line.settled()
        incident = next(iter(north.situation.incidents))
        view = north.desk.incident(incident)
        assert view is not None
        shown = Shown(
            north.situation.length,
            north.desk.watch(),
            north.desk.timeline(0, 1000),
            view,
            {one: north.desk.message(one) for one in north.situation.statements},  # type: ignore[misc]
        )
    return Worked(directory, live, shown)


async def _exchange(north: Place, south: Place) -> None:
    await north.desk.sign_on()
    await south.desk.sign_on()
    report = await south.say("sea/encounter", ENCOUNTER)
    await wait_for(lambda: south.receipted(report))
    await north.desk.displayed(report)
    await north.desk.acknowledge(report)
    await north.desk.read_back(
        report, {"position": "54-31.2N 011-02.5E", "course": "210", "speed": "12"}
    )
    incident = north.state(report).statement.incident
    answer = await north.say("sea/intent", INTENT, answers=report, incident=incident)
    await wait_for(lambda: north.receipted(answer))
    act = await south.say("sea/unsafe-act", UNSAFE_ACT, incident=incident)
    await wait_for(lambda: north.holds(act))
    await north.desk.acknowledge(act)
    cease = await north.say("deesc/cease-propose", CEASE, incident=incident)
    await wait_for(lambda: north.receipted(cease))
    words = await south.say("conv/free-text", {}, text="Наши суда держатся южнее.")
    await wait_for(lambda: south.receipted(words))


def protect(home: Path) -> bytes:
    """Put the content key under PASSPHRASE as a LIVE one; return the key it holds."""
    path = ledger_of(home).with_name("content.key")
    held = read_key_file(path, None)
    live = KeyFile(held.station, Realm.LIVE, held.seeds)
    write_key_file(path, live, PASSPHRASE, entropy=system_entropy, replace=True)
    return next(iter(held.seeds.values()))
