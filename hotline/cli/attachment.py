"""`hotline attachment`: the files that went with statements, listed and taken out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.console import machine_here
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.cli.post import AsJson

if TYPE_CHECKING:
    from hotline.desk.seat import Unlocked
    from hotline.station.home import Home

app = typer.Typer(no_args_is_help=True, help="List the files of statements, and take them out.")


@app.command("list", short_help="List the files that went with statements.")
def list_files(
    home: HomePath,
    as_json: AsJson = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """List every file that went with a statement, ours and theirs, and where it is.

    Asks for the passphrase of console.key. The station must not run meanwhile.
    """
    from hotline.review.sentences import printable

    unlocked, opened = _unlocked(home, passphrase_fd, keyring=keyring)
    found = asyncio.run(_listed(opened, unlocked))
    if as_json:
        print(json.dumps(found, sort_keys=True))
    elif not found:
        print("No file went with a statement yet.")
    else:
        for one in found:
            print(printable(f"{one['token']} {one['statement'][:16]} {one['line']}"))


@app.command("save", short_help="Take a file out of the record.")
def save(
    home: HomePath,
    statement: Annotated[
        str, typer.Argument(metavar="DIGEST", help="The statement; its first digits suffice.")
    ],
    into: Annotated[
        Path, typer.Option(metavar="DIR", help="A directory that is there; nothing is replaced.")
    ],
    number: Annotated[
        int, typer.Option(metavar="N", min=1, max=16, help="Which of its files, from 1.")
    ] = 1,
    as_json: AsJson = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Write a file that went with a statement into a directory; the record says so.

    Asks for the passphrase of console.key. The file is compared with what was signed
    once more. hotline never opens it: whatever does is yours to choose with care.
    """
    from hotline.review.sentences import printable

    unlocked, opened = _unlocked(home, passphrase_fd, keyring=keyring)
    path = asyncio.run(_saved(opened, unlocked, statement, number - 1, into))
    if as_json:
        print(json.dumps({"file": str(path)}))
    else:
        print(printable(f"Saved {path}, as it was signed."))


def _unlocked(home: Path, passphrase_fd: int | None, *, keyring: bool) -> tuple[Unlocked, Home]:
    from hotline.desk.seat import unlock

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    return unlock(bench, None, seated=False), bench.home


async def _listed(home: Home, unlocked: Unlocked) -> list[dict[str, Any]]:
    from hotline.desk.files import file_lines
    from hotline.desk.seat import opened_station

    async with opened_station(home, unlocked, machine_here()) as station:
        return [
            {"statement": state.digest, "token": state.token, "line": line}
            for state in station.situation.statements.values()
            for line in file_lines(station.situation, state)
        ]


async def _saved(home: Home, unlocked: Unlocked, statement: str, place: int, into: Path) -> Path:
    from hotline.core.errors import OperatorError
    from hotline.desk.seat import opened_station

    async with opened_station(home, unlocked, machine_here()) as station:
        files = station.situation.attachments
        wanted = statement.lower()
        names = {name for name, _ in files if wanted and name.startswith(wanted)}
        if len(names) != 1:
            many = "more than one statement" if names else "no statement"
            raise OperatorError(
                f"{many} with a file begins so", hint="see hotline attachment list for digests"
            )
        return await station.save_attachment((names.pop(), place), into, "hotline attachment save")
