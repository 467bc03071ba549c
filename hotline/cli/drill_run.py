"""How `hotline drill` is run: alone against robots, in paired terminals, or by script."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import typer

from hotline.cli.drill_words import Progress, say_outcome
from hotline.cli.terminal import has_terminal
from hotline.core.errors import OperatorError
from hotline.desk.desk import OfficerDesk
from hotline.drill.crew import work_side
from hotline.drill.outcome import judge
from hotline.drill.run import run_against_robot, run_auto, run_person
from hotline.drill.setup import change_speed, read_drill, set_up
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.tables import load_scenario
from hotline.station.assembly import Machine
from hotline.tui.entry import run_console

AUTO_SPEED = 60.0
PREPARING = "Preparing the exercise: keys and ledgers of all stations. A moment."
CLOSING = "The console is closed. A moment: the ledgers are closed and compared."


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of one call; `again` is how the scenario is named when it is called again."""

    scenario: str
    auto: bool
    paired: bool
    join: Path | None
    home: Path | None
    speed: float | None
    as_json: bool
    two_person: tuple[str, ...]
    again: str


@dataclass(slots=True)
class _Seat:
    """The place at a console; `code` is what the console ended with."""

    code: int = 0

    async def take(self, desk: OfficerDesk) -> int:
        self.code = await run_console(desk, clock=system_clock)
        print(CLOSING, flush=True)
        return self.code


def run_child(home: Path, side: str) -> None:
    """Run one side of the drill in `home`, for a parent that reads our output."""
    asyncio.run(_child(home, side, _machine()))


def run_drill(wanted: Wanted) -> None:
    """Run the drill in the way that was asked for, and say how it ended."""
    machine = _machine()
    seat = _Seat()
    if wanted.join is not None:
        directory, completed = _join(wanted.join, machine, seat)
    elif wanted.paired:
        directory, completed = _pair(wanted, machine, seat)
    elif wanted.auto or wanted.as_json or not has_terminal():
        directory, completed = _script(wanted, machine)
    else:
        directory, completed = _against_robot(wanted, machine, seat)
    _finish(directory, machine, wanted, completed)
    if seat.code:
        raise typer.Exit(seat.code)


def _command_again(directory: Path, wanted: Wanted) -> str:
    """Return the command that goes on with this drill."""
    if wanted.join is not None:
        return f"hotline drill --join {directory}"
    paired = " --paired" if wanted.paired else ""
    return f"hotline drill{paired}{wanted.again} --home {directory}"


def _set_up(wanted: Wanted, machine: Machine, default_speed: float) -> tuple[Path, str]:
    """Return the drill's directory and the scenario's title."""
    loaded = load_scenario(machine.config, wanted.scenario)
    directory = wanted.home or Path(tempfile.mkdtemp(prefix="hotline-drill-"))
    speed = wanted.speed or default_speed
    set_up(directory, loaded, wanted.scenario, speed, machine, wanted.two_person)
    if wanted.speed is not None:
        change_speed(directory, wanted.speed)
    return directory, loaded.title


def _join(directory: Path, machine: Machine, seat: _Seat) -> tuple[Path, bool]:
    _check_terminal("--join")
    other = read_drill(directory).stations[1]
    return directory, asyncio.run(_person(directory, other, machine, seat))


def _pair(wanted: Wanted, machine: Machine, seat: _Seat) -> tuple[Path, bool]:
    _check_terminal("--paired")
    print(PREPARING, flush=True)
    directory, _ = _set_up(wanted, machine, 1.0)
    first, *others = read_drill(directory).stations
    if len(others) > 1:
        raise OperatorError(
            "two persons take a drill of two stations only", hint="leave --paired away: robots help"
        )
    return directory, asyncio.run(_person(directory, first, machine, seat))


def _against_robot(wanted: Wanted, machine: Machine, seat: _Seat) -> tuple[Path, bool]:
    print(PREPARING, flush=True)
    directory, _ = _set_up(wanted, machine, 1.0)
    quiet = Progress(sys.stderr, quiet=True)
    return directory, asyncio.run(run_against_robot(directory, machine, seat.take, quiet.take))


def _script(wanted: Wanted, machine: Machine) -> tuple[Path, bool]:
    directory, title = _set_up(wanted, machine, AUTO_SPEED)
    progress = Progress(sys.stdout, quiet=wanted.as_json)
    progress.begin(title, directory)
    asyncio.run(run_auto(directory, progress.take))
    return directory, True


async def _person(directory: Path, name: str, machine: Machine, seat: _Seat) -> bool:
    def waiting() -> None:
        print(f"You are {name}. Waiting for the other terminal.")
        first = read_drill(directory).stations[0]
        way = f"--join {directory}" if name == first else f"--paired --home {directory}"
        print(f"There, run:  hotline drill {way}")
        print("Ctrl-C gives up; the drill can be taken up again.", flush=True)

    return await run_person(directory, name, machine, seat.take, waiting)


def _machine() -> Machine:
    return Machine(find_config(), system_clock, system_entropy)


async def _child(directory: Path, name: str, machine: Machine) -> None:
    """Run one side for a parent that reads our output and holds our input."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def orders() -> str:
        return (await reader.readline()).decode(errors="replace").strip()

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    await work_side(directory, name, machine, say=say, orders=orders)


def _finish(directory: Path, machine: Machine, wanted: Wanted, completed: bool) -> None:
    outcome = judge(directory, machine)
    if wanted.as_json:
        print(json.dumps(outcome.summary()))
    else:
        say_outcome(
            outcome, directory, completed=completed, again=_command_again(directory, wanted)
        )
    if not outcome.good:
        raise typer.Exit(1)


def _check_terminal(option: str) -> None:
    if not has_terminal():
        raise OperatorError(f"{option} needs a terminal", hint="use --auto without one")
