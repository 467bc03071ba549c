"""What is due, in words: the rows of DEADLINES, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.exchange.acknowledging import Stands, stands
from hotline.core.exchange.channels import officers_due_ms
from hotline.core.exchange.duties import awaiting_read_back
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Deadline, Situation
from hotline.core.times import format_clock
from hotline.desk import wording
from hotline.desk.views import DeadlineRow

OFFICERS_TEST_WORD = "test F3"


def deadline_rows(
    situation: Situation, rules: Rules, peers: Sequence[str], now_ms: int
) -> tuple[DeadlineRow, ...]:
    """Return the clocks that run or ran out, nearest first, officers' tests among them."""
    several = len(peers) > 1
    rows = [_row(situation, one, now_ms, several=several) for one in situation.running()]
    rows += _officers_tests(situation, rules, peers, now_ms)
    return tuple(sorted(rows, key=lambda row: row.due_ms))


def _row(situation: Situation, clock: Deadline, now_ms: int, *, several: bool) -> DeadlineRow:
    state = situation.statements[clock.digest]
    ours = clock.station == situation.station
    word = wording.deadline_words(clock.clock, ours=ours)
    if stands(situation, state, clock.station) is Stands.LINK_DOWN:
        word = "no link"
    return DeadlineRow(
        due_ms=clock.due_ms,
        word=word,
        label=f"{state.token} {clock.station}" if several and not ours else state.token,
        incident=clock.incident or "",
        digest=clock.digest,
        ours=ours,
        overdue=clock.state == "MISSED" or clock.due_ms <= now_ms,
    )


def _officers_tests(
    situation: Situation, rules: Rules, peers: Sequence[str], now_ms: int
) -> list[DeadlineRow]:
    """Return the tests from officer to officer that are due soon, or were not done.

    Spec: docs/transport.md §12.8
    """
    times, rows = rules.channel, []
    for peer in peers:
        known = situation.tests.get(peer)
        due_ms = officers_due_ms(times, known) if known else 0
        if due_ms and due_ms - times.remind_ms <= now_ms:
            overdue = due_ms <= now_ms
            rows.append(DeadlineRow(due_ms, OFFICERS_TEST_WORD, peer, "", "", True, overdue))
    return rows


def need_you(situation: Situation) -> int:
    """Return how many statements wait for our officer."""
    return len({one.digest for one in situation.running() if one.station == situation.station})


def notice(situation: Situation, rules: Rules, coach: str) -> str:
    """Say the one thing to do next, the most urgent first."""
    if situation.drill_outcome:
        return f"The exercise is over: {situation.drill_outcome}. ^X leaves."
    for digest in situation.doubted:
        state = situation.statements[digest]
        keys = "mark it in TIMELINE, then Enter"
        return f"ALARM: {state.token} from {state.statement.sender} is UNVERIFIED: {keys}."
    unread = situation.unread()
    if unread:
        first = unread[0]
        kind = first.statement.precedence.value
        keys = "F8 opens it, PgDn reads on, then F8 again"
        return f"NEXT: read {first.token} ({kind}): {keys}."
    for state in awaiting_read_back(situation, rules):
        keys = "mark it in TIMELINE with Up and Down, then Enter"
        return f"NEXT: read back {state.token}: {keys}."
    for release in awaiting(situation):
        until = format_clock(release.until_ms)
        return f"NEXT: {release.token} needs a second officer until {until}: ^R opens it."
    if coach:
        return f"EXCON: {coach}"
    return _awaited(situation)


def _awaited(situation: Situation) -> str:
    """Say what we must answer, else what we wait for and where it stands."""
    clocks = situation.running()
    for clock in clocks:
        if clock.station == situation.station and clock.clock != "read":
            token = situation.statements[clock.digest].token
            return f"NEXT: answer {token} by {format_clock(clock.due_ms)}: F3 offers the answers."
    for clock in clocks:
        if clock.station != situation.station:
            return waiting_words(situation, clock)
    return "Nothing waits for you."


def waiting_words(situation: Situation, clock: Deadline) -> str:
    """Say what we wait for, and where the statement stands there.

    Spec: docs/protocol.md §7.40
    """
    state, until = situation.statements[clock.digest], format_clock(clock.due_ms)
    token, peer = state.token, clock.station
    match stands(situation, state, peer):
        case Stands.LINK_DOWN:
            return f"LINK DOWN: {token} is not at {peer}. It goes out by itself; use voice too."
        case Stands.NOT_DELIVERED:
            return f"You wait for {peer} to record {token}: it is on its way."
        case Stands.NOT_READ:
            return f"AT PEER, NOT READ: you wait for an officer of {peer} to read {token}."
        case Stands.NO_REPLY if clock.clock == "reply":
            return f"READ, NO REPLY: you wait for {peer} to answer {token} until {until}."
        case _:
            words = wording.clock_words(clock.clock, ours=False)
            return f"You wait for {words} to {token} until {until}."
