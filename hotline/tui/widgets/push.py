"""A button whose mark is a sign, not only a colour."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Button


class Push(Button):
    """Shows "> words <" while Enter would press it."""

    def __init__(self, words: str, *, id: str, disabled: bool = False) -> None:
        super().__init__(Content(f"[ {words} ]"), id=id, disabled=disabled, compact=True)
        self._words = words
        # The usual 0.2 s of looking pressed would swallow the next press.
        self.active_effect_duration = 0

    def _on_focus(self, event: events.Focus) -> None:
        self.label = Content(f"> {self._words} <")

    def _on_blur(self, event: events.Blur) -> None:
        self.label = Content(f"[ {self._words} ]")
