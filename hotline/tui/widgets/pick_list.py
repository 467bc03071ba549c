"""A list of values to take one from."""

from __future__ import annotations

from textual.content import Content

from hotline.tui.literal import fit, literal
from hotline.tui.look import PLAIN
from hotline.tui.widgets.rows import Rows


class PickList(Rows):
    """One line a value, in the words that the desk gives for it."""

    def __init__(self, title: str, choices: tuple[tuple[str, str], ...]) -> None:
        super().__init__(id="values")
        self._choices = choices
        self.entitle(title)

    def on_mount(self) -> None:
        """Lay out the rows."""
        self.rows_changed()

    def row_count(self) -> int:
        """Return how many values there are."""
        return len(self._choices)

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return the value's words."""
        words = self._choices[index][1]
        return (literal(fit(f"{'>' if marked else ' '} {words}", width), PLAIN),)
