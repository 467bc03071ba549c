"""The question before leaving: Cancel is marked first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from hotline.tui.actions import LEAVE
from hotline.tui.closing import Closing
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.push import Push


class LeaveScreen(FrameScreen):
    """Asks whether to leave the console, and says what that does to the line."""

    PLACE = LEAVE
    FOOTER = ("pane", "back")
    WORDS = {"pane": "Other button", "back": "Stay"}

    def __init__(self, closing: Closing | None) -> None:
        super().__init__()
        self._line = closing

    def guide_words(self) -> str:
        """Say how to choose."""
        return "Enter presses the marked button. Tab goes to the other one."

    def _question(self) -> str:
        if self._line is None:
            return "Leave the replay? The record is not changed."
        drafts = len(self.shell.drafts)
        kept = f" {drafts} draft{'s' if drafts > 1 else ''} not sent." if drafts else ""
        return f"Leave the console? {self._line.value}{kept}"

    def _warnings(self) -> list[str]:
        warnings = []
        if self.shell.post is not None and self.shell.view.flash is not None:
            warnings.append("! A FLASH is not read.")
        if self._line is Closing.STOPS:
            warnings.append("! Nobody at this station will then see what comes in.")
        return warnings

    def compose_body(self) -> ComposeResult:
        """Yield the question and two buttons."""
        yield Static(Content(self._question()), id="question", markup=False)
        for warning in self._warnings():
            yield Static(Content(warning), classes="warning", markup=False)
        with Horizontal(id="buttons"):
            yield Push("Cancel", id="cancel")
            yield Push("Leave", id="leave")

    def begin(self) -> None:
        """Mark Cancel."""
        self.query_one("#cancel").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Leave, or go back."""
        if event.button.id == "leave":
            self.shell.leave()
        else:
            self.shell.go_back()
