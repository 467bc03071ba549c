"""The row that ^O brings up: the next letter does what an F-key does."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from hotline.tui.actions import Action
from hotline.tui.drawing import line_of
from hotline.tui.look import KEY, PLAIN


class ChordScreen(ModalScreen[str | None]):
    """Returns the id of the chosen action, or None when another key came."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self._letters = {action.letter: action for action in actions}

    def compose(self) -> ComposeResult:
        """Yield one row over the footer; the screen below stays in sight."""
        row = line_of((" ^O then ", PLAIN))
        for letter, action in self._letters.items():
            row = row + line_of((letter.upper(), KEY), (f" {action.word}  ", PLAIN))
        yield Static(row, id="chord", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Take exactly one key."""
        event.stop()
        event.prevent_default()
        action = self._letters.get(event.key.removeprefix("ctrl+").lower())
        self.dismiss(action.id if action else None)

    def on_paste(self, event: events.Paste) -> None:
        """A paste is never a command."""
        event.stop()
        self.dismiss(None)
