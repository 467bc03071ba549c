"""Border titles as literal text, redrawn only when the words change."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from hotline.tui.literal import clean


class Titled(Widget):
    """Mixed into a pane: `entitle` sets its title and what stands at its lower edge."""

    _words: tuple[str, str] | None = None

    def entitle(self, title: str, under: str = "") -> None:
        """Set both; the same words again draw nothing."""
        if self._words != (title, under):
            self._words = (title, under)
            self.border_title = Text(clean(title))
            self.border_subtitle = Text(clean(under))
