"""A side of a drill in a process of its own, and the watch over such processes.

The child speaks JSON lines on standard output and obeys words on standard
input; the end of its input ends it. A child that is killed is started again
from its home: its ledger knows where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from hotline.core.errors import HotlineError, LinkError
from hotline.core.exchange.delivery import StatementState
from hotline.drill.robot import RobotOfficer
from hotline.drill.side import COMPLETE, Side, open_side
from hotline.station.assembly import Machine
from hotline.station.running import settle, until

SETTLE = "settle"
MAX_RESTARTS = 500
MAX_HELD = 50
HELD_WORDS = "another process has it open"
"""What a child says whose ledger the one before it has not let go of yet."""

RESTART_PAUSE_S = 0.2

Report = dict[str, Any]
OnReport = Callable[[str, Report], None]


# --- in the child ----------------------------------------------------------------


async def work_side(
    directory: Path,
    name: str,
    machine: Machine,
    *,
    say: Callable[[str], None],
    orders: Callable[[], Awaitable[str]],
) -> None:
    """Run one side by its script until told to settle, then until the input ends.

    Args:
        say: Takes one line for the parent.
        orders: Gives the parent's next word, "" at the end of input.
    """
    async with open_side(directory, name, machine, deputy=True) as side:
        if side.desk is None:
            return
        robot = RobotOfficer(side, side.desk, lambda words: say(_line("trouble", words=words)))
        reporter = _Reporter(side, say)
        end = side.station.subscribe(reporter.news)
        jobs = [
            asyncio.create_task(robot.run()),
            asyncio.create_task(_say_when_complete(side, say)),
        ]
        try:
            while await orders() == SETTLE:
                await side.end(COMPLETE)
                await settle(side.station)
                say(_line("settled"))
        finally:
            end()
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def _say_when_complete(side: Side, say: Callable[[str], None]) -> None:
    while True:
        await until(side.station, lambda: side.complete)
        say(_line("complete"))
        await until(side.station, lambda: not side.complete)
        say(_line("resumed"))


class _Reporter:
    """Tells of each outbound statement and each step that it reached."""

    def __init__(self, side: Side, say: Callable[[str], None]) -> None:
        self._side, self._say = side, say
        self._told: dict[str, int] = {}
        self.news()

    def news(self) -> None:
        for state in self._side.situation.statements.values():
            if state.outbound and self._told.get(state.digest, 0) < len(state.steps):
                self._tell(state)

    def _tell(self, state: StatementState) -> None:
        known = self._told.get(state.digest, 0)
        statement = state.statement
        for at_ms, words in state.steps[known:]:
            self._say(
                _line(
                    "step",
                    digest=state.digest,
                    token=state.token,
                    template=statement.template.id,
                    precedence=statement.precedence.value,
                    at_ms=at_ms,
                    words=words,
                )
            )
        self._told[state.digest] = len(state.steps)


def _line(kind: str, **values: object) -> str:
    return json.dumps({"t": kind, **values}, ensure_ascii=True)


# --- in the parent ----------------------------------------------------------------


class Crew:
    """Runs sides as child processes, starts killed ones again, gathers what they say."""

    def __init__(self, directory: Path, names: Sequence[str], on_report: OnReport) -> None:
        """Prepare; `on_report` takes (station, report)."""
        self._directory, self._names, self._on_report = directory, names, on_report
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._news = asyncio.Condition()
        self._settling = False
        self._last_errors: dict[str, str] = {}
        self._refused_starts: dict[str, int] = {}
        self.complete: set[str] = set()
        self.settled: set[str] = set()
        self.restarts = 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds; it is looked at after each report of a child."""
        async with self._news:
            await self._news.wait_for(condition)

    async def run(self, end: Awaitable[object]) -> None:
        """Keep the children going until `end` returns, then end them in order.

        Raises:
            HotlineError: a child failed for a reason that starting again does not mend.
        """
        async with asyncio.TaskGroup() as tasks:
            watches = [tasks.create_task(self._watch(name)) for name in self._names]
            await end
            for watch in watches:
                watch.cancel()

    async def settle(self, name: str) -> None:
        """Tell a child that the drill is over: countersign everything."""
        self._settling = True
        await self._order(name)

    async def _order(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None and child.stdin is not None and child.returncode is None:
            with contextlib.suppress(OSError):
                child.stdin.write(f"{SETTLE}\n".encode())
                await child.stdin.drain()

    async def _watch(self, name: str) -> None:
        while True:
            child = await self._start(name)
            try:
                code = await self._listen(name, child)
            finally:
                await _end(child)
            self.complete.discard(name)
            self.settled.discard(name)
            self._judge(name, code)
            self.restarts += 1
            await asyncio.sleep(RESTART_PAUSE_S)

    async def _start(self, name: str) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hotline",
            "drill",
            "--home",
            str(self._directory),
            "--side",
            name,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A Ctrl-C at the terminal is for the parent, which ends the children in order.
            start_new_session=True,
        )
        self._children[name] = child
        self._on_report(name, {"t": "started", "pid": child.pid})
        if self._settling:
            await self._order(name)
        return child

    async def _listen(self, name: str, child: asyncio.subprocess.Process) -> int:
        if child.stdout is None or child.stderr is None:
            return 0
        errors = asyncio.create_task(child.stderr.read())
        while line := await child.stdout.readline():
            self._take(name, line)
            async with self._news:
                self._news.notify_all()
        self._last_errors[name] = (await errors).decode(errors="replace").strip()
        return await child.wait()

    def _take(self, name: str, line: bytes) -> None:
        try:
            report = json.loads(line)
        except ValueError:
            return
        match report.get("t"):
            case "complete":
                self.complete.add(name)
            case "resumed":
                self.complete.discard(name)
            case "settled":
                self.settled.add(name)
        self._on_report(name, report)

    def _judge(self, name: str, code: int) -> None:
        """Start again what was killed, or found its ledger still held; give up on the rest.

        Raises:
            HotlineError: with the child's own sentence and exit code.
        """
        said = self._last_errors.get(name, "")
        killed, held = code < 0, HELD_WORDS in said
        refused = self._refused_starts.get(name, 0) + 1 if held else 0
        self._refused_starts[name] = refused
        if self.restarts < MAX_RESTARTS and (killed or 0 < refused < MAX_HELD):
            return
        raise _ChildError(name, code, said)


class _ChildError(HotlineError):
    """A child failed: its sentence and its exit code."""

    def __init__(self, name: str, code: int, said: str) -> None:
        lines = said.splitlines()[-1:] or [f"it ended with code {code}"]
        message, _, hint = lines[0].removeprefix("hotline: ").rstrip(".").rpartition("; ")
        super().__init__(f"{name}: {message or hint}", hint=hint if message else None)
        self.exit_code = code if code > 0 else LinkError.exit_code


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close the child's input, which ends it in order; kill it if it does not."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        async with asyncio.timeout(5):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
