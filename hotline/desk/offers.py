"""Which templates an officer is offered, what is expected first (docs/protocol.md §5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.exchange.rules import (
    ACKNOWLEDGEMENT,
    CORRECTION,
    OFFICERS_TEST,
    READ_BACK,
    RETRACTION,
    Rules,
)
from hotline.core.exchange.situation import Dialogue, Incident, Situation
from hotline.core.messages.phrasing import Phrasebook, phrase_id, title
from hotline.core.messages.template import LadderAct, ReplyClass, Template
from hotline.core.protocols.ladder import next_acts
from hotline.desk.views import TemplateChoice

HOLDING = "conv/holding"
CLARIFICATION = "conv/clarify"
_BY_OTHER_KEYS = frozenset({ACKNOWLEDGEMENT, READ_BACK})
"""Sent by F8 and by the read-back form, so no list offers them."""


class Offers:
    """Works out offers for one station and one reader's language."""

    def __init__(self, rules: Rules, phrasebook: Phrasebook) -> None:
        """Offer the templates of `rules`, titled in the language of `phrasebook`."""
        self._rules, self._phrasebook = rules, phrasebook

    def all(self, situation: Situation, incident: str | None) -> tuple[TemplateChoice, ...]:
        """Return every offer: answers due, then ladder moves, then what starts something.

        Args:
            incident: Only offers for this incident come first; None: for any.
        """
        offers = [*self._due(situation, incident), *self._moves(situation, incident)]
        offers += self._openings(situation, incident)
        test = self._rules.catalogue.get(OFFICERS_TEST)
        if test is not None:
            offers.append(self._choice(test, None, None, "tests the line between officers"))
        return tuple({(one.id, one.answers, one.incident): one for one in offers}.values())

    def about(self, situation: Situation, digest: str) -> tuple[TemplateChoice, ...]:
        """Return what may be said about one statement."""
        state = situation.statements[digest]
        dialogue = situation.dialogues.get(digest)
        offers: list[TemplateChoice] = []
        if state.outbound:
            if not state.retracted_by:
                offers += self._named((CORRECTION, RETRACTION), situation, digest)
        elif dialogue is not None and not dialogue.how:
            offers += self._answers(situation, dialogue)
        else:
            offers += self._named((CLARIFICATION,), situation, digest)
        if state.statement.incident:
            offers += self._moves(situation, state.statement.incident)
        return tuple({(one.id, one.answers): one for one in offers}.values())

    def _due(self, situation: Situation, incident: str | None) -> Iterator[TemplateChoice]:
        for dialogue in situation.open_dialogues():
            ours = situation.station in dialogue.waiting
            closed_by_reading = dialogue.reply == ReplyClass.ROGER
            if ours and not closed_by_reading and incident in (None, dialogue.incident):
                yield from self._answers(situation, dialogue)

    def _answers(self, situation: Situation, dialogue: Dialogue) -> Iterator[TemplateChoice]:
        wanted = [*dialogue.replies, HOLDING, CLARIFICATION]
        for choice in self._named(tuple(wanted), situation, dialogue.digest):
            template = self._rules.catalogue.get(choice.id)
            if (
                template is None
                or template.ladder is None
                or self._may_move(situation, template, dialogue.incident)
            ):
                yield choice

    def _may_move(self, situation: Situation, template: Template, incident: str | None) -> bool:
        known = situation.incidents.get(incident or "")
        if template.ladder is None or known is None:
            return False
        return template.ladder.act in next_acts(self._rules.ladder, known.ladder, situation.station)

    def _moves(self, situation: Situation, name: str | None) -> Iterator[TemplateChoice]:
        for incident in reversed(situation.incidents.values()):
            if incident.closed_at_ms is None and name in (None, incident.name):
                yield from self._rungs(situation, incident)

    def _rungs(self, situation: Situation, incident: Incident) -> Iterator[TemplateChoice]:
        ladder = incident.ladder
        acts = next_acts(self._rules.ladder, ladder, situation.station)
        standing = ladder.standing
        for template in self._rules.catalogue.templates.values():
            role = template.ladder
            if role is None or role.act not in acts:
                continue
            if role.step and ladder.confirmed(role.step, self._rules.members):
                continue
            # A closing answers no proposal; everything else refers to the one that stands.
            answers = standing.digest if standing and role.act is not LadderAct.CLOSE else None
            why = {
                LadderAct.PROPOSE: f"proposes the step {role.step}",
                LadderAct.ANSWER: f"answers the step {standing.step if standing else ''}",
                LadderAct.VERIFY: f"confirms the step {standing.step if standing else ''}",
                LadderAct.CLOSE: "closes the incident once every side does",
            }[role.act]
            yield self._choice(template, answers, incident.name, f"{why}, {incident.name}")

    def _openings(self, situation: Situation, name: str | None) -> Iterator[TemplateChoice]:
        open_ = [one.name for one in situation.incidents.values() if one.closed_at_ms is None]
        newest = name or (open_[-1] if open_ else None)
        for template in self._rules.catalogue.templates.values():
            by_others = template.id in _BY_OTHER_KEYS or template.answers_required
            if by_others or template.ladder or template.sender == "watch":
                continue
            if newest:
                yield self._choice(template, None, newest, f"within {newest}")
            if template.opens_incident:
                yield self._choice(template, None, None, "opens a new incident")
            elif not newest:
                yield self._choice(template, None, None, "outside any incident")

    def _named(
        self, ids: tuple[str, ...], situation: Situation, digest: str
    ) -> Iterator[TemplateChoice]:
        state = situation.statements[digest]
        for template_id in ids:
            template = self._rules.catalogue.get(template_id)
            if template is not None:
                why = f"answers {state.token}" if not state.outbound else f"about {state.token}"
                yield self._choice(template, digest, state.statement.incident, why)

    def _choice(
        self, template: Template, answers: str | None, incident: str | None, why: str
    ) -> TemplateChoice:
        phrasebook = self._phrasebook
        return TemplateChoice(
            id=template.id,
            number=template.number,
            title=title(template, phrasebook),
            purpose=phrasebook.phrase(phrase_id(template, part="purpose")) or "",
            precedence=template.precedence.value,
            answers=answers,
            incident=incident,
            why=why,
        )
