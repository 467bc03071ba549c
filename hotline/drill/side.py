"""One side of a drill: its station, its desk, and what the scenario wants of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hotline.core.drills.scenario import Scenario
from hotline.core.drills.script import Task, agenda
from hotline.core.exchange.situation import Situation
from hotline.core.records.events import DrillEnded, DrillStarted
from hotline.desk.desk import OfficerDesk
from hotline.desk.opening import open_desk
from hotline.drill.setup import deputy_of, officer_of, scenario_of
from hotline.sealing.enrol import Subject
from hotline.station.assembly import Machine, open_station
from hotline.station.home import Home
from hotline.station.running import running
from hotline.station.station import Station
from hotline.transport.link import Timings

TIMINGS = Timings(backoff_cap_s=1.0, stable_s=2.0, blocked_s=5.0)
BRIEFING_LINE_MS = 6_000
COMPLETE = "the incident is closed on both sides"


@dataclass(slots=True)
class Side:
    """A running side.

    Attributes:
        deputy: The desk of the second officer, at the same station; None without one.
    """

    scenario: Scenario
    speed: float
    station: Station
    machine: Machine
    desk: OfficerDesk | None = None
    deputy: OfficerDesk | None = None

    @property
    def situation(self) -> Situation:
        """What is so at this side, as its ledger says."""
        return self.station.situation

    def agenda(self) -> tuple[Task, ...]:
        """Return what the scenario still wants of this side, the earliest first."""
        return agenda(self.scenario, self.situation, self.station.rules, self.speed)

    def coach(self) -> str:
        """Return what EXCON tells the officer now, or ""."""
        now_ms = self.machine.clock()
        for task in self.agenda():
            due = task.act == "say" and task.due_ms <= now_ms
            if due and task.coach and not self._answered(task):
                return task.coach
        return self._briefing(now_ms)

    def _answered(self, task: Task) -> bool:
        """Whether the officer has answered by another form than the scenario names."""
        template = self.station.rules.catalogue.get(task.say.template) if task.say else None
        dialogue = self.situation.dialogues.get(task.answers or "")
        moves = template is not None and template.ladder is not None
        return dialogue is not None and dialogue.how == "ANSWERED" and not moves

    def _briefing(self, now_ms: int) -> str:
        """Return a line of the officer's briefing, one after the other, until something comes."""
        lines = self.scenario.stations[self.situation.station].briefing
        if self.situation.incidents or not lines:
            return ""
        shown = (now_ms - (self.situation.drill_started_ms or now_ms)) // BRIEFING_LINE_MS
        return lines[shown % len(lines)]

    @property
    def complete(self) -> bool:
        """Whether every incident is closed and nobody waits for anybody."""
        situation = self.situation
        incidents = situation.incidents.values()
        closed = bool(incidents) and all(one.closed_at_ms is not None for one in incidents)
        return closed and not situation.clocks and not situation.outbox and not self.agenda()

    async def begin(self) -> None:
        """Record STARTEX and the officer who has the watch; once, whatever crashed before."""
        started = DrillStarted(scenario=self.scenario.id, title=self.scenario.title)
        await self.station.note(started)
        if self.desk is not None and not self.situation.officer:
            await self.desk.sign_on()

    async def end(self, outcome: str) -> None:
        """Record ENDEX; once."""
        await self.station.note(DrillEnded(outcome=outcome))


@asynccontextmanager
async def open_side(
    directory: Path, name: str, machine: Machine, *, deputy: bool = False
) -> AsyncIterator[Side]:
    """Open a side of a drill and run its station while the context lasts.

    Args:
        deputy: The second officer sits at a desk of its own, for a script that releases.
    Raises:
        OperatorError, IntegrityError, StorageError, LinkError: it cannot be opened or
            run; a failure while it runs ends the context with it.
    """
    card, scenario = scenario_of(directory, machine)
    home = Home(directory / name)
    station, _ = open_station(home, machine, passphrase=None, timings=TIMINGS)
    try:
        side = Side(scenario, card.speed, station, machine)
        side.desk = _desk(side, home, officer_of(scenario, name))
        second = deputy_of(scenario, name) if deputy else None
        side.deputy = _desk(side, home, second) if second else None
        async with running(station):
            await side.begin()
            yield side
    finally:
        await station.close()


def _desk(side: Side, home: Home, officer: Subject) -> OfficerDesk:
    machine = side.machine
    return open_desk(
        side.station,
        home,
        officer.person,
        config=machine.config,
        passphrase=None,
        clock=machine.clock,
        entropy=machine.entropy,
        coach=side.coach,
    )
