"""`hotline replay`: a recorded ledger in the console, as text, or as JSON frames."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.terminal import has_terminal
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.core.exchange.rules import Rules
    from hotline.core.messages.phrasing import Phrasebook
    from hotline.review.opening import Record

LANGUAGE = "en"
MAX_PASSPHRASE_CHARACTERS = 4_096


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


def ask_passphrase(name: str) -> str:
    """Return the passphrase of the file `name`: typed unseen, or a line of standard input.

    Raises:
        OperatorError: there was none.
    """
    try:
        typed = _typed(name)
    except EOFError:
        typed = ""
    if not typed:
        raise OperatorError(
            f"{name} is protected and no passphrase was given",
            hint="run it in a terminal, or give the passphrase as a line on standard input",
        )
    return typed


def _typed(name: str) -> str:
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        return getpass.getpass(f"Passphrase of {name}: ")
    return sys.stdin.readline(MAX_PASSPHRASE_CHARACTERS).removesuffix("\n")


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
