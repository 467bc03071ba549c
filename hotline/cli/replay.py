"""`hotline replay`: a recorded ledger in the console, as text, or as JSON frames."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.passphrases import ask_passphrase
from hotline.cli.terminal import has_terminal

if TYPE_CHECKING:
    from hotline.core.exchange.rules import Rules
    from hotline.core.messages.phrasing import Phrasebook
    from hotline.review.opening import Record

LANGUAGE = "en"


def replay(
    ledger: Annotated[
        Path,
        typer.Argument(
            metavar="LEDGER", help="A ledger.db, its directory, or a station's home with one line."
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every event as one JSON object on a line.")
    ] = False,
) -> int:
    """Play a ledger again, read-only; needs the content key beside it.

    With a terminal it opens the console; without one it prints every event and
    how things stood at the end. The ledger is verified first.
    """
    from hotline.host.config import find_config
    from hotline.host.phrases import load_phrasebook
    from hotline.review.opening import open_record
    from hotline.station.assembly import load_rules

    record = open_record(ledger, ask_passphrase)
    config = find_config()
    rules = load_rules(config, record.verdict.members)
    phrasebook = load_phrasebook(config, LANGUAGE)
    if as_json:
        return _print_frames(record, rules, phrasebook)
    if has_terminal():
        return _open_console(record, rules, phrasebook)
    return _print_text(record, rules, phrasebook)


def _print_frames(record: Record, rules: Rules, phrasebook: Phrasebook) -> int:
    from hotline.review.replay import frames

    for frame in frames(record, rules, phrasebook):
        print(json.dumps(frame, sort_keys=True))
    return 0


def _print_text(record: Record, rules: Rules, phrasebook: Phrasebook) -> int:
    from hotline.review.telling import tell

    for line in tell(record, rules, phrasebook):
        print(line)
    return 0


def _open_console(record: Record, rules: Rules, phrasebook: Phrasebook) -> int:
    from hotline.host.clock import system_clock
    from hotline.review.replay import ReplayFeed
    from hotline.tui.entry import run_replay

    feed = ReplayFeed(record, rules, phrasebook)
    return asyncio.run(run_replay(feed, clock=system_clock))
