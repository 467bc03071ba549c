"""The last row: which key does what on this screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from hotline.tui.drawing import line_of, strip_of
from hotline.tui.literal import clean
from hotline.tui.look import KEY, PLAIN

_ROOMY_COLUMNS = 100


class FooterRow(Widget):
    """Draws (key, word) pairs; under 100 columns without blanks between key and word."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._keys: tuple[tuple[str, str], ...] = ()

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """Take the pairs, in the order to draw."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def line(self, width: int) -> Content:
        """Return the footer for `width` cells; pairs that do not fit are left out."""
        roomy = width >= _ROOMY_COLUMNS
        content, used = line_of(" "), 1
        for key, word in self._keys:
            joint = " " if roomy else ("" if key.startswith("F") else ":")
            gap = "  " if roomy else " "
            cells = cell_len(f"{key}{joint}{clean(word)}{gap}")
            if used + cells - len(gap) > width:
                break
            content = content + line_of((key, KEY), (f"{joint}{clean(word)}{gap}", PLAIN))
            used += cells
        return content

    def render_line(self, y: int) -> Strip:
        """Draw the row."""
        return strip_of(self.line(self.size.width), self.size.width, self.visual_style)
