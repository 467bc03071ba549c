"""A screen that is one text to read, which may change while it is read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from hotline.desk.views import WatchView
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.lines import Lines


class ReadingScreen(FrameScreen):
    """One text, which the keys scroll.

    Attributes:
        TITLE_WORDS: Stand over the text and in row 0.
    """

    TITLE_WORDS: ClassVar[str]

    def compose_body(self) -> ComposeResult:
        """Yield the text."""
        text = Lines(id=self.TITLE_WORDS.lower())
        text.entitle(self.TITLE_WORDS)
        yield text

    def begin(self) -> None:
        """Keys scroll the text."""
        self.query_one(Lines).focus()

    def show(self, view: WatchView) -> None:
        """Bring the text up to date."""
        self.query_one(Lines).set_lines(self.lines())

    def place_words(self) -> str:
        """Return the words for row 0."""
        return self.TITLE_WORDS

    @abstractmethod
    def lines(self) -> Sequence[Content]:
        """Return the text as it is now."""
