"""Picking one value from a list: for choice fields with many values."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult

from hotline.tui.actions import PICK
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.pick_list import PickList
from hotline.tui.widgets.rows import Rows


class PickScreen(FrameScreen):
    """Enter takes the marked value; Esc leaves the field as it was."""

    PLACE = PICK
    FOOTER = ("open", "back")
    WORDS = {"open": "Take it"}

    def __init__(
        self, title: str, choices: tuple[tuple[str, str], ...], chosen: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def place_words(self) -> str:
        """Name the screen."""
        return "CHOOSE"

    def guide_words(self) -> str:
        """Say how to take one."""
        return "Up and Down mark a value, Enter takes it, Esc leaves the field as it was."

    def compose_body(self) -> ComposeResult:
        """Yield the list."""
        yield PickList(self._title, self._choices)

    def begin(self) -> None:
        """Keys go to the list."""
        self.query_one(PickList).focus()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Hand the value over and go back."""
        self.shell.go_back()
        self._chosen(self._choices[message.index][0])
