"""`hotline ledger witness`: outside witnesses named, dropped and listed.

The station must not run while one is named or dropped; listing needs no key.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.ledger import HomePath, bench_of

if TYPE_CHECKING:
    from hotline.station.outsiders import WitnessPlace


def witness(
    home: HomePath,
    add: Annotated[
        str, typer.Option(metavar="VKEY", help="Key of a witness to ask from now on.")
    ] = "",
    url: Annotated[str, typer.Option(metavar="URL", help="Where it is asked, with --add.")] = "",
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM certificates that TLS trusts for it, no others."),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="HEX", help="SHA-256 of a TLS key (SPKI) that it may have."),
    ] = None,
    remove: Annotated[
        str, typer.Option(metavar="NAME", help="A witness to ask no more; its signatures stay.")
    ] = "",
    officer: Annotated[
        list[str] | None,
        typer.Option(metavar="PERSON", help="An officer who signs; give two of them."),
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why; it is recorded.")
    ] = "decided by the station's officers",
) -> None:
    """Have an outside C2SP witness countersign the ledger's hourly and closing heads.

    It learns the line's name, how many entries its ledger has, and when they
    grow; nothing of what they say. Given without --add and --remove, the
    witnesses are listed. Another address for the same key needs no officer.
    """
    from hotline.core.errors import OperatorError
    from hotline.station.home import Home
    from hotline.station.naming import list_witnesses
    from hotline.station.outsiders import place_of

    if add and remove:
        raise OperatorError("--add and --remove do not go together", hint="give one of them")
    if add:
        _add(home, place_of(add, url, ca, pin or []), reason, officer or [])
    elif remove:
        _remove(home, remove, reason, officer or [])
    else:
        print("\n".join(list_witnesses(Home(home))))


def _add(home: Path, place: WitnessPlace, reason: str, officers: list[str]) -> None:
    from hotline.station.naming import name_witness
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        named = name_witness(work, place, reason, officers)
    recorded = "" if named.index is None else f", recorded as entry {named.index}"
    print(f"{named.name} is asked from the next start of the station on{recorded}.")


def _remove(home: Path, name: str, reason: str, officers: list[str]) -> None:
    from hotline.station.naming import drop_witness
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        dropped = drop_witness(work, name, reason, officers)
    recorded = "" if dropped.index is None else f", recorded as entry {dropped.index}"
    print(f"{dropped.name} is asked no more{recorded}; what it countersigned stays.")
