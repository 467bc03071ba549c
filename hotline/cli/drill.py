"""`hotline drill`: an exercise on this machine, from nothing to two verified ledgers."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.drill_words import Progress, say_outcome
from hotline.cli.terminal import has_terminal
from hotline.core.errors import OperatorError
from hotline.desk.desk import OfficerDesk
from hotline.drill.crew import work_side
from hotline.drill.outcome import judge
from hotline.drill.run import run_against_robot, run_auto, run_person
from hotline.drill.setup import MAX_SPEED, MIN_SPEED, change_speed, read_drill, set_up
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.tables import load_scenario
from hotline.station.assembly import Machine
from hotline.tui.entry import run_console

DEFAULT_SCENARIO = "unplanned-encounter"
AUTO_SPEED = 60.0
PREPARING = "Preparing the exercise: keys and ledgers of all stations. A moment."
CLOSING = "The console is closed. A moment: the ledgers are closed and compared."


TwoPerson = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEMPLATE", help="A template that two officers must sign; may be repeated."
    ),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options of one call."""

    scenario: str
    auto: bool
    paired: bool
    join: Path | None
    home: Path | None
    speed: float | None
    as_json: bool
    two_person: tuple[str, ...]


@dataclass(slots=True)
class _Seat:
    """The place at a console; `code` is what the console ended with."""

    code: int = 0

    async def take(self, desk: OfficerDesk) -> int:
        self.code = await run_console(desk, clock=system_clock)
        print(CLOSING, flush=True)
        return self.code


def drill(
    scenario: Annotated[
        str, typer.Option(help="A shipped scenario's id, or the path of a .toml file.")
    ] = DEFAULT_SCENARIO,
    auto: Annotated[
        bool, typer.Option("--auto", help="Run all sides by script, without a console.")
    ] = False,
    paired: Annotated[
        bool, typer.Option("--paired", help="Wait for a second person, who uses --join.")
    ] = False,
    join: Annotated[
        Path | None, typer.Option(help="Take the other side of the paired drill in this directory.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(help="Keep keys and ledgers here; goes on with a drill that stands there."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=MIN_SPEED,
            max=MAX_SPEED,
            help="Exercise seconds per second (default 1 with a console, 60 without).",
        ),
    ] = None,
    two_person: TwoPerson = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    side: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Stand watch in an exercise: stations over TLS on this machine, own keys and ledgers.

    With a terminal you take the first station against robots; without one, or
    with --auto, all sides run by script. It ends by verifying every ledger.
    """
    machine = Machine(find_config(), system_clock, system_entropy)
    if side is not None:
        asyncio.run(_child(_needed(home), side, machine))
        return
    _run(
        _Wanted(scenario, auto, paired, join, home, speed, as_json, tuple(two_person or ())),
        machine,
    )


def _run(wanted: _Wanted, machine: Machine) -> None:
    """Run the drill in the way that was asked for, and say how it ended."""
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


def _command_again(directory: Path, wanted: _Wanted) -> str:
    """Return the command that goes on with this drill."""
    if wanted.join is not None:
        return f"hotline drill --join {directory}"
    scenario = "" if wanted.scenario == DEFAULT_SCENARIO else f" --scenario {wanted.scenario}"
    paired = " --paired" if wanted.paired else ""
    return f"hotline drill{paired}{scenario} --home {directory}"


def _set_up(wanted: _Wanted, machine: Machine, default_speed: float) -> tuple[Path, str]:
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


def _pair(wanted: _Wanted, machine: Machine, seat: _Seat) -> tuple[Path, bool]:
    _check_terminal("--paired")
    print(PREPARING, flush=True)
    directory, _ = _set_up(wanted, machine, 1.0)
    first, *others = read_drill(directory).stations
    if len(others) > 1:
        raise OperatorError(
            "two persons take a drill of two stations only", hint="leave --paired away: robots help"
        )
    return directory, asyncio.run(_person(directory, first, machine, seat))


def _against_robot(wanted: _Wanted, machine: Machine, seat: _Seat) -> tuple[Path, bool]:
    print(PREPARING, flush=True)
    directory, _ = _set_up(wanted, machine, 1.0)
    quiet = Progress(sys.stderr, quiet=True)
    return directory, asyncio.run(run_against_robot(directory, machine, seat.take, quiet.take))


def _script(wanted: _Wanted, machine: Machine) -> tuple[Path, bool]:
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


def _finish(directory: Path, machine: Machine, wanted: _Wanted, completed: bool) -> None:
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


def _needed(home: Path | None) -> Path:
    if home is None:
        raise OperatorError("--side needs --home")
    return home
