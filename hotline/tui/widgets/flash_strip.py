"""The FLASH strip under row 0: it stays until an officer has read the FLASH."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from hotline.core.times import format_span
from hotline.desk.views import FlashView
from hotline.tui.drawing import strip_of
from hotline.tui.literal import clean, pad
from hotline.tui.look import FLASH_STRIP


class FlashStrip(Widget):
    """Shows the oldest FLASH not acknowledged; never takes the focus."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="flash")
        self._flash: FlashView | None = None
        self._key_words = ""

    def show(self, flash: FlashView | None, key_words: str) -> None:
        """Take the FLASH, or None; `key_words` say what F8 does here, as in "F8 opens it"."""
        if (flash, key_words) == (self._flash, self._key_words):
            return
        self._flash, self._key_words = flash, key_words
        self.set_class(flash is not None, "-raised")
        self.refresh()

    def words(self, width: int) -> str:
        """Return the strip's text for `width` cells; what the key does is always there."""
        flash = self._flash
        if flash is None:
            return ""
        count = f" (1 of {flash.count})" if flash.count > 1 else ""
        right = f" {self._key_words}{count} "
        left = f"!! FLASH {clean(flash.token)} NOT READ {format_span(flash.waiting_ms)}"
        incident = f"  {clean(flash.incident)}" if flash.incident else ""
        left += f"  from {clean(flash.sender)}{incident}: {flash.headline}"
        return pad(left, width - cell_len(right)) + right

    def render_line(self, y: int) -> Strip:
        """Draw the strip."""
        base = self.visual_style + FLASH_STRIP
        return strip_of(Content(self.words(self.size.width)), self.size.width, base)
