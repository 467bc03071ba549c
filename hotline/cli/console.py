"""`hotline console`: the console of a station, which works its line while it is open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.cli.terminal import has_terminal
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.desk.seat import Unlocked
    from hotline.station.assembly import Machine
    from hotline.station.home import Home

OPENING = "The record of this station is opened. A moment."
CLOSING = "The console is closed. The record is being countersigned. A moment."

OfficerOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The officer; not needed where only one has a key."),
]


def console(
    home: HomePath,
    officer: OfficerOption = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw borders with plain characters.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> int:
    """Stand watch on a line: the console opens, and the station works the line with it.

    Asks for the passphrases of console.key and of the officer. When no key was pressed for
    a while (lock_after_s in hotline.toml), and on ^L, the desk is locked: the line works on,
    and the officer's passphrase, typed there, unlocks it.
    """
    from hotline.desk.seat import unlock

    if not has_terminal():
        raise OperatorError(
            "the console needs a terminal", hint="use hotline send and hotline inbox without one"
        )
    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    opened, unlocked = bench.home, unlock(bench, officer)
    # Nothing that was read of a passphrase stays beside a desk that drops the key of it.
    del bench
    print(OPENING, flush=True)
    return asyncio.run(_watch(opened, unlocked, machine_here(), ascii_only=ascii_only))


def machine_here() -> Machine:
    """Return what a station takes from this machine."""
    from hotline.host.clock import system_clock
    from hotline.host.config import find_config
    from hotline.host.entropy import system_entropy
    from hotline.station.assembly import Machine

    return Machine(find_config(), system_clock, system_entropy)


async def _watch(home: Home, unlocked: Unlocked, machine: Machine, *, ascii_only: bool) -> int:
    from hotline.desk.seat import at_desk
    from hotline.tui.entry import run_console

    async with at_desk(home, unlocked, machine) as desk:
        code = await run_console(desk, clock=machine.clock, ascii_only=ascii_only)
        print(CLOSING, flush=True)
    return code
