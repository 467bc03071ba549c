"""The row above the footer that cannot be overlooked: exercise, or replay."""

from __future__ import annotations

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from hotline.tui.drawing import strip_of
from hotline.tui.literal import clean, fit
from hotline.tui.look import mode_style

EXERCISE_WORDS = "EXERCISE EXERCISE EXERCISE"


class ModeBand(Widget):
    """Shown in exercise and replay, on every screen; on a live line there is none."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="band")
        self._mode, self._words = "", ""

    def show(self, mode: str, words: str = "") -> None:
        """Take the mode; `words` are the replay's, an exercise has its own."""
        words = EXERCISE_WORDS if mode == "EXERCISE" else words
        if (mode, words) == (self._mode, self._words):
            return
        self._mode, self._words = mode, words
        self.set_class(bool(words), "-shown")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the words in the middle."""
        width = self.size.width
        base = self.visual_style + mode_style(self._mode)
        return strip_of(Content(fit(clean(self._words), width).center(width)), width, base)
