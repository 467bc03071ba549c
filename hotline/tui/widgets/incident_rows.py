"""The statements of one incident, drawn as the timeline draws them."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content

from hotline.desk.views import TimelineRow
from hotline.tui.widgets.rows import Rows
from hotline.tui.widgets.timeline import timeline_lines


class IncidentRows(Rows):
    """A short timeline that the incident's view brings whole."""

    ROW_LINES = 2

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[TimelineRow, ...] = ()
        self.entitle("MESSAGES")

    def show(self, rows: tuple[TimelineRow, ...]) -> None:
        """Take the rows, oldest first; a mark on the last one follows what comes in."""
        if rows == self._rows:
            return
        at_end = self.selected >= len(self._rows) - 1
        self._rows = rows
        if at_end:
            self.set_reactive(Rows.selected, max(0, len(rows) - 1))
        self.entitle(f"MESSAGES {len(rows)}")
        self.rows_changed()

    def marked_row(self) -> TimelineRow | None:
        """Return the marked row, or None when there is none."""
        return self._rows[self.selected] if self.selected < len(self._rows) else None

    def row_count(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return both lines, without the incident's name: the screen has it."""
        row = replace(self._rows[index], incident="")
        return timeline_lines(row, width, marked=marked)

    def empty_words(self) -> str:
        """Say that nothing was said."""
        return "No statement in this incident yet."
