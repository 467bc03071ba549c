"""The incidents that are open, two lines each."""

from __future__ import annotations

from textual.content import Content

from hotline.desk.views import IncidentRow
from hotline.tui.clocks import due_words
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, fit, pad
from hotline.tui.look import QUIET, mark_style, mark_symbol
from hotline.tui.widgets.rows import Rows


class IncidentList(Rows):
    """Shows each incident's name, whether it needs you, its nearest clock and its ladder."""

    ROW_LINES = 2

    def __init__(self, *, can_write: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[IncidentRow, ...] = ()
        self._now_ms = 0
        self._can_write = can_write
        self.entitle("INCIDENTS")

    def show(self, rows: tuple[IncidentRow, ...], need_you: int, now_ms: int) -> None:
        """Take the incidents; the mark stays on the incident that it was on."""
        name = self.marked_name()
        self._rows, self._now_ms = rows, now_ms
        names = [row.name for row in rows]
        if name in names:
            self.set_reactive(Rows.selected, names.index(name))
        wanting = f", {need_you} need you" if need_you else ""
        self.entitle(f"INCIDENTS {len(rows)}{wanting}" if rows else "INCIDENTS")
        self.rows_changed()

    def marked_name(self) -> str | None:
        """Return the marked incident's name, or None when there is none."""
        return self._rows[self.selected].name if self.selected < len(self._rows) else None

    def row_count(self) -> int:
        """Return how many incidents there are."""
        return len(self._rows)

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return name and clock, then state and title."""
        row = self._rows[index]
        style = mark_style(row.mark)
        clock = "" if row.next_due_ms is None else due_words(row.next_due_ms, self._now_ms)
        head = f"{'>' if marked else ' '}{mark_symbol(row.mark):2} {clean(row.name)}"
        you = " YOU" if row.needs_you else ""
        first = pad(head, width - len(clock) - len(you) - 1)
        words = "  ".join(word for word in (row.ladder_word or row.state_word, row.title) if word)
        return (
            line_of((f"{first}{you} {clock}", style)),
            line_of((fit(f"    {words}", width), QUIET)),
        )

    def empty_words(self) -> str:
        """Say how an incident begins."""
        return "No incidents. F3 writes a statement." if self._can_write else "No incidents yet."
