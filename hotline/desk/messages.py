"""One statement, whole, as its reader sees it."""

from __future__ import annotations

from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.duties import awaiting_read_back
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.standing import Release
from hotline.core.messages.phrasing import Phrasebook, label, phrase_id
from hotline.core.messages.readback import critical
from hotline.core.messages.rendering import render
from hotline.core.messages.template import FieldSpec, Template
from hotline.core.times import format_dtg
from hotline.desk.files import file_lines
from hotline.desk.offers import Offers
from hotline.desk.views import Direction, MessageView, RecipientView
from hotline.desk.wording import release_state

_VALUE = "\u2026"


def asked_words(template: Template, spec: FieldSpec, phrasebook: Phrasebook) -> str:
    """Return what to read back in the words of the statement's own line, without the value.

    A form's label ("Course") may not say whose course it was.
    """
    line = phrasebook.phrase(phrase_id(template, spec.name, "line"), value=_VALUE) or ""
    words = line.replace(_VALUE, "").strip(" :.")
    return words if _VALUE in line and words else label(template, spec, phrasebook)


def fault_as_asked(fault: str, template: Template, phrasebook: Phrasebook) -> str:
    """Return a read-back's fault with the words that the officer sees for the field's name."""
    for spec in critical(template):
        if fault.startswith(f"{spec.name}: "):
            words = asked_words(template, spec, phrasebook)
            return f"{words}: {fault.removeprefix(f'{spec.name}: ')}"
    return fault


def message_view(
    situation: Situation,
    rules: Rules,
    phrasebook: Phrasebook,
    offers: Offers,
    state: StatementState,
    state_word: str,
    signers: tuple[str, ...],
    recipients: tuple[RecipientView, ...],
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
        flags=tuple(_flags(situation, state, rendering.flags)),
        history=tuple(state.steps),
        replies=offers.about(situation, state.digest),
        readback=tuple((spec.name, asked_words(template, spec, phrasebook)) for spec in readback)
        if template
        else (),
        can_acknowledge=_can_acknowledge(situation, state),
        recipients=recipients,
        files=file_lines(situation, state),
    )


def unreleased_view(rules: Rules, phrasebook: Phrasebook, release: Release) -> MessageView:
    """Return a statement of ours that was never sent: it awaits release, or will not be."""
    statement = release.statement
    rendering = render(statement, rules.catalogue.get(statement.template.id), phrasebook)
    word, _, _ = release_state(release)
    why = f": {release.reason}" if release.reason else ""
    return MessageView(
        digest=release.digest,
        token=release.token,
        direction=Direction.OUT,
        sender=statement.sender,
        signers=(release.officer,),
        precedence=statement.precedence.value,
        dtg=format_dtg(statement.at_ms),
        incident=statement.incident or "",
        template=f"{statement.template.id} v{statement.template.version}",
        title=rendering.title,
        state_word=word,
        lines=rendering.lines,
        flags=(f"NOT SENT, {word}{why}", *rendering.flags),
        history=tuple(release.steps),
        replies=(),
        readback=(),
        can_acknowledge=False,
    )


def _can_acknowledge(situation: Situation, state: StatementState) -> bool:
    ours = (state.digest, "read", situation.station) in situation.clocks
    return ours and not state.outbound and state.least < Delivery.READ


def unverified_words(situation: Situation, state: StatementState) -> str:
    """Return why nobody can say who signed a statement, as far as the record tells.

    Spec: docs/protocol.md §4.23
    """
    for certificate in state.statement.by:
        found = situation.withdrawn.get(certificate)
        if found is not None:
            whose = found.name or "its signer"
            return (
                f"UNVERIFIED: the key of {whose} is {found.how}: {found.reason}. Do not act on it."
            )
    return "UNVERIFIED: the signer's certificate is not valid. Do not act on it."


def _flags(situation: Situation, state: StatementState, rendered: tuple[str, ...]) -> list[str]:
    flags = list(rendered)
    if state.verdict != "VERIFIED":
        flags.insert(0, unverified_words(situation, state))
    flags += [
        f"UNVERIFIED at {peer}: your certificate did not count there. Do not rely on it."
        for peer in sorted(state.doubted_by)
    ]
    if state.retracted_by:
        flags.insert(0, "RETRACTED by its originator.")
    if state.corrected_by:
        flags.insert(0, "CORRECTED by its originator: read the correction too.")
    flags += [f"REJECTED by {peer}: {reason}" for peer, reason in state.rejected.items()]
    return flags
