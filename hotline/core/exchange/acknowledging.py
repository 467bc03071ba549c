"""Missing acknowledgements: why nobody there has read it, when they are asked, and what is due.

Spec: docs/protocol.md §7.40 to §7.42
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from hotline.core.exchange.commands import HearQuery
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.rules import Reminders, Rules
from hotline.core.exchange.situation import Deadline, Happening, Situation
from hotline.core.records import events as ev

MAX_STEPS = 9
"""Askings of a peer about one statement that are recorded; ours are at most eight, and voice."""


class Stands(StrEnum):
    """Where a statement of ours stands at a station that owes something on it."""

    LINK_DOWN = "LINK DOWN"
    NOT_DELIVERED = "NOT DELIVERED"
    NOT_READ = "AT PEER, NOT READ"
    NO_REPLY = "READ, NO REPLY"


def stands(situation: Situation, state: StatementState, peer: str) -> Stands | None:
    """Return where a statement of ours stands at `peer`, None when nothing is awaited there.

    Whether the peer has it only its receipt says: a link that broke later takes nothing back.
    Spec: docs/protocol.md §7.40
    """
    if not state.outbound or peer not in state.reached or peer in state.rejected:
        return None
    if peer not in state.receipted:
        link = situation.links.get(peer)
        up = link is not None and link.state == "UP"
        return Stands.NOT_DELIVERED if up else Stands.LINK_DOWN
    if (state.digest, "read", peer) in situation.clocks:
        return Stands.NOT_READ
    dialogue = situation.dialogues.get(state.digest)
    waits = dialogue is not None and peer in dialogue.waiting
    return Stands.NO_REPLY if waits and state.reached[peer] >= Delivery.READ else None


def missing(situation: Situation, rules: Rules, now_ms: int) -> Iterator[ev.AcknowledgementMissing]:
    """Yield the newest step of each acknowledgement that is missing and was not recorded yet.

    Steps that passed while the station was off are not made up for.
    Spec: docs/protocol.md §7.41
    """
    for clock in situation.clocks.values():
        state = situation.statements.get(clock.digest)
        if state is None or not is_awaited(situation, state, clock):
            continue
        reminders = rules.reminders[state.statement.precedence]
        after_ms = now_ms - state.at_ms
        step = sum(one <= after_ms for one in _steps(reminders))
        if step <= state.queried.get(clock.station, 0):
            continue
        why = stands(situation, state, clock.station) or Stands.NOT_READ
        yield ev.AcknowledgementMissing.model_validate(
            {
                "digest": state.digest,
                "peer": clock.station,
                "step": step,
                "after_ms": after_ms,
                "stands": why.value,
                "queried": why is Stands.NOT_READ,
                "voice": 0 < reminders.voice_ms <= after_ms,
            }
        )


def _steps(reminders: Reminders) -> tuple[int, ...]:
    """Return every step: the voice line has one of its own where it falls between two."""
    voice = {reminders.voice_ms} - {0}
    return tuple(sorted({*reminders.steps_ms, *voice}))


def is_awaited(situation: Situation, state: StatementState, clock: Deadline) -> bool:
    """Return whether a clock waits for another station's officer to acknowledge ours."""
    ours = state.outbound and clock.clock == "read" and clock.station != situation.station
    over = state.retracted_by or clock.station in state.rejected or situation.closed_for
    return ours and not over


def hear_query(situation: Situation, command: HearQuery) -> Decision:
    """Record that a peer asks for an acknowledgement, each step once, if nobody gave it yet.

    Spec: docs/protocol.md §7.42
    """
    state = situation.statements.get(command.digest)
    if state is None or state.outbound or state.statement.sender != command.peer:
        return Decision()
    owed = (command.digest, "read", situation.station) in situation.clocks
    if not owed or not state.queried.get(situation.station, 0) < command.step <= MAX_STEPS:
        return Decision()
    heard = ev.QueryReceived(digest=command.digest, peer=command.peer, step=command.step)
    return Decision((Planned(heard),))


def fold_missing(
    situation: Situation,
    happening: Happening,
    event: ev.AcknowledgementMissing | ev.QueryReceived,
) -> None:
    """Note how often an acknowledgement was asked for: at a peer, or here under our own name."""
    state = situation.statements[event.digest]
    if isinstance(event, ev.QueryReceived):
        state.queried[situation.station] = event.step
        state.steps.append((happening.at_ms, f"{event.peer} asks: nobody here has read it"))
        return
    state.queried[event.peer] = event.step
    minutes = event.after_ms // 60_000
    asked = f"; {event.peer} was asked" if event.queried else ""
    voice = "; use voice" if event.voice else ""
    words = f"not acknowledged by {event.peer} after {minutes} min: {event.stands}{asked}{voice}"
    state.steps.append((happening.at_ms, words))
