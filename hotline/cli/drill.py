"""`hotline drill`: an exercise on this machine, with a console or by script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline.core.drills.pace import MAX_SPEED, MIN_SPEED
from hotline.core.errors import OperatorError

DEFAULT_SCENARIO = "unplanned-encounter"

TwoPerson = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEMPLATE", help="A template that two officers must sign; may be repeated."
    ),
]


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
    from hotline.cli.drill_run import Wanted, run_child, run_drill

    if side is not None:
        if home is None:
            raise OperatorError("--side needs --home")
        run_child(home, side)
        return
    again = "" if scenario == DEFAULT_SCENARIO else f" --scenario {scenario}"
    run_drill(
        Wanted(scenario, auto, paired, join, home, speed, as_json, tuple(two_person or ()), again)
    )
