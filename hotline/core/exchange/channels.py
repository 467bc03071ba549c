"""Channel tests: what is recorded of them, and what the record says (docs/transport.md §12)."""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.exchange.commands import HearEcho, HearTest, ProbeChannel
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.rules import OFFICERS_ECHO, OFFICERS_TEST
from hotline.core.exchange.situation import Happening, Link, Situation
from hotline.core.exchange.tested import DAY_MS, PeerTests, RouteTests
from hotline.core.protocols.channel import ALARMING, Channel, ChannelTimes, Outcome, Watched, after
from hotline.core.records import events as ev

HOUR_MS = 3_600_000
MAX_HEARD_AN_HOUR = 240
"""Tests of one peer that are recorded and answered in an hour; what is beyond gets no echo."""

ChannelEvent = (
    ev.ChannelTestSent
    | ev.ChannelTestEchoed
    | ev.ChannelTestMissed
    | ev.ChannelTestAnswered
    | ev.ChannelChanged
    | ev.OfficerTestMissed
)


# --- what is recorded --------------------------------------------------------------------------


def decide_test(
    situation: Situation, command: ProbeChannel | HearTest | HearEcho, now_ms: int
) -> Decision:
    """Return what to record of a test, a test of the peer's, or an echo."""
    match command:
        case ProbeChannel():
            return _probe(situation, command)
        case HearTest():
            return _hear_test(situation, command, now_ms)
        case HearEcho():
            return _hear_echo(situation, command, now_ms)


def _probe(situation: Situation, command: ProbeChannel) -> Decision:
    """Begin a test of a route, or miss it at once when the route is not up.

    Spec: docs/transport.md §12.2
    """
    peer, route = command.peer, command.route
    tests = situation.channels.get((peer, route), RouteTests())
    if tests.waiting:
        return Decision()
    if not command.up:
        missed = ev.ChannelTestMissed(peer=peer, route=route, serial=0, why="NOT UP")
        return _all(missed, *_turned(peer, route, tests, Outcome.MISSED))
    serial = 1 + max(
        (one.serial for (other, _), one in situation.channels.items() if other == peer), default=0
    )
    return _all(ev.ChannelTestSent(peer=peer, route=route, serial=serial, phrase=command.phrase))


def _hear_test(situation: Situation, command: HearTest, now_ms: int) -> Decision:
    """Record a test of the peer's, once; one too many is passed over.

    Spec: docs/transport.md §12.6
    """
    known = situation.tests.get(command.peer, PeerTests())
    if (known.serial, known.phrase) == (command.serial, command.phrase):
        return Decision(duplicate=True)
    if known.hour == now_ms // HOUR_MS and known.count >= MAX_HEARD_AN_HOUR:
        return Decision()
    return _all(
        ev.ChannelTestAnswered(
            peer=command.peer, route=command.route, serial=command.serial, phrase=command.phrase
        )
    )


def _hear_echo(situation: Situation, command: HearEcho, now_ms: int) -> Decision:
    """Record the echo of the test that waits for it; any other echo says nothing.

    Spec: docs/transport.md §12.4
    """
    for (peer, route), tests in situation.channels.items():
        said = (peer, route, tests.serial, tests.phrase)
        heard = (command.peer, command.route, command.serial, command.phrase)
        if tests.waiting and said == heard:
            echoed = ev.ChannelTestEchoed(
                peer=peer,
                route=route,
                serial=command.serial,
                rtt_ms=max(0, now_ms - tests.tested_ms),
                size=command.size,
            )
            return _all(echoed, *_turned(peer, route, tests, Outcome.ECHOED))
    return Decision()


def overdue(situation: Situation, times: ChannelTimes, now_ms: int) -> Iterator[ev.Event]:
    """Yield what time alone makes so: tests without an echo, watches without officers' tests.

    Spec: docs/transport.md §12.4, §12.8
    """
    for (peer, route), tests in situation.channels.items():
        if tests.waiting and not 0 <= now_ms - tests.tested_ms < times.answer_ms:
            yield ev.ChannelTestMissed(peer=peer, route=route, serial=tests.serial, why="NO ECHO")
            yield from _turned(peer, route, tests, Outcome.MISSED)
    for peer, known in situation.tests.items():
        due_ms = officers_due_ms(times, known)
        if due_ms and known.missed_ms < due_ms <= now_ms and not situation.closed_for:
            yield ev.OfficerTestMissed(peer=peer, due_ms=due_ms)


def officers_due_ms(times: ChannelTimes, known: PeerTests) -> int:
    """Return when officers must have tested the line to a peer; 0 before it was ever up.

    Spec: docs/transport.md §12.8
    """
    last_ms = max(known.officers_ms, known.begun_ms)
    return last_ms + times.officer_ms if last_ms else 0


def _turned(peer: str, route: str, tests: RouteTests, outcome: Outcome) -> Iterator[ev.Event]:
    now = after(tests.state, outcome)
    if now is not tests.state:
        yield ev.ChannelChanged(peer=peer, route=route, before=tests.state, after=now)


def _all(*events: ev.Event) -> Decision:
    return Decision(tuple(Planned(event) for event in events))


# --- what the record says ----------------------------------------------------------------------


def watched(situation: Situation, peer: str, route: str) -> Watched:
    """Return what schedule and colour go by of one route."""
    link = situation.routes.get(peer, {}).get(route, Link())
    tests = situation.channels.get((peer, route), RouteTests())
    return Watched(
        up=link.state == "UP",
        turned_ms=link.since_ms,
        state=tests.state,
        tested_ms=tests.tested_ms,
        passed_ms=tests.passed_ms,
        misses=tests.misses,
    )


def begin_watch(situation: Situation, event: ev.LinkChanged, at_ms: int) -> None:
    """Note when a peer was first reached: from then on officers owe it a test each watch."""
    known = situation.tests.setdefault(event.peer, PeerTests())
    if event.state == "UP" and not known.begun_ms:
        known.begun_ms = at_ms


def fold_channel(situation: Situation, happening: Happening, event: ChannelEvent) -> None:
    """Fold what happened to a test; nothing else changes what is known of a route's tests."""
    at_ms = happening.at_ms
    known = situation.tests.setdefault(event.peer, PeerTests())
    if isinstance(event, ev.OfficerTestMissed):
        known.missed_ms = event.due_ms
        return
    tests = situation.channels.setdefault((event.peer, event.route), RouteTests())
    match event:
        case ev.ChannelTestSent():
            tests.serial, tests.phrase = event.serial, event.phrase
            tests.tested_ms, tests.waiting = at_ms, True
        case ev.ChannelTestEchoed():
            tests.end(at_ms, passed=True)
            tests.passed_ms, tests.rtt_ms, known.size = at_ms, event.rtt_ms, event.size
            known.tally(at_ms, passed=True)
        case ev.ChannelTestMissed():
            if event.why == "NOT UP":
                tests.tested_ms = at_ms
            tests.end(at_ms, passed=False)
            known.tally(at_ms, passed=False)
        case ev.ChannelTestAnswered():
            _heard(known, event, at_ms)
            tests.heard_ms = at_ms
        case ev.ChannelChanged():
            tests.state, tests.since_ms = Channel(event.after), at_ms


def _heard(known: PeerTests, event: ev.ChannelTestAnswered, at_ms: int) -> None:
    known.serial, known.phrase = event.serial, event.phrase
    hour = at_ms // HOUR_MS
    known.count = known.count + 1 if known.hour == hour else 1
    known.hour = hour


def fold_officers(situation: Situation, happening: Happening, event: ev.DialogueClosed) -> None:
    """Note that a person at each end tested the line: one asked, the other one read and said it.

    Spec: docs/transport.md §12.8
    """
    if event.how != "ANSWERED":
        return
    asked = situation.statements[event.digest].statement
    answer = situation.statements[event.statement].statement
    pair = {asked.sender, answer.sender}
    if asked.template.id != OFFICERS_TEST or answer.template.id != OFFICERS_ECHO:
        return
    if situation.station not in pair or not _says_it(asked.fields, answer.fields):
        return
    (peer,) = pair - {situation.station}
    known = situation.tests.setdefault(peer, PeerTests())
    known.officers_ms = max(known.officers_ms, happening.at_ms)


def _says_it(asked: dict[str, str], answer: dict[str, str]) -> bool:
    return spoken(asked.get("phrase", "")) == spoken(answer.get("heard", ""))


def spoken(phrase: str) -> str:
    """Return a phrase as it is compared: letters and digits alone, whatever their case."""
    return "".join(char for char in phrase.casefold() if char.isalnum())


def is_news(situation: Situation, event: ev.Event, at_ms: int) -> bool:
    """Return whether a test event stands in the timeline: the first of a day, or an alarm's ends.

    All others of the day fold into that one row.
    Spec: docs/transport.md §12.7
    """
    match event:
        case ev.ChannelTestEchoed() | ev.ChannelTestMissed():
            return situation.tests[event.peer].days[at_ms // DAY_MS][1] == 1
        case ev.ChannelChanged():
            return bool(ALARMING & {Channel(event.before), Channel(event.after)})
        case _:
            return True
