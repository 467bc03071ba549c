"""The robot officer: does at a desk what the scenario wants, as a person would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hotline.core.drills.script import Task
from hotline.core.errors import OperatorError
from hotline.core.messages.readback import critical
from hotline.desk.desk import OfficerDesk
from hotline.desk.views import TemplateChoice
from hotline.drill.side import Side

LONGEST_PAUSE_S = 0.5
"""A change is looked for at least this often; a commit wakes the robot at once."""

Log = Callable[[str], None]


class RobotOfficer:
    """Works a side's agenda until it is cancelled."""

    def __init__(self, side: Side, desk: OfficerDesk, log: Log = lambda _words: None) -> None:
        """Sit at `desk`; `log` takes a sentence when something could not be done."""
        self._side, self._desk, self._log = side, desk, log
        self._changed = asyncio.Event()
        self._given_up: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Read, answer and speak when the scenario says so."""
        end = self._desk.subscribe(self._changed.set)
        try:
            while True:
                self._changed.clear()
                task = self._next()
                pause_s = self._pause_s(task)
                if task is not None and pause_s <= 0:
                    await self._do(task)
                    continue
                await self._wait(min(pause_s, LONGEST_PAUSE_S))
        finally:
            end()

    def _next(self) -> Task | None:
        open_ = (task for task in self._side.agenda() if task.key not in self._given_up)
        return next(open_, None)

    def _pause_s(self, task: Task | None) -> float:
        if task is None:
            return LONGEST_PAUSE_S
        return (task.due_ms - self._side.machine.clock()) / 1000

    async def _wait(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _do(self, task: Task) -> None:
        """Do one task; what the rules forbid is given up, not tried for ever."""
        try:
            match task.act:
                case "acknowledge" if task.answers:
                    await self._desk.displayed(task.answers)
                    await self._desk.acknowledge(task.answers)
                case "read back" if task.answers:
                    await self._read_back(task.answers)
                case "release" if task.answers:
                    await self._release(task.answers)
                case _:
                    await self._say(task)
        except OperatorError as error:
            self._given_up.add(task.key)
            self._log(f"{task.key[0]}: {error}")

    async def _release(self, digest: str) -> None:
        deputy = self._side.deputy
        if deputy is None:
            raise OperatorError("the scenario names no deputy here, who could release it")
        shown = deputy.awaiting(digest)
        if shown is not None:
            await deputy.release(digest, code=shown.code)

    async def _read_back(self, digest: str) -> None:
        state = self._desk.situation.statements[digest]
        template = self._desk.station.rules.catalogue.get(state.statement.template.id)
        specs = critical(template) if template else ()
        typed = {spec.name: state.statement.fields.get(spec.name, "") for spec in specs}
        await self._desk.read_back(digest, typed)

    async def _say(self, task: Task) -> None:
        say = task.say
        if say is None:
            return
        template = self._desk.station.rules.catalogue.get(say.template)
        if template is None:
            raise OperatorError(f"the scenario names {say.template}, which no pack holds")
        precedence = say.precedence or template.precedence
        choice = TemplateChoice(
            id=say.template,
            number=template.number,
            title=say.template,
            purpose="",
            precedence=precedence.value,
            answers=task.answers,
            incident=task.incident or self._open_incident(opens=template.opens_incident),
            why="",
        )
        draft = self._desk.open_draft(choice).draft
        checked = self._desk.fill(
            draft, fields=say.fields, text=say.text, precedence=precedence.value
        )
        if not checked.ready:
            self._desk.discard(draft)
            raise OperatorError("; ".join(checked.faults))
        await self._desk.send(draft, checked.code, inject=task.key)

    def _open_incident(self, *, opens: bool) -> str | None:
        if opens:
            return None
        incidents = self._desk.situation.incidents.values()
        open_ = [one.name for one in incidents if one.closed_at_ms is None]
        return open_[-1] if open_ else None
