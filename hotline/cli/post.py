"""`hotline send` and `hotline inbox`: one statement out, or what came in, for scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.console import OfficerOption, machine_here
from hotline.cli.line_words import and_list
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import LinkError, OperatorError

if TYPE_CHECKING:
    from hotline.core.exchange.delivery import StatementState
    from hotline.desk.desk import OfficerDesk
    from hotline.desk.seat import Unlocked
    from hotline.desk.views import TemplateChoice
    from hotline.station.home import Home
    from hotline.station.station import Station

NOT_RECEIPTED = 3
DEFAULT_WAIT_S = 60.0
MAX_WAIT_S = 86_400.0

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def send(
    home: HomePath,
    template: Annotated[
        str, typer.Option("--template", "-t", metavar="TEMPLATE", help="As in conv/free-text.")
    ],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", "-f", metavar="NAME=VALUE", help="A field; repeat it."),
    ] = None,
    text: Annotated[str, typer.Option(metavar="TEXT", help="Free text that goes with it.")] = "",
    precedence: Annotated[
        str, typer.Option(metavar="P", help="FLASH, IMMEDIATE, PRIORITY or ROUTINE.")
    ] = "",
    incident: Annotated[
        str | None, typer.Option(metavar="NAME", help="An incident that it belongs to.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="The statement that it answers.")
    ] = None,
    officer: OfficerOption = None,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=MAX_WAIT_S, help="At most this long.")
    ] = DEFAULT_WAIT_S,
    as_json: AsJson = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> int:
    """Sign and send one statement, and wait until every other station has recorded it.

    Asks for the passphrases of console.key and of the officer. Exits with 0 when
    it was receipted, with 3 when not yet: it is recorded, and goes when the station
    runs again. Steps of the ladder are sent from the console only.
    """
    from hotline.desk.seat import unlock

    fields = _fields(field or [])
    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    unlocked = unlock(bench, officer)

    def choose(desk: OfficerDesk) -> TemplateChoice:
        return _choose(desk, template, incident, answers)

    sent = asyncio.run(
        _send(bench.home, unlocked, choose, fields=fields, text=text, urgency=precedence, wait=wait)
    )
    if as_json:
        print(json.dumps(sent, sort_keys=True))
    else:
        print("\n".join([*sent["lines"], _outcome(sent)]))
    return 0 if sent["receipted"] else NOT_RECEIPTED


async def _send(
    home: Home,
    unlocked: Unlocked,
    choose: Any,
    *,
    fields: Mapping[str, str],
    text: str,
    urgency: str,
    wait: float,
) -> dict[str, Any]:
    from hotline.desk.seat import at_desk

    async with at_desk(home, unlocked, machine_here()) as desk:
        choice = choose(desk)
        view = desk.open_draft(choice)
        filled = desk.fill(
            view.draft, fields=fields, text=text, precedence=urgency or choice.precedence
        )
        unknown = sorted(set(fields) - {one.name for one in filled.fields})
        faults = [f"{choice.id} has no field {name}" for name in unknown]
        faults += [f"{one.name}: {one.fault}" for one in filled.fields if one.fault]
        faults += [fault for fault in (*filled.faults, filled.text_fault) if fault]
        if faults or not filled.ready:
            raise OperatorError("; ".join(dict.fromkeys(faults)) or "the statement is not complete")
        if filled.code:
            raise OperatorError(
                "a step of the ladder is not sent by a script", hint="send it from hotline console"
            )
        digest = await desk.send(view.draft, "")
        if digest not in desk.situation.statements:
            raise LinkError(
                "signed and recorded; it awaits the second officer that the charter asks for",
                hint="release it from hotline console",
            )
        receipted = await _receipted(desk.station, digest, wait)
        state = desk.situation.statements[digest]
        return {
            "digest": digest,
            "token": state.token,
            "receipted": receipted,
            "rejected": dict(state.rejected),
            "receipted_by": sorted(state.receipted),
            "not_receipted_by": sorted(state.unreceipted),
            "lines": list(filled.preview_own),
        }


async def _receipted(station: Station, digest: str, wait: float) -> bool:
    from hotline.station.running import until

    state = station.situation.statements[digest]
    try:
        async with asyncio.timeout(wait):
            await until(station, lambda: not state.unreceipted)
    except TimeoutError:
        return False
    return not state.rejected


def _outcome(sent: Mapping[str, Any]) -> str:
    from hotline.review.sentences import printable

    name = f"{sent['token']} ({sent['digest'][:16]})"
    if sent["rejected"]:
        said = "; ".join(f"{station}: {why}" for station, why in sent["rejected"].items())
        return printable(f"REJECTED {name}: {said}")
    done, open_still = sent["receipted_by"], sent["not_receipted_by"]
    several = len(done) + len(open_still) > 1
    if sent["receipted"]:
        who = and_list(done) if several else "the other station"
        return f"DELIVERED {name}: {who} recorded it and countersigned."
    if not several:
        return (
            f"QUEUED {name}: recorded here, not receipted yet; it goes when the station runs again."
        )
    at = f"DELIVERED {len(done)} of {len(done) + len(open_still)}" if done else "QUEUED"
    return (
        f"{at} {name}: {and_list(open_still)} did not receipt it yet;"
        " it goes there when the station runs again."
    )


def _fields(given: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise OperatorError("a field is given as NAME=VALUE, as in -f course=090")
        if name in fields:
            raise OperatorError(f"the field {name} is given twice")
        fields[name] = value
    return fields


def _choose(
    desk: OfficerDesk, template: str, incident: str | None, answers: str | None
) -> TemplateChoice:
    """Return what is on offer now under that template.

    Raises:
        OperatorError: it is not.
    """
    offers = [one for one in desk.choices(incident) if one.id == template]
    if answers is not None:
        offers = [one for one in offers if (one.answers or "").startswith(answers.lower())]
    else:
        offers.sort(key=lambda one: one.answers is not None)
    if incident is not None:
        offers = [one for one in offers if one.incident == incident]
    if not offers:
        known = sorted({one.id for one in desk.choices(incident)})
        raise OperatorError(
            f"{template[:60]} is not on offer now",
            hint=f"on offer are {', '.join(known)}",
        )
    return offers[0]


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
        try:
            async with asyncio.timeout(wait):
                await until(station, lambda: len(_inbound(station)) > before)
        except TimeoutError:
            return _shown(station), False
        return _shown(station), True


def _inbound(station: Station) -> list[StatementState]:
    return [one for one in station.situation.statements.values() if not one.outbound]


def _shown(station: Station) -> list[dict[str, Any]]:
    """Return each inbound statement in words.

    Its characters were checked when it was taken: they cannot work the terminal.
    """
    from hotline.core.messages.rendering import heading, render
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
