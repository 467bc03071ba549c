"""`hotline verify`: a whole ledger checked from the file alone, or two against each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hotline.review.meeting import MeetingReview
    from hotline.review.reviewing import Asked
    from hotline.review.verdicts import Review

EVIDENCE_FAILS = 1

Cards = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CARD",
        help="A station's card, or its root's words: establishes identity; several may be.",
    ),
]
Witnesses = Annotated[
    list[str] | None,
    typer.Option(metavar="VKEY", help="Key of an outside witness that you trust; several may be."),
]


def verify(
    ledger: Annotated[
        Path,
        typer.Argument(
            metavar="LEDGER", help="A ledger.db, its directory, or a station's home with one line."
        ),
    ],
    peer: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="LEDGER",
            help="Another station's ledger, or its export: compare each statement; several may be.",
        ),
    ] = None,
    card: Cards = None,
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
    witness: Witnesses = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Check a whole ledger; needs neither a content key nor a station.

    Exits with 0 when everything verifies (and, with --peer, reconciles), with 1
    when evidence does not verify, or when a card names another root.
    """
    from hotline.cli.progress import ProgressBar
    from hotline.review.reviewing import Asked

    with ProgressBar("verifying") as bar:
        asked = Asked(audit or None, card or [], since, progress=bar.show, witnesses=witness or [])
        review = _review(ledger, peer or [], asked)
    if as_json:
        print(json.dumps(review.as_json(), sort_keys=True))
    else:
        print("\n".join(review.lines()))
    return 0 if review.ok else EVIDENCE_FAILS


def _review(ledger: Path, peers: Sequence[Path], asked: Asked) -> Review | MeetingReview:
    """Review one ledger, two, or those of several stations."""
    from hotline.review.meeting import review_meeting
    from hotline.review.reviewing import review_ledgers

    if len(peers) > 1:
        return review_meeting(ledger, peers, asked)
    return review_ledgers(ledger, peers[0] if peers else None, asked)
