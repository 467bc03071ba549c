"""Answers that came before what they answer: between three stations each pair has its own way.

Spec: docs/protocol.md §5.7
"""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.exchange.commands import RecoverStatement, TakeStatement, Told
from hotline.core.exchange.consequences import late_consequences
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.fold import apply
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.twin import twin

NOBODY = ("", "")


def caught_up(
    situation: Situation,
    rules: Rules,
    command: TakeStatement | RecoverStatement,
    planned: Sequence[Planned],
    now_ms: int,
) -> list[Planned]:
    """Return what now follows from the statements that answered this one before it came.

    A third station's answer may overtake what it answers, and an answer what its own station
    lost and gets back. It was recorded, receipted and
    shown; its consequences follow here, in the commit of what it answers, so that every
    station comes to the same.

    Args:
        planned: What is recorded of the statement itself, in order.
    Spec: docs/protocol.md §5.7, docs/ledger.md §19.7
    """
    waiting = situation.early.get(command.told.digest, ())
    if not waiting:
        return []
    ahead = twin(situation)
    for one in planned:
        _fold(ahead, one, now_ms)
    found = []
    for digest in waiting:
        state = ahead.statements[digest]
        if state.verdict != "VERIFIED":
            continue
        told = _told(state, rules, command)
        for event in late_consequences(ahead, rules, told):
            found.append(Planned(event))
            _fold(ahead, found[-1], now_ms)
    return found


def _fold(situation: Situation, planned: Planned, now_ms: int) -> None:
    apply(situation, Happening(situation.length, now_ms, planned.event, planned.statement))


def _told(state: StatementState, rules: Rules, command: TakeStatement | RecoverStatement) -> Told:
    role, name = command.officers.get(state.statement.by[0], NOBODY)
    return Told(
        statement=state.statement,
        digest=state.digest,
        order=state.order,
        item=b"",
        template=rules.template_for(state.statement),
        role=role,
        name=name,
    )
