"""What a recorded statement does on its incident's ladder (docs/protocol.md §6)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from hotline.core.exchange.commands import Told
from hotline.core.exchange.dialogues import answered, met
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.messages.statement import Statement
from hotline.core.messages.template import LadderAct, Template
from hotline.core.protocols.ladder import PAIR, LadderState, Move, advance
from hotline.core.records import events as ev


def move_of(statement: Statement, digest: str, template: Template) -> Move | None:
    """Return what the statement does on its incident's ladder, or None."""
    role = template.ladder
    if role is None:
        return None
    fields = statement.fields
    value = {LadderAct.ANSWER: "answer", LadderAct.VERIFY: "confirmed"}.get(role.act, "")
    return Move(
        act=role.act,
        value=fields.get(value, "") if value else "",
        step=role.step,
        station=statement.sender,
        digest=digest,
        at_ms=statement.at_ms,
        answers=statement.answers,
    )


@dataclass(frozen=True, slots=True)
class Climb:
    """A move on a ladder: where it stood, and where it then stands or why it does not move."""

    incident: str
    move: Move
    before: LadderState
    after: LadderState
    refused: str


def climb_of(situation: Situation, rules: Rules, told: Told, template: Template) -> Climb | None:
    """Return the move that a statement makes on its incident's ladder, or None."""
    move, name = move_of(told.statement, told.digest, template), told.statement.incident
    if move is None or name is None:
        return None
    incident = situation.incidents.get(name)
    before = incident.ladder if incident else LadderState()
    after = advance(rules.ladder, before, move, rules.members)
    if isinstance(after, str):
        return Climb(name, move, before, before, after)
    return Climb(name, move, before, after, "")


def climbed(situation: Situation, rules: Rules, told: Told, climb: Climb) -> Iterator[ev.Event]:
    """Yield what follows from a move: that it was made or not, and what ends with it."""
    said = {
        "incident": climb.incident,
        "statement": told.digest,
        "station": climb.move.station,
        "act": climb.move.act.value,
        "value": climb.move.value,
        "step": climb.move.step,
    }
    if climb.refused:
        state = climb.before.state
        yield ev.StepOutOfTurn.model_validate({**said, "state": state, "reason": climb.refused})
        return
    yield ev.LadderMoved.model_validate(
        {**said, "before": climb.before.state, "after": climb.after.state}
    )
    if len(rules.members) > PAIR:
        climb = yield from _caught_up(situation, rules, climb)
    if climb.after.state == rules.ladder.closed:
        yield from _close_incident(situation, climb.incident, told)
    else:
        yield from _lapsed(situation, rules, told, climb)


def _caught_up(
    situation: Situation, rules: Rules, climb: Climb
) -> Generator[ev.Event, None, Climb]:
    """Yield the moves that came before what they follow, and return the climb after them.

    Between three stations a move may overtake one of another station that it rests on.
    Spec: docs/protocol.md §6.9
    """
    incident, ladder = situation.incidents.get(climb.incident), climb.after
    waiting = list(incident.out_of_turn) if incident else []
    moved = True
    while moved:
        moved = False
        for digest in waiting:
            move = _recordedmove_of(situation, rules, digest)
            after = advance(rules.ladder, ladder, move, rules.members) if move else ""
            if move is None or isinstance(after, str) or _is_overtaken(ladder, move):
                continue
            yield ev.LadderMoved(
                incident=climb.incident,
                statement=digest,
                station=move.station,
                act=move.act.value,
                value=move.value,
                step=move.step,
                before=ladder.state,
                after=after.state,
            )
            waiting.remove(digest)
            ladder, moved = after, True
            break
    return replace(climb, after=ladder)


def _recordedmove_of(situation: Situation, rules: Rules, digest: str) -> Move | None:
    statement = situation.statements[digest].statement
    template = rules.template_of(statement.template)
    return move_of(statement, digest, template) if template else None


def _is_overtaken(ladder: LadderState, move: Move) -> bool:
    """Return whether a closing was written before the proposal that took it back."""
    standing = ladder.standing
    closes = move.act is LadderAct.CLOSE
    return closes and standing is not None and move.at_ms < standing.rank_ms


def _lapsed(situation: Situation, rules: Rules, told: Told, climb: Climb) -> Iterator[ev.Event]:
    """End the dialogues about proposals that no longer stand and closings that were overtaken."""
    standing = climb.after.standing
    answering = answered(situation, told)
    for dialogue in situation.open_dialogues():
        last = dialogue is answering and len(dialogue.waiting) == 1
        if dialogue.incident != climb.incident or last:
            continue
        asked = rules.template_of(situation.statements[dialogue.digest].statement.template)
        act = asked.ladder.act if asked and asked.ladder else None
        overtaken = act is LadderAct.PROPOSE and standing and standing.digest != dialogue.digest
        undone = act is LadderAct.CLOSE and dialogue.opener not in climb.after.closers
        if overtaken or undone:
            yield ev.DialogueClosed(digest=dialogue.digest, statement=told.digest, how="LAPSED")
            yield from met(situation, dialogue.digest, told.digest, ("reply",))


def _close_incident(situation: Situation, name: str, told: Told) -> Iterator[ev.Event]:
    yield ev.IncidentClosed(incident=name, statement=told.digest)
    closing = answered(situation, told)
    for dialogue in situation.open_dialogues():
        last = dialogue is closing and len(dialogue.waiting) == 1
        if dialogue.incident == name and not last:
            yield ev.DialogueClosed(digest=dialogue.digest, statement=told.digest, how="CLOSED")
            yield from met(situation, dialogue.digest, told.digest, ("reply",))
    for deadline in situation.running():
        if deadline.incident == name and deadline.clock == "promise":
            yield from met(situation, deadline.digest, told.digest, ("promise",))
