"""What is due: what an officer owes besides an answer, and what goes out first."""

from __future__ import annotations

from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation


def awaiting_read_back(situation: Situation, rules: Rules) -> list[StatementState]:
    """Return statements of the peer that we have read but not rightly read back, oldest first.

    Only while their dialogue is open: once it is answered the values were used.
    """
    waiting = []
    for dialogue in situation.open_dialogues():
        state = situation.statements[dialogue.digest]
        template = rules.template_of(state.statement.template)
        ours = situation.station in dialogue.waiting
        asked = template is not None and bool(template.readback) and ours
        read_back = (situation.station, True) in state.readbacks
        if asked and state.least >= Delivery.READ and not read_back:
            waiting.append(state)
    return waiting


def urgency(situation: Situation, rules: Rules) -> dict[str, int]:
    """Return for each statement of the outbox how urgent it is, 0 first, in the order sent.

    That is its precedence; but a ladder move is never less urgent than a later
    move in the same incident, because moves must arrive in their order.

    Spec: docs/protocol.md §6.7
    """
    ranks: dict[str, int] = {}
    least: dict[str | None, int] = {}
    for digest in reversed(situation.outbox):
        statement = situation.statements[digest].statement
        rank = statement.precedence.rank
        template = rules.template_of(statement.template)
        if template is not None and template.ladder is not None:
            rank = min(rank, least.get(statement.incident, rank))
            least[statement.incident] = rank
        ranks[digest] = rank
    return dict(reversed(ranks.items()))
