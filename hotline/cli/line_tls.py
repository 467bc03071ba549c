"""`hotline line tls`: how TLS knows the other station on the direct route."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError


def tls(
    home: HomePath,
    pin: Annotated[
        bool, typer.Option("--pin", help="Know it by its key alone, as its card says (default).")
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM of the authority that vouches for it instead."),
    ] = None,
    cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM of our certificate, with what issued it."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of its key, without passphrase.")
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The name or address in their certificate.")
    ] = "",
    peer: Annotated[
        str, typer.Option(metavar="STATION", help="Which one, where several are on the line.")
    ] = "",
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Have an authority vouch for the other station's TLS certificate, or pin its key again.

    The consoles prove themselves in either case. It counts from the next start on, here; the
    other station has to trust what this one shows then. The files are copied into the home.
    The console must not run. Asks for the passphrase of console.key.
    """
    from hotline.station.upkeep import at_work
    from hotline.station.vouching import Vouching, pin_again, vouch

    given = _whole(ca, cert, key, name)
    if pin == bool(given):
        raise OperatorError(
            "say either --pin, or all of --ca, --cert, --key and --name", hint="nothing was changed"
        )
    with at_work(bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))) as work:
        if given is None:
            print(f"{pin_again(work, peer)} is known by its key from the next start on.")
            return
        station = vouch(work, Vouching(*given, name), peer)
    print(f"{station} is known as {name} by that authority from the next start on.")


def _whole(
    ca: Path | None, cert: Path | None, key: Path | None, name: str
) -> tuple[Path, Path, Path] | None:
    if ca and cert and key and name:
        return ca, cert, key
    if ca or cert or key or name:
        raise OperatorError("an authority takes all of --ca, --cert, --key and --name")
    return None
