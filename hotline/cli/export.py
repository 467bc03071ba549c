"""`hotline export`: a ledger as tiles for log auditors, or its newest head for a witness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline.core.errors import OperatorError


def export(
    ledger: Annotated[
        Path,
        typer.Argument(
            metavar="LEDGER", help="A ledger.db, its directory, or a station's home with one line."
        ),
    ],
    tiles: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the whole log as C2SP tlog-tiles."),
    ] = None,
    cards: Annotated[
        bool, typer.Option("--cards", help="With --tiles: write the records that name the keys.")
    ] = False,
    add_checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the newest head for an outside witness."),
    ] = None,
    old: Annotated[
        int,
        typer.Option(metavar="N", help="How many entries that witness has countersigned."),
    ] = 0,
) -> int:
    """Export what an auditor or a witness needs; shows no content and needs no content key."""
    if (tiles is None) == (add_checkpoint is None):
        raise OperatorError(
            "say what to export", hint="give --tiles DIR, or --add-checkpoint FILE, not both"
        )
    if tiles is not None:
        return _tiles(ledger, tiles, cards=cards)
    from hotline.review.exporting import export_add_checkpoint

    assert add_checkpoint is not None
    size = export_add_checkpoint(ledger, add_checkpoint, old)
    print(f"Wrote the head of {size} entries with its proof from {old}.")
    return 0


def _tiles(ledger: Path, tiles: Path, *, cards: bool) -> int:
    from hotline.cli.progress import ProgressBar
    from hotline.review.exporting import export_tiles

    with ProgressBar("exporting") as bar:
        done = export_tiles(ledger, tiles, cards=cards, progress=bar.show)
    print(f"Exported {done.size} entries; {done.files} files written, the others stood already.")
    return 0
