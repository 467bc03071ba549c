"""`hotline inbox`: what came in, for scripts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.console import machine_here
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.cli.post import MAX_WAIT_S, NOT_RECEIPTED, AsJson

if TYPE_CHECKING:
    from hotline.core.exchange.delivery import StatementState
    from hotline.desk.seat import Unlocked
    from hotline.station.home import Home
    from hotline.station.station import Station


def inbox(
    home: HomePath,
    wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=MAX_WAIT_S,
            help="Work the line until a statement comes, at most this long.",
        ),
    ] = 0.0,
    as_json: AsJson = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> int:
    """Print the statements of the other stations, the oldest first; marks none as read.

    Asks for the passphrase of console.key. With --wait it exits with 0 when one came
    meanwhile, and with 3 when none did.
    """
    from hotline.desk.seat import unlock

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    unlocked = unlock(bench, None, seated=False)
    shown, came = asyncio.run(_inbox(bench.home, unlocked, wait))
    if as_json:
        print(json.dumps(shown, sort_keys=True))
    elif not shown:
        print("Nothing came in yet.")
    else:
        for one in shown:
            print("\n".join([*one["lines"], ""]))
    return 0 if came or not wait else NOT_RECEIPTED


async def _inbox(home: Home, unlocked: Unlocked, wait: float) -> tuple[list[dict[str, Any]], bool]:
    from hotline.desk.seat import at_station, opened_station
    from hotline.station.running import until

    if not wait:
        async with opened_station(home, unlocked, machine_here()) as station:
            return _shown(station), False
    async with at_station(home, unlocked, machine_here()) as station:
        before = len(_inbound(station))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await until(station, lambda: len(_inbound(station)) > before)
                # The files of what came may still be on their way.
                await until(station, lambda: not station.situation.arriving)
        return _shown(station), len(_inbound(station)) > before


def _inbound(station: Station) -> list[StatementState]:
    return [one for one in station.situation.statements.values() if not one.outbound]


def _shown(station: Station) -> list[dict[str, Any]]:
    """Return each inbound statement in words.

    Its characters were checked when it was taken: they cannot work the terminal.
    """
    from hotline.core.messages.rendering import heading, render
    from hotline.desk.files import file_lines
    from hotline.host.config import find_config
    from hotline.host.phrases import load_phrasebook

    book = load_phrasebook(find_config(), "en")
    shown = []
    for state in _inbound(station):
        statement = state.statement
        rendered = render(statement, station.rules.catalogue.get(statement.template.id), book)
        flags = list(rendered.flags) + (["UNVERIFIED"] if state.verdict != "VERIFIED" else [])
        lines = [
            f"{state.token} {state.digest[:16]} {rendered.title}",
            *heading(statement),
            *(f"! {flag}" for flag in flags),
            *rendered.lines,
            *(f"FILE {line}" for line in file_lines(station.situation, state)),
        ]
        shown.append(
            {
                "digest": state.digest,
                "token": state.token,
                "from": statement.sender,
                "at_ms": statement.at_ms,
                "template": statement.template.id,
                "fields": dict(statement.fields),
                "text": statement.text,
                "verdict": state.verdict,
                "flags": flags,
                "lines": lines,
            }
        )
    return shown
