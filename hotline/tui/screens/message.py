"""One statement in full, and what can be done next with it."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.views import Direction, MessageView, WatchView
from hotline.tui.actions import MESSAGE
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.choice_list import ChoiceList, Offer, offer_of
from hotline.tui.widgets.message_card import MessageCard
from hotline.tui.widgets.rows import Rows


class MessageScreen(FrameScreen):
    """Shows a statement; F8 says READ BY OFFICER, the list below opens answers and read-back."""

    PLACE = MESSAGE
    FOOTER = (
        "help",
        "watch",
        "compose",
        "incident",
        "page_down",
        "acknowledge",
        "release",
        "files",
        "open",
        "pane",
        "back",
        "chord",
        "leave",
    )

    WORDS = {"page_down": "Read on"}

    def __init__(self, digest: str) -> None:
        super().__init__()
        self.digest = digest
        self._drawn = False
        self._could_read = False

    @property
    def message(self) -> MessageView | None:
        """The statement as the ledger has it now."""
        return self.shell.feed.message(self.digest)

    @property
    def incident(self) -> str:
        """Name of the incident that the statement belongs to, or ""."""
        message = self.message
        return message.incident if message else ""

    @property
    def shown_digest(self) -> str | None:
        """This statement, once its whole text has been in sight."""
        # A refresh that was asked for earlier finds no card while the screen comes or goes.
        return next((card.shown_digest for card in self.query(MessageCard)), None)

    @property
    def marked_digest(self) -> str | None:
        """This statement."""
        return self.digest

    def place_words(self) -> str:
        """Name the statement."""
        message = self.message
        return f"MESSAGE {message.token}" if message else "MESSAGE"

    def compose_body(self) -> ComposeResult:
        """Yield the text and the list of what can be done."""
        yield MessageCard(id="text")
        yield ChoiceList("NEXT", "No answer is expected to this statement.", id="next")

    def begin(self) -> None:
        """Show the statement; once it is drawn, decide where the keys go."""
        self.call_after_refresh(self._focus_next)

    def _focus_next(self) -> None:
        """Keys go to the text until its end was in sight, after F8 to what can be done."""
        self._drawn = True
        offers, card = self.query_one(ChoiceList), self.query_one(MessageCard)
        # At once: `focus` of the widget takes its time, and a key may come before it.
        self.set_focus(offers if card.seen and offers.row_count() else card)
        self.refresh_words()

    def show(self, view: WatchView) -> None:
        """Bring the text and the answers up to date."""
        message = self.message
        self.query_one(MessageCard).show(message)
        offers = self.query_one(ChoiceList)
        offers.show(self._offers(message) if message else ())
        offers.display = self.shell.post is not None
        could, self._could_read = self._could_read, bool(message and message.can_acknowledge)
        if could and not self._could_read and offers.display:
            self._focus_next()

    def _offers(self, message: MessageView) -> tuple[Offer, ...]:
        if self.shell.post is None:
            return ()
        readback: tuple[Offer, ...] = ()
        if message.readback:
            count = len(message.readback)
            values = f"{count} values" if count > 1 else "1 value"
            why = f"type {values} from memory; the machine compares"
            readback = (Offer(f"READ BACK {message.token}", why, readback=True),)
        return readback + tuple(offer_of(choice) for choice in message.replies)

    def guide_words(self) -> str:
        """Say what to do next: read on, acknowledge, read back, answer, or nothing."""
        message, card = self.message, self.query_one(MessageCard)
        if message is None or self.shell.post is None:
            return "Esc goes back."
        if not self._drawn:
            # Which key comes first is not known before.
            return ""
        if not card.seen:
            way = "PgDn" if self.focused is card else "Tab, then PgDn"
            return f"The text goes on below: {way} reads on."
        if self.digest in self.shell.view.awaiting:
            return "Not sent: it awaits a second officer. ^R opens it."
        if message.can_acknowledge:
            return "Read it, then F8: the sender is told READ BY OFFICER, not that you agree."
        way = "" if isinstance(self.focused, ChoiceList) else "Tab to NEXT, then "
        if message.readback:
            return f"Now read back: {way}Enter on READ BACK in NEXT."
        if self._answer_due() and message.replies:
            return f"{way}Up and Down mark an answer; Enter opens it. Nothing is sent.".lstrip()
        if message.direction is Direction.OUT:
            return "Sent by this station. Its state shows how far it got. Esc goes back."
        return "Nothing more is asked of you here. Esc goes back; F2 to the watch screen."

    def _answer_due(self) -> bool:
        return any(row.ours and row.digest == self.digest for row in self.shell.view.deadlines)

    def on_lines_seen_to_end(self, message: MessageCard.SeenToEnd) -> None:
        """Let the desk know that the statement has been shown in full."""
        shown = self.message
        if shown is not None and shown.direction is Direction.IN:
            self.shell.note_displayed(shown)
        self.refresh_words()

    def on_descendant_focus(self) -> None:
        """Guidance depends on where the keys go."""
        self.refresh_words()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Open the read-back, or the composer with the form."""
        offer = self.query_one(ChoiceList).offer_at(message.index)
        shown = self.message
        if offer.readback and shown is not None:
            self.shell.open_readback(shown)
        elif offer.choice is not None:
            self.shell.open_choice(offer.choice)
