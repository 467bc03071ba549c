"""`hotline send`: one statement out, for scripts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.console import OfficerOption, machine_here
from hotline.cli.line_words import and_list
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import LinkError, OperatorError

if TYPE_CHECKING:
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
    attach: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A file to go with it, up to 16 MiB; repeat it."),
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
    it was receipted and every file of it is held there, with 3 when not yet: it is
    recorded, and goes when the station runs again. Steps of the ladder are sent from
    the console only.
    """
    from hotline.desk.seat import unlock

    fields = _fields(field or [])
    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    unlocked = unlock(bench, officer)

    def choose(desk: OfficerDesk) -> TemplateChoice:
        return _choose(desk, template, incident, answers)

    wish = _Wish(fields, text, precedence, tuple(attach or ()), wait)
    return _say(asyncio.run(_send(bench.home, unlocked, choose, wish)), as_json=as_json)


def _say(sent: dict[str, Any], *, as_json: bool) -> int:
    from hotline.review.sentences import printable

    if as_json:
        print(json.dumps(sent, sort_keys=True))
    else:
        print("\n".join([*sent["lines"], _outcome(sent), *map(printable, sent["files"])]))
    return 0 if sent["receipted"] and sent["held"] else NOT_RECEIPTED


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be sent, and how long is waited for it."""

    fields: Mapping[str, str]
    text: str
    urgency: str
    files: tuple[Path, ...]
    wait: float


async def _send(home: Home, unlocked: Unlocked, choose: Any, wish: _Wish) -> dict[str, Any]:
    from hotline.desk.files import file_lines
    from hotline.desk.seat import at_desk

    async with at_desk(home, unlocked, machine_here()) as desk:
        choice = choose(desk)
        view = desk.open_draft(choice)
        filled = desk.fill(
            view.draft,
            fields=wish.fields,
            text=wish.text,
            precedence=wish.urgency or choice.precedence,
        )
        for file in wish.files:
            filled = await desk.attach(view.draft, str(file))
        unknown = sorted(set(wish.fields) - {one.name for one in filled.fields})
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
        state = desk.situation.statements[digest]
        receipted, held = await _arrived(desk.station, digest, wish.wait)
        return {
            "digest": digest,
            "token": state.token,
            "receipted": receipted,
            "held": held,
            "files": list(file_lines(desk.situation, state, desk.station.file_progress)),
            "rejected": dict(state.rejected),
            "receipted_by": sorted(state.receipted),
            "not_receipted_by": sorted(state.unreceipted),
            "lines": list(filled.preview_own),
        }


async def _arrived(station: Station, digest: str, wait: float) -> tuple[bool, bool]:
    """Wait for receipts, and then for the files; return whether each is at every station."""
    from hotline.core.exchange.attaching import unheld
    from hotline.station.running import until

    state = station.situation.statements[digest]

    def moving() -> bool:
        return any(reason is None for reason in unheld(station.situation, state).values())

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait):
            await until(station, lambda: not state.unreceipted)
            await until(station, lambda: bool(state.rejected) or not moving())
    receipted = not state.unreceipted and not state.rejected
    return receipted, not unheld(station.situation, state)


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
