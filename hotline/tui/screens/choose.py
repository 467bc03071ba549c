"""Choosing what to write: kept drafts, then what the protocol expects, then all forms."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult

from hotline.tui.actions import CHOOSE
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.choice_list import ChoiceList, Offer, offer_of
from hotline.tui.widgets.rows import Rows


class ChooseScreen(FrameScreen):
    """A list of forms. Enter opens one in the composer; nothing is sent by it."""

    PLACE = CHOOSE
    ACTS = True
    FOOTER = ("help", "watch", "open", "acknowledge", "back", "chord", "leave")
    WORDS = {"open": "Write it"}

    def __init__(self, incident: str | None) -> None:
        super().__init__()
        self._incident = incident

    def place_words(self) -> str:
        """Name the screen."""
        return "COMPOSE"

    def guide_words(self) -> str:
        """Say how to choose."""
        return "Choose with Up and Down, then Enter. What is expected next comes first."

    def compose_body(self) -> ComposeResult:
        """Yield the list."""
        yield ChoiceList("WHAT DO YOU WANT TO WRITE?", "No form is on offer.", id="forms")

    def begin(self) -> None:
        """Ask the desk once: the list must not move under the officer's fingers."""
        post = self.shell.post
        kept = [
            Offer(f"DRAFT {draft.number} {draft.title}", "kept, not sent", draft=name)
            for name, draft in self.shell.drafts.items()
        ]
        choices = post and self.shell.try_act(partial(post.choices, self._incident))
        offers = self.query_one(ChoiceList)
        offers.show((*kept, *(offer_of(choice) for choice in choices or ())))
        offers.focus()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Open the composer."""
        offer = self.query_one(ChoiceList).offer_at(message.index)
        if offer.draft:
            self.shell.open_draft(self.shell.drafts[offer.draft])
        elif offer.choice is not None:
            self.shell.open_choice(offer.choice)
