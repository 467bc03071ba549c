"""`hotline init`: a station's home, with its root, console and journal."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.passphrases import Asker, PassphraseFd
from hotline.cli.terminal import has_terminal
from hotline.core.errors import OperatorError
from hotline.core.values import Realm

if TYPE_CHECKING:
    from hotline.station.identity import Identity


class RealmWord(StrEnum):
    """A realm as it is typed."""

    LIVE = "live"
    EXERCISE = "exercise"


RouteOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where the other station will dial this one."),
]
ListenOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Where to listen for that, if it is not the route itself."
    ),
]

Guided = Annotated[
    bool,
    typer.Option(
        "--guided",
        help="Ask on screens, step by step, until the first line is complete; with the HOME "
        "of a station that was begun, go on where it stopped.",
    ),
]
AsciiOnly = Annotated[
    bool, typer.Option("--ascii", help="With --guided: borders of plain characters.")
]


def init(
    home: Annotated[
        Path | None,
        typer.Argument(
            metavar="HOME", help="A new directory; with --guided also one that was begun."
        ),
    ] = None,
    station: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The station: capitals, digits and -, at most 16; needed without --guided.",
        ),
    ] = None,
    realm: Annotated[
        RealmWord | None,
        typer.Option(
            help="live (the default), or exercise: keys that can never speak on a live line."
        ),
    ] = None,
    route: RouteOption = None,
    listen: ListenOption = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="No passphrases; for exercises only.")
    ] = False,
    guided: Guided = False,
    ascii_only: AsciiOnly = False,
    passphrase_fd: PassphraseFd = None,
) -> int:
    """Make a station's home: its root and the root's successor, console, journal.

    Asks for the passphrases of root.key, successor.key and console.key. The best way to
    begin is --guided, which asks for everything and says why.
    """
    if guided:
        given = (station, realm, route, listen, passphrase_fd, unprotected or None)
        if any(one is not None for one in given):
            raise OperatorError(
                "--guided asks for everything itself", hint="give it HOME at most, and --ascii"
            )
        return _guide(home, ascii_only=ascii_only)
    if ascii_only:
        raise OperatorError("--ascii goes with --guided", hint="leave it out")
    if home is None or station is None:
        raise OperatorError(
            "init needs HOME and --station NAME", hint="or hotline init --guided, which asks"
        )
    wanted = Realm((realm or RealmWord.LIVE).value.upper())
    _make(home, station, wanted, (route, listen), unprotected, passphrase_fd)
    return 0


def _guide(home: Path | None, *, ascii_only: bool) -> int:
    """Run the guided setup.

    Spec: docs/enrolment.md §12.1
    """
    from hotline.cli.console import machine_here
    from hotline.desk.guided.setting_up import SettingUp
    from hotline.tui.entry import run_guide

    if not has_terminal():
        raise OperatorError(
            "init --guided needs a terminal",
            hint="use hotline init, officer, card and line without one",
        )
    guide = SettingUp(machine_here(), home)
    code = asyncio.run(run_guide(guide, ascii_only=ascii_only))
    view = guide.view()
    if view.made and (view.line is None or not view.line.whole):
        print(f"To go on where you stopped: hotline init --guided {view.home}")
    elif view.made:
        print(f"To stand watch: hotline console {view.home}")
    return code


def _make(
    home: Path,
    station: str,
    wanted: Realm,
    reach: tuple[str | None, str | None],
    unprotected: bool,
    passphrase_fd: int | None,
) -> None:
    from hotline.host.clock import system_clock
    from hotline.host.config import find_config
    from hotline.host.entropy import system_entropy
    from hotline.host.packs import load_catalogue
    from hotline.station.beginning import NewStation, begin_home
    from hotline.station.home import Home
    from hotline.station.reach import read_listening, read_route

    if unprotected and wanted is Realm.LIVE:
        raise OperatorError(
            "a LIVE station's keys must have passphrases", hint="leave --unprotected out"
        )
    route, listen = reach
    new = NewStation(station, wanted, read_route(route), read_listening(listen))
    asker = Asker(passphrase_fd, unprotected=unprotected)
    made = begin_home(
        Home(home), new, asker.ask_new, load_catalogue(find_config()), system_clock, system_entropy
    )
    _say_made(home, made)


def _say_made(home: Path, made: Identity) -> None:
    from hotline.cli.fingerprints import fingerprint_lines

    print(f"Station {made.station} ({made.realm}) is made in {home}. Its root:")
    print()
    for line in fingerprint_lines(made.verified().root.digest):
        print(line)
    print()
    print("Next:")
    print("  Keep keys/root.key on a medium of its own, away from this machine; it is")
    print("  needed for officers and to set a line up. Keep keys/successor.key elsewhere.")
    print(f"  hotline officer add {home} --person ID --name NAME")
    print(f"  hotline card export {home} --out {made.station.lower()}.card")
