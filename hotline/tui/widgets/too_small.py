"""What stands in place of a screen when the terminal is under 80x24."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

MIN_COLUMNS = 80
MIN_ROWS = 24


class TooSmall(Static):
    """Says how large the terminal must be; row 0 and the FLASH strip stay above it."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(
            Content(f"need {MIN_COLUMNS}x{MIN_ROWS}: make the window larger"),
            id="too-small",
            markup=False,
        )
