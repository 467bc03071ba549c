"""Forms on offer: what the protocol expects first, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from hotline.desk.views import TemplateChoice
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT, KEY, QUIET
from hotline.tui.widgets.rows import Rows


@dataclass(frozen=True, slots=True)
class Offer:
    """One line to choose: a heading, the reason for it, and what it stands for.

    Attributes:
        choice: The form that it opens, or None.
        draft: Name of the kept draft that it goes on with, or "".
        readback: It opens the read-back instead.
    """

    head: str
    why: str
    choice: TemplateChoice | None = None
    draft: str = ""
    readback: bool = False


def offer_of(choice: TemplateChoice) -> Offer:
    """Return the offer of a form, with why, or else what it is for."""
    return Offer(f"{choice.number} {choice.title}", choice.why or choice.purpose, choice)


class ChoiceList(Rows):
    """A list of offers, two lines each; Enter chooses, nothing is sent by it."""

    ROW_LINES = 2

    def __init__(self, title: str, empty: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offers: tuple[Offer, ...] = ()
        self._empty = empty
        self.entitle(title)

    def show(self, offers: tuple[Offer, ...]) -> None:
        """Take the offers; the same ones again change nothing."""
        if offers != self._offers:
            self._offers = offers
            self.rows_changed()

    def offer_at(self, index: int) -> Offer:
        """Return offer `index`."""
        return self._offers[index]

    def row_count(self) -> int:
        """Return how many offers there are."""
        return len(self._offers)

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return the heading, then the reason."""
        offer = self._offers[index]
        style = KEY if offer.readback or offer.draft else BRIGHT
        head = fit(f"{'>' if marked else ' '}{offer.head}", width)
        return literal(head, style), literal(fit(f"   {offer.why}", width), QUIET)

    def empty_words(self) -> str:
        """Say why nothing is on offer."""
        return self._empty
