"""The alarm line: what stands until it is over, on every screen; it never takes the focus."""

from __future__ import annotations

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from hotline.tui.drawing import strip_of
from hotline.tui.literal import pad
from hotline.tui.look import ALARM_STRIP


class AlarmStrip(Widget):
    """Shows the desk's alarm line while there is one."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="alarm")
        self._words = ""

    def show(self, words: str) -> None:
        """Take the line, or "" when nothing stands."""
        if words != self._words:
            self._words = words
            self.set_class(bool(words), "-raised")
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        base = self.visual_style + ALARM_STRIP
        return strip_of(Content(pad(f"!! {self._words}", width)), width, base)
