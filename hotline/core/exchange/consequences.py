"""What a recorded statement changes: the same on both sides (docs/protocol.md §5, §6)."""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.errors import PeerError
from hotline.core.exchange import rules as known
from hotline.core.exchange.climbing import Climb, climb_of, climbed
from hotline.core.exchange.commands import Told
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.dialogues import answered, met
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Dialogue, Situation
from hotline.core.messages.template import ReplyClass, Template
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
        yield from _to_be_read(rules, told, now_ms)
        return
    yield from _answer(situation, told, told.template)
    yield from _special(situation, rules, told, told.template)
    climb = climb_of(situation, rules, told, told.template)
    yield from _expect(situation, rules, told, told.template, climb, now_ms)
    if climb is not None:
        yield from climbed(situation, rules, told, climb)


def _incident(situation: Situation, told: Told) -> Iterator[ev.Event]:
    name = told.statement.incident
    if name is not None and name not in situation.incidents:
        yield ev.IncidentOpened(incident=name, statement=told.digest, station=told.statement.sender)


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
        sender = told.statement.sender
        yield from met(situation, dialogue.digest, told.digest, ("read", "reply"), sender)
        yield from _promises_kept(situation, dialogue.digest, told)


def _promised(told: Told, template: Template) -> int | None:
    try:
        return parse_time(told.statement.fields.get(template.promises))
    except PeerError:
        return None


def _promises_kept(situation: Situation, digest: str, told: Told) -> Iterator[ev.Event]:
    for deadline in situation.running():
        holding = situation.statements[deadline.digest].statement
        ours = deadline.station == told.statement.sender
        if deadline.clock == "promise" and ours and holding.answers == digest:
            yield from met(situation, deadline.digest, told.digest, ("promise",))


def unread_by(situation: Situation, digest: str, station: str) -> bool:
    """Return whether a statement wants to be read and nobody at `station` has said so yet.

    An acknowledgement wants none, so nothing acknowledges acknowledgements.
    """
    if (digest, "read", station) not in situation.deadlines:
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
            yield from met(situation, about.digest, told.digest, ("read",), sender)
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


def _to_be_read(rules: Rules, told: Told, now_ms: int) -> Iterator[ev.DeadlineSet]:
    """Yield a clock for each station that gets it: who is only told reads it, too.

    Spec: docs/protocol.md §5.6
    """
    statement = told.statement
    for station in (*statement.to, *statement.info):
        yield ev.DeadlineSet(
            digest=told.digest,
            clock="read",
            station=station,
            due_ms=now_ms + rules.read_clocks_ms[statement.precedence],
            incident=statement.incident,
        )


def _wants_read_back(rules: Rules, about: StatementState) -> bool:
    template = rules.template_of(about.statement.template)
    return template is not None and bool(template.readback)


def _read(situation: Situation, digest: str, told: Told) -> Iterator[ev.Event]:
    """Close a dialogue that asked for nothing but to be read, and read back where it asks."""
    dialogue, sender = situation.dialogues.get(digest), told.statement.sender
    if dialogue and sender in dialogue.waiting and dialogue.reply == ReplyClass.ROGER:
        yield ev.DialogueClosed(digest=digest, statement=told.digest, how="READ")
        yield from met(situation, digest, told.digest, ("reply",), sender)


def _expect(
    situation: Situation,
    rules: Rules,
    told: Told,
    template: Template,
    climb: Climb | None,
    now_ms: int,
) -> Iterator[ev.Event]:
    """The dialogue and the clocks that the statement itself starts.

    A ladder move out of turn is to be read; nobody could answer it.
    """
    statement = told.statement
    if template.reply is ReplyClass.NONE:
        return
    yield from _to_be_read(rules, told, now_ms)
    if climb is not None and climb.refused:
        return
    if _ends_with_itself(answered(situation, told), told, template):
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
    if due_ms is None:
        return
    for station in statement.to:
        yield ev.DeadlineSet(
            digest=told.digest,
            clock="reply",
            station=station,
            due_ms=due_ms,
            incident=statement.incident,
        )


def _ends_with_itself(dialogue: Dialogue | None, told: Told, template: Template) -> bool:
    """Return whether a statement answers one of its own kind, so that it asks for nothing more."""
    return (
        dialogue is not None
        and template.id in template.replies
        and _closes(dialogue, told, template)
    )


def late_consequences(situation: Situation, rules: Rules, told: Told) -> Iterator[ev.Event]:
    """Yield what follows from a recorded statement now that the one it answers is recorded.

    The dialogue that it opened, because nobody knew what it answers, lapses.
    Spec: docs/protocol.md §5.7
    """
    template = told.template
    if template is None:
        return
    ends = _ends_with_itself(answered(situation, told), told, template)
    opened = situation.expecting.get(told.digest)
    yield from _answer(situation, told, template)
    yield from _special(situation, rules, told, template)
    if ends and opened is not None:
        yield ev.DialogueClosed(digest=told.digest, statement=told.digest, how="LAPSED")
        yield from met(situation, told.digest, told.digest, ("reply",))
