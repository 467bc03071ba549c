"""Alarms of the line itself: who has not read, what does not answer, which test is owed.

Spec: docs/protocol.md §7.41, docs/transport.md §12.4, §12.8
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hotline.core.exchange.acknowledging import Stands, is_awaited, stands
from hotline.core.exchange.channels import officers_due_ms
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.protocols.channel import Channel
from hotline.core.times import format_clock
from hotline.core.values import Precedence
from hotline.desk.link_status import link_state
from hotline.desk.views import AlarmView, Mark

LINK_GRACE_MS = 120_000
"""A link that comes back by itself within that is no alarm: there is nothing to do."""


@dataclass(frozen=True, slots=True)
class LineAlarm:
    """An alarm, and what rings once for it: another step of the same alarm rings again."""

    view: AlarmView
    rings: str = ""


Headline = Callable[[str], str]
"""Returns token and first line of a recorded statement by its digest."""


def line_alarms(
    situation: Situation, rules: Rules, peers: Sequence[str], now_ms: int, headline: Headline
) -> tuple[LineAlarm, ...]:
    """Return every alarm of the line, the most urgent first."""
    asked = sorted(_asked(situation, headline), key=_urgency)
    missing = sorted(_missing(situation, rules, now_ms, headline), key=_urgency)
    links = list(_links(situation, rules, peers, now_ms))
    return (
        *asked,
        *missing,
        *links,
        *_no_reply(situation, headline),
        *_officers(situation, rules, peers, now_ms),
    )


def _urgency(alarm: LineAlarm) -> bool:
    return alarm.view.mark is not Mark.ALARM


def _named(state: StatementState) -> str:
    return f"{state.token} ({state.statement.precedence.value})"


# --- acknowledgements ----------------------------------------------------------------------------


def _asked(situation: Situation, headline: Headline) -> Iterator[LineAlarm]:
    """Yield what a peer's station asks for: the alarm that it repeats on this console."""
    for state in situation.unread():
        times = state.queried.get(situation.station, 0)
        if not times:
            continue
        sender, flash = state.statement.sender, state.statement.precedence is Precedence.FLASH
        yield LineAlarm(
            AlarmView(
                title=f"{sender} ASKS: {_named(state)} is not acknowledged here",
                mark=Mark.ALARM if flash else Mark.WARNING,
                lines=(
                    headline(state.digest),
                    f"It has been here since {format_clock(state.at_ms)}. The station of {sender} "
                    f"asked for an officer {_times(times)}.",
                    "DO NOW: F8 opens it; PgDn reads to its end; F8 again says READ BY OFFICER.",
                ),
            ),
            rings=f"{state.digest} {times}",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _missing(
    situation: Situation, rules: Rules, now_ms: int, headline: Headline
) -> Iterator[LineAlarm]:
    """Yield what nobody at a peer has acknowledged though a step of its precedence passed."""
    for clock in situation.running():
        state = situation.statements.get(clock.digest)
        if state is None or not is_awaited(situation, state, clock):
            continue
        step, where = state.queried.get(clock.station, 0), stands(situation, state, clock.station)
        if not step or where is None:
            continue
        voice_ms = rules.reminders[state.statement.precedence].voice_ms
        voice = 0 < voice_ms <= now_ms - state.at_ms
        urgent = voice or clock.state == "MISSED"
        minutes = (now_ms - state.at_ms) // 60_000
        use = "USE VOICE. " if voice else ""
        yield LineAlarm(
            AlarmView(
                title=f"{where}: {use}{_named(state)} to {clock.station}, {minutes} min",
                mark=Mark.ALARM if urgent else Mark.WARNING,
                lines=(headline(state.digest), *_where_lines(where, clock.station, voice=urgent)),
            ),
            rings=f"{state.digest} {clock.station} {step}",
        )


def _where_lines(where: Stands, peer: str, *, voice: bool) -> tuple[str, ...]:
    now = f"DO NOW: call {peer} by voice." if voice else f"If it cannot wait, call {peer} by voice."
    means = {
        Stands.LINK_DOWN: f"It is not at {peer}: no route is up. It waits here and goes out by "
        "itself. Nothing has to be sent again.",
        Stands.NOT_DELIVERED: f"A route to {peer} is up, but {peer} has not proved that it "
        "recorded it. It is sent again and again by itself.",
        Stands.NOT_READ: f"{peer} proved that it recorded it. No officer there has said READ BY "
        "OFFICER. Its station is asked at every step and repeats the alarm there.",
        Stands.NO_REPLY: f"An officer of {peer} has read it. No answer has come.",
    }
    return means[where], now


def _no_reply(situation: Situation, headline: Headline) -> Iterator[LineAlarm]:
    """Yield what was read at a peer and not answered in time."""
    for clock in situation.running():
        state = situation.statements.get(clock.digest)
        late = clock.clock == "reply" and clock.state == "MISSED"
        if state is None or not late or not state.outbound:
            continue
        if stands(situation, state, clock.station) is not Stands.NO_REPLY:
            continue
        yield LineAlarm(
            AlarmView(
                title=f"{Stands.NO_REPLY}: {_named(state)} to {clock.station}, due "
                f"{format_clock(clock.due_ms)}",
                mark=Mark.WARNING,
                lines=(
                    headline(state.digest),
                    *_where_lines(Stands.NO_REPLY, clock.station, voice=False),
                ),
            )
        )


# --- routes and officers' tests ------------------------------------------------------------------


def _links(
    situation: Situation, rules: Rules, peers: Sequence[str], now_ms: int
) -> Iterator[LineAlarm]:
    """Yield links over which nothing goes, and routes whose tests do not come back."""
    for peer in peers:
        link = situation.links.get(peer)
        _, kind, _ = link_state(situation, rules.channel, peer, now_ms)
        if link is not None and link.state != "UP":
            if now_ms - link.since_ms >= LINK_GRACE_MS:
                yield _down(peer, link.state, link.since_ms, link.reason)
            continue
        for name in situation.routes.get(peer, {}):
            tests = situation.channels.get((peer, name))
            if tests is None or tests.state not in (Channel.DEGRADED, Channel.DOWN):
                continue
            if situation.routes[peer][name].state == "UP":
                nothing = kind == "NO ECHO"
                yield _degraded(peer, name, tests.misses, tests.passed_ms, nothing=nothing)


def _down(peer: str, state: str, since_ms: int, reason: str) -> LineAlarm:
    what = "LINK BLOCKED" if state == "BLOCKED" else "LINK DOWN"
    blocked = "The other end shows another key than the one that was pinned. "
    return LineAlarm(
        AlarmView(
            title=f"{what}: nothing reaches {peer} since {format_clock(since_ms)}",
            mark=Mark.WARNING,
            lines=(
                f"{blocked if state == 'BLOCKED' else ''}The last word of it: {reason}.",
                "What you send is recorded, waits here and goes out by itself.",
                f"DO NOW: use voice for what cannot wait, and tell {peer} that the link is down.",
            ),
        ),
        rings=f"{peer} {since_ms}",
    )


def _degraded(peer: str, name: str, misses: int, passed_ms: int, *, nothing: bool) -> LineAlarm:
    last = f"The last echo came {format_clock(passed_ms)}." if passed_ms else "None ever came back."
    title = f"NO ECHO from {peer}" if nothing else f"DEGRADED: the route {name} to {peer}"
    advice = (
        "DO NOW: use voice for what cannot wait."
        if nothing
        else "The tests go on. Have voice ready for what cannot wait."
    )
    return LineAlarm(
        AlarmView(
            title=f"{title}, {misses} tests missed",
            mark=Mark.ALARM if nothing else Mark.WARNING,
            lines=(f"The route {name} is connected, but tests do not come back. {last}", advice),
        ),
        rings=f"{peer} {name} {nothing}",
    )


def _officers(
    situation: Situation, rules: Rules, peers: Sequence[str], now_ms: int
) -> Iterator[LineAlarm]:
    """Yield the officers' tests that are overdue.

    Spec: docs/transport.md §12.8
    """
    for peer in peers:
        known = situation.tests.get(peer)
        due_ms = officers_due_ms(rules.channel, known) if known else 0
        if not due_ms or due_ms > now_ms:
            continue
        yield LineAlarm(
            AlarmView(
                title=f"NO OFFICERS' TEST with {peer}: it was due {format_clock(due_ms)}",
                mark=Mark.WARNING,
                lines=(
                    "Machines answer each other; nobody knows whether a person reads there.",
                    f"DO NOW: F3, Link test, any phrase; an officer of {peer} types it back.",
                ),
            ),
            rings=f"{peer} {due_ms}",
        )
