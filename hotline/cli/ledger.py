"""`hotline ledger`: what officers do to a ledger: hold, release, erase, resolve, change its key.

The station must not run meanwhile. Each passphrase is asked for by the name of its key file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hotline.station.upkeep import Bench

app = typer.Typer(no_args_is_help=True, help="Hold, erase, and renew what a ledger keeps.")

HomePath = Annotated[Path, typer.Argument(metavar="HOME", help="A station's home.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded.")]
Officers = Annotated[
    list[str],
    typer.Option("--officer", metavar="PERSON", help="An officer who signs; give two of them."),
]


OfLine = Annotated[
    str,
    typer.Option(
        "--line", metavar="LINE", help="An earlier line of the home, by its directory's name."
    ),
]


def bench_of(home: Path, line: str = "") -> Bench:
    """Return what upkeep of a home needs; passphrases are asked for here.

    Args:
        line: Directory name of a line other than the one that is worked.
    """
    from dataclasses import replace

    from hotline.cli.passphrases import Asker, bench_with

    bench = bench_with(home, Asker())
    return replace(bench, home=replace(bench.home, chosen=line))


@app.command(short_help="Keep everything of a case: nothing is erased meanwhile.")
def hold(
    home: HomePath,
    case: Annotated[str, typer.Option(metavar="NAME", help="The case, at most 60 characters.")],
    reason: Reason,
    officer: Annotated[str, typer.Option(metavar="PERSON", help="The officer who places it.")],
    line: OfLine = "",
) -> None:
    """Place a legal hold on a case: while it stands, no month is erased."""
    from hotline.station.holds import place_hold
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home, line)) as work:
        index = place_hold(work, case, reason, officer)
    print(f"The hold stands, entry {index}.")


@app.command(short_help="End a legal hold; two officers sign.")
def release(
    home: HomePath,
    case: Annotated[str, typer.Option(metavar="NAME", help="The case that is held.")],
    reason: Reason,
    officer: Officers,
    line: OfLine = "",
) -> None:
    """Release a legal hold on the authority of two officers."""
    from hotline.station.holds import release_hold
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home, line)) as work:
        index = release_hold(work, case, reason, officer)
    print(f"The hold is released, entry {index}.")


@app.command(short_help="End the freeze that a fork brought; two officers sign.")
def resolve(home: HomePath, reason: Reason, officer: Officers) -> None:
    """Resolve every fork that stands on the line, on the authority of two officers.

    A fork is one number that another station gave to two statements: the first
    stands, the second is kept as evidence; or two histories of its ledger that two
    members hold. Every other station is told when the
    line is up again.
    """
    from hotline.station.forks import resolve_forks
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        index = resolve_forks(work, reason, officer)
    print(f"The forks are resolved, entry {index}; the line is free again.")


@app.command(short_help="Give the ledger a new key; needs the root's key file.")
def rekey(home: HomePath) -> None:
    """Change the station's ledger key: the root certifies a new one, the old one signs it in.

    The other station learns of it when the line is up again.
    """
    from hotline.station.rekeying import rekey_ledger
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        certificate = rekey_ledger(work)
    print(f"The ledger has a new key, certificate {certificate.hex()[:16]}; the old one is gone.")


@app.command(short_help="Erase what a month's entries say; two officers sign.")
def erase(
    home: HomePath,
    epoch: Annotated[int, typer.Option(metavar="YYYYMM", help="The month, as in 202610.")],
    reason: Reason,
    officer: Officers,
    line: OfLine = "",
) -> None:
    """Destroy the content key of a month; every proof about its entries stays whole.

    What this cannot reach: key files in backups, blocks that a disk keeps of
    files that were overwritten, and what the other station holds.
    """
    from hotline.station.erasing import erase_epoch
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home, line)) as work:
        erased = erase_epoch(work, epoch, reason, officer)
    print(f"The content of {erased.entries} entries of epoch {epoch} is erased, ", end="")
    print(f"recorded as entry {erased.index}. Copies of content.key in backups must go, too.")


@app.command(short_help="Leave a refused ledger behind, begin the next; two officers sign.")
def renew(
    home: HomePath,
    officer: Officers,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="What happened; the other station reads it.")
    ] = "the ledger was put back or damaged",
    new_key: Annotated[
        bool, typer.Option("--new-key", help="The ledger key is doubted: certify a new one.")
    ] = False,
) -> None:
    """Open the next generation of a ledger that was put back, damaged or lost.

    The old file is kept as it is. What was lost comes back from the other
    station once the link is up. Cut short, the same command goes on.
    """
    from hotline.host.config import find_config
    from hotline.host.packs import load_catalogue
    from hotline.station.renewing import renew_ledger

    packs = load_catalogue(find_config()).packs
    print(renew_ledger(bench_of(home), officer, reason, packs, new_key=new_key).sentence())
