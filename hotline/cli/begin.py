"""`hotline init`: a station's home, with its root, console and journal."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.passphrases import Asker, PassphraseFd
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


def init(
    home: Annotated[Path, typer.Argument(metavar="HOME", help="A new directory.")],
    station: Annotated[
        str, typer.Option(metavar="NAME", help="The station: capitals, digits and -, at most 16.")
    ],
    realm: Annotated[
        RealmWord, typer.Option(help="Live, or keys that can never speak on a live line.")
    ] = RealmWord.LIVE,
    route: RouteOption = None,
    listen: ListenOption = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="No passphrases; for exercises only.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Make a station's home: its root and the root's successor, console, journal.

    Asks for the passphrases of root.key, successor.key and console.key.
    """
    from hotline.host.clock import system_clock
    from hotline.host.config import find_config
    from hotline.host.entropy import system_entropy
    from hotline.host.packs import load_catalogue
    from hotline.station.beginning import NewStation, begin_home
    from hotline.station.home import Home
    from hotline.station.reach import read_listening, read_route

    wanted = Realm(realm.value.upper())
    if unprotected and wanted is Realm.LIVE:
        raise OperatorError(
            "a LIVE station's keys must have passphrases", hint="leave --unprotected out"
        )
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
