"""`hotline backup` and `hotline restore`: copies that are verified, and put back only if newest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def backup(
    home: Annotated[Path, typer.Argument(metavar="HOME", help="A station's home.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The backup: a directory that is not there yet.")
    ],
    with_keys: Annotated[
        bool, typer.Option("--keys", help="Copy the key files, too, sealed as they are.")
    ] = False,
) -> None:
    """Copy a home's ledgers, also while its station runs, and verify the copy.

    head.db is never part of a backup: it is how a ledger that was put back is found out.
    """
    from hotline.host.clock import system_clock
    from hotline.station.backing import back_up
    from hotline.station.home import Home

    print(back_up(Home(home), out, with_keys=with_keys, clock=system_clock).line())


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `hotline backup` wrote.")],
    home: Annotated[Path, typer.Option(metavar="HOME", help="The station's home.")],
) -> None:
    """Put a backup in place, unless something newer than it is known anywhere here.

    The ledger that is replaced is kept beside it. The station must not run.
    """
    from hotline.cli.ledger import bench_of
    from hotline.station.restoring import restore as put_back

    placed = put_back(bench_of(home), source)
    for one in placed:
        print(one.line())
    if not placed:
        print("Every ledger stands as it was; the files that were gone or altered are mended.")
