"""What an officer owes the other side besides an answer: reading, and reading back."""

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
        asked = template is not None and bool(template.readback) and not state.outbound
        read_back = (situation.station, True) in state.readbacks
        if asked and state.least >= Delivery.READ and not read_back:
            waiting.append(state)
    return waiting
