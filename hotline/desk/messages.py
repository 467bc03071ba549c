"""One statement, whole, as its reader sees it."""

from __future__ import annotations

from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.duties import awaiting_read_back
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.messages.phrasing import Phrasebook, label
from hotline.core.messages.readback import critical
from hotline.core.messages.rendering import render
from hotline.core.times import format_dtg
from hotline.desk.offers import Offers
from hotline.desk.views import Direction, MessageView


def message_view(
    situation: Situation,
    rules: Rules,
    phrasebook: Phrasebook,
    offers: Offers,
    state: StatementState,
    state_word: str,
    signers: tuple[str, ...],
) -> MessageView:
    """Return everything that is known here of one statement."""
    statement = state.statement
    template = rules.catalogue.get(statement.template.id)
    rendering = render(statement, template, phrasebook)
    due = state in awaiting_read_back(situation, rules)
    readback = critical(template) if due and template else ()
    return MessageView(
        digest=state.digest,
        token=state.token,
        direction=Direction.OUT if state.outbound else Direction.IN,
        sender=statement.sender,
        signers=signers,
        precedence=statement.precedence.value,
        dtg=format_dtg(statement.at_ms),
        incident=statement.incident or "",
        template=f"{statement.template.id} v{statement.template.version}",
        title=rendering.title,
        state_word=state_word,
        lines=rendering.lines,
        flags=tuple(_flags(state, rendering.flags)),
        history=tuple(state.steps),
        replies=offers.about(situation, state.digest),
        readback=tuple((spec.name, label(template, spec, phrasebook)) for spec in readback)
        if template
        else (),
        can_acknowledge=_can_acknowledge(situation, state),
    )


def _can_acknowledge(situation: Situation, state: StatementState) -> bool:
    clock = situation.clocks.get((state.digest, "read"))
    ours = clock is not None and clock.station == situation.station
    return ours and not state.outbound and state.least < Delivery.READ


def _flags(state: StatementState, rendered: tuple[str, ...]) -> list[str]:
    flags = list(rendered)
    if state.verdict != "VERIFIED":
        flags.insert(0, "UNVERIFIED: the signer's certificate is not valid. Do not act on it.")
    if state.retracted_by:
        flags.insert(0, "RETRACTED by its originator.")
    if state.corrected_by:
        flags.insert(0, "CORRECTED by its originator: read the correction too.")
    flags += [f"REJECTED by {peer}: {reason}" for peer, reason in state.rejected.items()]
    return flags
