"""`hotline officer`: whom a station's root certifies to speak for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.core.messages.catalogue import Catalogue
    from hotline.sealing.certificate import Certificate

app = typer.Typer(no_args_is_help=True, help="Certify officers, renew, list and revoke them.")

LONGEST_DAYS = 92
_SOON_DAYS = 30
_DAY_MS = 86_400_000

HomePath = Annotated[Path, typer.Argument(metavar="HOME", help="A station's home.")]
Person = Annotated[
    str, typer.Option(metavar="ID", help="Names the person within the station: letters, digits.")
]
Days = Annotated[int, typer.Option(metavar="N", min=1, max=LONGEST_DAYS, help="How long it lasts.")]
RootFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The root's key file, if it is not in the home."),
]


def root_in(home: Path, root: Path | None) -> Path:
    """Return where the root's key file is to be found."""
    return root if root is not None else home / "keys" / "root.key"


def packs() -> Catalogue:
    """Load the templates in use."""
    from hotline.host.config import find_config
    from hotline.host.packs import load_catalogue

    return load_catalogue(find_config())


def check_templates(named: Sequence[str]) -> None:
    """Refuse a template that no pack holds.

    Raises:
        OperatorError: one is not there.
    """
    catalogue = packs()
    for template in named:
        if catalogue.get(template) is None:
            raise OperatorError(f"no pack holds a template {template!r}")


@app.command(short_help="Make an officer's key and certify it.")
def add(
    home: HomePath,
    person: Person,
    name: Annotated[str, typer.Option(metavar="NAME", help="As the other station sees it.")],
    rank: Annotated[str, typer.Option(metavar="RANK", help="Shown before the name.")] = "",
    role: Annotated[str, typer.Option(metavar="ROLE", help="As in Watch officer.")] = "",
    days: Days = LONGEST_DAYS,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Make an officer's key and have the root certify it.

    Asks for the passphrases of console.key, of root.key, and a new one of the officer's own.
    """
    from hotline.sealing.enrol import Subject
    from hotline.station.officers import add_officer

    asker = Asker(passphrase_fd, kept=kept_by(home, keyring))
    bench = bench_with(home, asker)
    subject = Subject(person, name=name, rank=rank, role=role)
    unprotected = not _is_protected(home)
    new = Asker(unprotected=True).ask_new if unprotected else asker.ask_new
    certificate = add_officer(bench, subject, new, root_in(home, root), packs(), days)
    print(f"{certificate.shown} is certified until {_day(certificate)}: {person}.")


@app.command(short_help="Certify an officer's key for longer.")
def renew(
    home: HomePath,
    person: Person,
    days: Days = LONGEST_DAYS,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Give an officer a new certificate for the same key.

    Asks for the passphrases of console.key, of root.key and of the officer.
    """
    from hotline.station.officers import renew_officer

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    certificate = renew_officer(bench, person, root_in(home, root), packs(), days)
    print(f"{certificate.shown} is certified until {_day(certificate)}: {person}.")


@app.command("list", short_help="Say who the officers are, and until when.")
def list_officers(
    home: HomePath,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List a station's officers with the end of their certificates; needs no passphrase."""
    from hotline.host.clock import system_clock
    from hotline.review.sentences import printable
    from hotline.station.home import Home
    from hotline.station.identity import read_identity

    officers = read_identity(Home(home)).officers()
    now_ms = system_clock()
    if as_json:
        rows = {
            person: {
                "shown": one.shown,
                "not_after": _day(one),
                "days_left": (one.not_after_ms - now_ms) // _DAY_MS,
                "certificate": one.id.hex(),
            }
            for person, one in officers.items()
        }
        print(json.dumps(rows, sort_keys=True))
        return
    if not officers:
        print("No officer is certified yet: hotline officer add")
    for person, one in officers.items():
        print(printable(f"{person}: {one.shown}, until {_day(one)}, {_left(one, now_ms)}"))


def _left(certificate: Certificate, now_ms: int) -> str:
    days = (certificate.not_after_ms - now_ms) // _DAY_MS
    if days < 0:
        return "ENDED: renew it"
    return f"{days} days left" + (": renew it soon" if days < _SOON_DAYS else "")


def _day(certificate: Certificate) -> str:
    from hotline.core.times import format_time

    return format_time(certificate.not_after_ms)[:10]


def _is_protected(home: Path) -> bool:
    from hotline.host.keyfile import is_protected

    return is_protected(home / "keys" / "console.key")
