"""The box for the four-character code: it must be typed, a paste does not count."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

CODE_CHARACTERS = 4


class CodeBox(Input):
    """Takes CODE_CHARACTERS typed characters."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False, max_length=CODE_CHARACTERS)
        self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()

    def action_paste(self) -> None:
        """Ignore the paste key too."""
