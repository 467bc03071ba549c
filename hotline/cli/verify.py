"""`hotline verify`: a whole ledger checked from the file alone, or two against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

EVIDENCE_FAILS = 1


def verify(
    ledger: Annotated[
        Path,
        typer.Argument(
            metavar="LEDGER", help="A ledger.db, its directory, or a station's home with one line."
        ),
    ],
    peer: Annotated[
        Path | None,
        typer.Option(
            metavar="LEDGER",
            help="The other station's ledger or its export of tiles: compare both, each statement.",
        ),
    ] = None,
    card: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CARD",
            help="A station's card, or its root's words: establishes identity; several may be.",
        ),
    ] = None,
    audit: Annotated[
        bool,
        typer.Option("--audit", help="Judge every stored head and cosignature, however many."),
    ] = False,
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A head you trust (a saved --json, or a checkpoint): check what came after it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Check a whole ledger; needs neither a content key nor a station.

    Exits with 0 when everything verifies (and, with --peer, reconciles), with 1
    when evidence does not verify, or when a card names another root.
    """
    from hotline.cli.progress import ProgressBar
    from hotline.review.reviewing import Asked, review_ledgers

    with ProgressBar("verifying") as bar:
        asked = Asked(audit or None, card or [], since, progress=bar.show)
        review = review_ledgers(ledger, peer, asked)
    if as_json:
        print(json.dumps(review.as_json(), sort_keys=True))
    else:
        print("\n".join(review.lines()))
    return 0 if review.ok else EVIDENCE_FAILS
