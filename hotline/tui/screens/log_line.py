"""One line of the station's own log in full: the timeline cuts what a narrow screen cannot hold."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.views import TimelineRow
from hotline.tui.actions import HELP
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.message_text import log_lines


class LogLineScreen(FrameScreen):
    """Text to read and leave again; nothing can be done here."""

    PLACE = HELP
    FOOTER = ("page_down", "watch", "back", "chord", "leave")
    WORDS = {"page_down": "Read on"}

    def __init__(self, row: TimelineRow) -> None:
        super().__init__()
        self._row = row

    def compose_body(self) -> ComposeResult:
        """Yield the text."""
        text = Lines(id="help")
        text.entitle("LOG")
        yield text

    def begin(self) -> None:
        """Show the text; keys scroll it."""
        text = self.query_one(Lines)
        text.set_lines(log_lines(self._row))
        text.focus()

    def place_words(self) -> str:
        """Return the words for row 0."""
        return "LOG"

    def guide_words(self) -> str:
        """Say how to get back."""
        return "The station's own log. Esc goes back to where you were."
