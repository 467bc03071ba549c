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
            help="The other station's ledger: compare statement by statement, head by head.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Check a whole ledger; needs neither a content key nor a station.

    Exits with 0 when everything verifies (and, with --peer, reconciles), with 1
    when evidence does not verify.
    """
    from hotline.review.verdicts import review_ledgers

    review = review_ledgers(ledger, peer)
    if as_json:
        print(json.dumps(review.as_json(), sort_keys=True))
    else:
        print("\n".join(review.lines()))
    return 0 if review.ok else EVIDENCE_FAILS
