"""What a recorded statement changes: the same on both sides (docs/protocol.md §5, §6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.exchange import rules as known
from hotline.core.exchange.commands import Told
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Dialogue, Situation
from hotline.core.messages.statement import Statement
from hotline.core.messages.template import LadderAct, ReplyClass, Template
from hotline.core.protocols.ladder import LadderState, Move, advance
from hotline.core.records import events as ev
from hotline.core.times import parse_time

_WORDS_THAT_CLOSE = {
    ReplyClass.ROGER: {"ROGER"},
    ReplyClass.WILCO: {"WILCO", "UNABLE"},
    ReplyClass.AFFIRM: {"AFFIRM", "NEGATIVE"},
}


def consequences(situation: Situation, rules: Rules, told: Told, now_ms: int) -> Iterator[ev.Event]:
    """Yield the events that follow from recording `told`, in the order to record them.

    `situation` is the one before the statement is folded in.
    """
    yield from _incident(situation, told)
    if told.template is None:
        # Whatever it may mean, its sender waits for somebody to read it.
        yield _to_be_read(rules, told, now_ms)
        return
    yield from _answer(situation, told, told.template)
    yield from _special(situation, rules, told, told.template)
    climb = _climb(situation, rules, told, told.template)
    yield from _expect(situation, rules, told, told.template, climb, now_ms)
    if climb is not None:
        yield from _ladder(situation, rules, told, climb)


def _incident(situation: Situation, told: Told) -> Iterator[ev.Event]:
    name = told.statement.incident
    if name is not None and name not in situation.incidents:
        yield ev.IncidentOpened(incident=name, statement=told.digest, station=told.statement.sender)


def answered(situation: Situation, told: Told) -> Dialogue | None:
    """Return the open dialogue of another station that `told` refers to first, or None."""
    dialogue = situation.dialogues.get(told.statement.answers or "")
    if dialogue is None or dialogue.how or dialogue.opener == told.statement.sender:
        return None
    return dialogue


def _closes(dialogue: Dialogue, told: Told, template: Template) -> bool:
    if template.id == known.RESPONSE:
        said = told.statement.fields.get("answer", "")
        words = _WORDS_THAT_CLOSE.get(ReplyClass(dialogue.reply))
        return template.id in dialogue.replies if words is None else said in words
    return template.id in dialogue.replies


def _answer(situation: Situation, told: Told, template: Template) -> Iterator[ev.Event]:
    dialogue = answered(situation, told)
    if dialogue is None:
        return
    if template.promises:
        until_ms = _promised(told, template)
        yield ev.DialogueHeld(digest=dialogue.digest, statement=told.digest, until_ms=until_ms)
        if until_ms is not None:
            yield ev.DeadlineSet(
                digest=told.digest,
                clock="promise",
                station=told.statement.sender,
                due_ms=until_ms,
                incident=dialogue.incident,
            )
    elif _closes(dialogue, told, template):
        yield ev.DialogueClosed(digest=dialogue.digest, statement=told.digest, how="ANSWERED")
        yield from met(situation, dialogue.digest, told.digest, ("read", "reply"))
        yield from _promises_kept(situation, dialogue.digest, told)


def _promised(told: Told, template: Template) -> int | None:
    try:
        return parse_time(told.statement.fields.get(template.promises))
    except PeerError:
        return None


def _promises_kept(situation: Situation, digest: str, told: Told) -> Iterator[ev.Event]:
    for deadline in situation.running():
        holding = situation.statements[deadline.digest].statement
        if deadline.clock == "promise" and holding.answers == digest:
            yield from met(situation, deadline.digest, told.digest, ("promise",))


def met(
    situation: Situation, digest: str, statement: str, clocks: tuple[str, ...]
) -> Iterator[ev.Event]:
    """Yield DeadlineMet for each of the named clocks of `digest` that is not met yet."""
    for clock in clocks:
        deadline = situation.deadlines.get((digest, clock))
        if deadline is not None and deadline.state != "MET":
            yield ev.DeadlineMet.model_validate(
                {"digest": digest, "clock": clock, "statement": statement}
            )


def unread_by(situation: Situation, digest: str, station: str) -> bool:
    """Return whether a statement wants to be read and nobody at `station` has said so yet.

    An acknowledgement wants none, so nothing acknowledges acknowledgements.
    """
    if (digest, "read") not in situation.deadlines:
        return False
    return all(reader != station for reader, *_ in situation.statements[digest].read_by)


def _special(
    situation: Situation, rules: Rules, told: Told, template: Template
) -> Iterator[ev.Event]:
    """Templates whose meaning the exchange itself knows."""
    about = situation.statements.get(told.statement.answers or "")
    if about is None:
        return
    sender, theirs = told.statement.sender, about.statement.sender != told.statement.sender
    match template.id:
        case known.ACKNOWLEDGEMENT if theirs and unread_by(situation, about.digest, sender):
            yield ev.OfficerAcknowledged(
                digest=about.digest,
                acknowledgement=told.digest,
                station=sender,
                role=told.role,
                name=told.name,
                at_ms=told.statement.at_ms,
            )
            yield from met(situation, about.digest, told.digest, ("read",))
            if not _wants_read_back(rules, about) or (sender, True) in about.readbacks:
                yield from _read(situation, about.digest, told)
        case known.READ_BACK if theirs:
            agreed = told.statement.fields.get("result") == "AGREES"
            yield ev.ReadBack(
                digest=about.digest, statement=told.digest, station=sender, agreed=agreed
            )
            if agreed and not unread_by(situation, about.digest, sender):
                yield from _read(situation, about.digest, told)
        case known.RETRACTION if not theirs:
            yield ev.StatementRetracted(digest=about.digest, statement=told.digest)
            dialogue = situation.dialogues.get(about.digest)
            if dialogue and not dialogue.how:
                yield ev.DialogueClosed(digest=about.digest, statement=told.digest, how="RETRACTED")
            yield from met(situation, about.digest, told.digest, ("reply",))
        case known.CORRECTION if not theirs:
            yield ev.StatementCorrected(digest=about.digest, statement=told.digest)


def _to_be_read(rules: Rules, told: Told, now_ms: int) -> ev.DeadlineSet:
    statement = told.statement
    return ev.DeadlineSet(
        digest=told.digest,
        clock="read",
        station=statement.to[0],
        due_ms=now_ms + rules.read_clocks_ms[statement.precedence],
        incident=statement.incident,
    )


def _wants_read_back(rules: Rules, about: StatementState) -> bool:
    template = rules.template_of(about.statement.template)
    return template is not None and bool(template.readback)


def _read(situation: Situation, digest: str, told: Told) -> Iterator[ev.Event]:
    """Close a dialogue that asked for nothing but to be read, and read back where it asks."""
    dialogue = situation.dialogues.get(digest)
    if dialogue and not dialogue.how and dialogue.reply == ReplyClass.ROGER:
        yield ev.DialogueClosed(digest=digest, statement=told.digest, how="READ")
        yield from met(situation, digest, told.digest, ("reply",))


def _expect(
    situation: Situation,
    rules: Rules,
    told: Told,
    template: Template,
    climb: _Climb | None,
    now_ms: int,
) -> Iterator[ev.Event]:
    """The dialogue and the clocks that the statement itself starts.

    A ladder move out of turn is to be read; nobody could answer it.
    """
    statement = told.statement
    if template.reply is ReplyClass.NONE:
        return
    actor = statement.to[0]
    yield _to_be_read(rules, told, now_ms)
    if climb is not None and climb.refused:
        return
    dialogue = answered(situation, told)
    if (
        dialogue is not None
        and template.id in template.replies
        and _closes(dialogue, told, template)
    ):
        return
    yield ev.DialogueOpened(
        digest=told.digest,
        station=statement.sender,
        reply=template.reply.value,
        replies=template.replies,
        incident=statement.incident,
    )
    due_ms = statement.reply_by_ms
    if due_ms is None and template.reply_clock_s:
        due_ms = now_ms + template.reply_clock_s * 1000
    if due_ms is not None:
        yield ev.DeadlineSet(
            digest=told.digest,
            clock="reply",
            station=actor,
            due_ms=due_ms,
            incident=statement.incident,
        )


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
class _Climb:
    """A move on a ladder: where it stood, and where it then stands or why it does not move."""

    incident: str
    move: Move
    before: LadderState
    after: LadderState
    refused: str


def _climb(situation: Situation, rules: Rules, told: Told, template: Template) -> _Climb | None:
    move, name = move_of(told.statement, told.digest, template), told.statement.incident
    if move is None or name is None:
        return None
    incident = situation.incidents.get(name)
    before = incident.ladder if incident else LadderState()
    after = advance(rules.ladder, before, move, rules.members)
    if isinstance(after, str):
        return _Climb(name, move, before, before, after)
    return _Climb(name, move, before, after, "")


def _ladder(situation: Situation, rules: Rules, told: Told, climb: _Climb) -> Iterator[ev.Event]:
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
    if climb.after.state == rules.ladder.closed:
        yield from _close_incident(situation, climb.incident, told)
    else:
        yield from _lapsed(situation, rules, told, climb)


def _lapsed(situation: Situation, rules: Rules, told: Told, climb: _Climb) -> Iterator[ev.Event]:
    """End the dialogues about proposals that no longer stand and closings that were overtaken."""
    standing = climb.after.standing
    answering = answered(situation, told)
    for dialogue in situation.open_dialogues():
        if dialogue.incident != climb.incident or dialogue is answering:
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
        if dialogue.incident == name and dialogue is not closing:
            yield ev.DialogueClosed(digest=dialogue.digest, statement=told.digest, how="CLOSED")
            yield from met(situation, dialogue.digest, told.digest, ("reply",))
    for deadline in situation.running():
        if deadline.incident == name and deadline.clock == "promise":
            yield from met(situation, deadline.digest, told.digest, ("promise",))
