"""`hotline check`: a disclosed entry, or evidence of a fork, with the stations' cards alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

EVIDENCE_FAILS = 1


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `hotline disclose` wrote.")],
    card: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CARD",
            help="A station's card, or its root's words: establishes identity; several may be.",
        ),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="Key of an outside witness whose signature counts."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Check a disclosed entry or evidence of a fork; needs no ledger, no key and no network.

    Exits with 0 when it verifies (identity is established by --card), with 1 when it
    does not, or when the two heads of a fork alone do not prove it.
    """
    from hotline.review.checking import check

    answer = check(file, card or [], witness or [])
    if as_json:
        print(json.dumps(answer.as_json(), sort_keys=True))
    else:
        print("\n".join(answer.lines()))
    return 0 if answer.ok else EVIDENCE_FAILS
