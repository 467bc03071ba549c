"""`hotline keyring`: passphrases that the login's keyring keeps, for `--keyring`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.host.keyring import HomeKeyring

app = typer.Typer(no_args_is_help=True, help="Keep passphrases in the login's keyring.")

KeyName = Annotated[
    str, typer.Argument(metavar="KEYFILE", help="As in console.key or officer-lind.key.")
]


@app.command(short_help="Keep the passphrase of a key file.")
def store(home: HomePath, keyfile: KeyName, passphrase_fd: PassphraseFd = None) -> None:
    """Ask for the passphrase of a key file, see that it opens it, and keep it in the keyring.

    Whoever gets at the unlocked keyring of this login then opens that key file, too. The root
    of a LIVE station and its successor are refused.
    """
    from hotline.host.keyfile import is_protected, read_key_file

    kept = _kept_of(home)
    path = home / "keys" / _bare(keyfile)
    if not is_protected(path):
        read_key_file(path, None)
        raise OperatorError(
            f"{path.name} has no passphrase", hint="it opens without: nothing is to be kept"
        )
    passphrase = Asker(passphrase_fd).ask(path.name)
    held = read_key_file(path, passphrase)
    kept.store(path.name, passphrase, held.seeds)
    print(f"The keyring keeps the passphrase of {path.name}. Commands use it with --keyring.")


@app.command(short_help="Take the passphrase of a key file out.")
def forget(home: HomePath, keyfile: KeyName) -> None:
    """Take the passphrase of a key file out of the keyring."""
    name = _bare(keyfile)
    if not _kept_of(home).forget(name):
        raise OperatorError(f"the keyring keeps no passphrase of {name} for this home")
    print(f"The keyring does not keep the passphrase of {name} any more.")


def _bare(keyfile: str) -> str:
    """Return the file's name; a path into the home's keys is its name."""
    return Path(keyfile).name


def _kept_of(home: Path) -> HomeKeyring:
    from hotline.host.keyring import HomeKeyring

    return HomeKeyring(home)
