"""The agenda: what the scenario wants of a station now, worked out from the record alone.

Because it depends on nothing but the ledger, a station that crashed and came
back has the same agenda, and nothing is done twice (InjectPlayed is recorded
in the transaction of the statement).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hotline.core.drills.scenario import Inject, Reaction, Say, Scenario
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.duties import awaiting_read_back
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Incident, Situation
from hotline.core.messages.template import LadderAct
from hotline.core.protocols.ladder import next_acts


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do.

    Attributes:
        key: (inject or reaction, trigger): recorded when done.
        answers: Digest of the statement it is about, or None.
        incident: Name of the incident, or None to open one.
        coach: What EXCON tells a person who should do it.
    """

    act: Literal["say", "acknowledge", "read back", "release"]
    key: tuple[str, str]
    due_ms: int
    answers: str | None
    incident: str | None
    say: Say | None = None
    coach: str = ""


def agenda(
    scenario: Scenario, situation: Situation, rules: Rules, speed: float
) -> tuple[Task, ...]:
    """Return what `situation.station` has still to do, the earliest first.

    Args:
        speed: How many exercise seconds pass in one second; at least 0.1.
    """
    if situation.drill_started_ms is None:
        return ()
    tasks = [
        *_duties(scenario, situation, rules, speed),
        *_injects(scenario, situation, speed),
        *_reactions(scenario, situation, rules, speed),
    ]
    open_tasks = [task for task in tasks if task.key not in situation.injects]
    return tuple(sorted(open_tasks, key=lambda task: (task.due_ms, task.key)))


def _span_ms(seconds: int, speed: float) -> int:
    return round(seconds * 1000 / speed)


def _duties(scenario: Scenario, situation: Situation, rules: Rules, speed: float) -> Iterator[Task]:
    """Reading, reading back, releasing: what officers do without being told."""
    pause_ms = _span_ms(scenario.read_after_s, speed)
    for state in situation.unread():
        yield _duty("acknowledge", state, state.at_ms + pause_ms)
    for state in awaiting_read_back(situation, rules):
        yield _duty("read back", state, state.at_ms + 2 * pause_ms)
    for release in awaiting(situation):
        key, incident = ("release", release.digest), release.statement.incident
        yield Task("release", key, release.at_ms + pause_ms, release.digest, incident)


def _duty(act: Literal["acknowledge", "read back"], state: StatementState, due_ms: int) -> Task:
    return Task(act, (act, state.digest), due_ms, state.digest, state.statement.incident)


def _injects(scenario: Scenario, situation: Situation, speed: float) -> Iterator[Task]:
    started_ms = situation.drill_started_ms or 0
    for inject in scenario.inject:
        if inject.station == situation.station:
            due_ms = started_ms + _span_ms(inject.at_s, speed)
            if not _said_since(situation, inject.say.template, -1):
                yield _task(inject, "", due_ms, None, None)


def _reactions(
    scenario: Scenario, situation: Situation, rules: Rules, speed: float
) -> Iterator[Task]:
    for reaction in scenario.reaction:
        if reaction.station != situation.station:
            continue
        pause_ms = _span_ms(reaction.after_s, speed)
        if reaction.on.template:
            yield from _to_statements(reaction, situation, pause_ms)
        if reaction.on.ladder:
            yield from _to_ladder(reaction, situation, rules, pause_ms)


def _to_statements(reaction: Reaction, situation: Situation, pause_ms: int) -> Iterator[Task]:
    for state in situation.statements.values():
        named = state.statement.template.id == reaction.on.template
        over = state.outbound or _closed(situation, state.statement.incident)
        if named and not over and not _said_since(situation, reaction.say.template, state.index):
            due_ms = state.at_ms + pause_ms
            yield _task(reaction, state.digest, due_ms, state.digest, state.statement.incident)


def _to_ladder(
    reaction: Reaction, situation: Situation, rules: Rules, pause_ms: int
) -> Iterator[Task]:
    template = rules.catalogue.get(reaction.say.template)
    if template is None or template.ladder is None:
        return
    for incident in situation.incidents.values():
        ladder = incident.ladder
        step = ladder.standing.step if ladder.standing else ""
        if ladder.state not in reaction.on.ladder or reaction.on.step not in ("", step):
            continue
        if template.ladder.act in next_acts(rules.ladder, ladder, situation.station):
            trigger = ladder.standing.digest if ladder.standing else incident.name
            answers = _answered_by(template.ladder.act, incident, situation)
            due_ms = incident.ladder_at_ms + pause_ms
            yield _task(reaction, trigger, due_ms, answers, incident.name)


def _answered_by(act: LadderAct, incident: Incident, situation: Situation) -> str | None:
    """Return the statement that a ladder move of ours refers to."""
    standing = incident.ladder.standing
    if act is not LadderAct.CLOSE:
        return standing.digest if standing else None
    for dialogue in situation.open_dialogues():
        state = situation.statements[dialogue.digest]
        closes = state.statement.template.id in dialogue.replies
        if dialogue.incident == incident.name and not state.outbound and closes:
            return dialogue.digest
    return None


def _task(
    act: Inject | Reaction, trigger: str, due_ms: int, answers: str | None, incident: str | None
) -> Task:
    return Task("say", (act.id, trigger), due_ms, answers, incident, act.say, act.coach)


def _said_since(situation: Situation, template: str, index: int) -> bool:
    """Return whether we have sent, or signed and not released, one of `template` since `index`."""
    sent = (
        state.outbound and state.index > index and state.statement.template.id == template
        for state in situation.statements.values()
    )
    signed = (
        release.index > index and release.statement.template.id == template
        for release in awaiting(situation)
    )
    return any(sent) or any(signed)


def _closed(situation: Situation, name: str | None) -> bool:
    incident = situation.incidents.get(name or "")
    return incident is not None and incident.closed_at_ms is not None
