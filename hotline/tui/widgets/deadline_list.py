"""The clocks that run: ours to act on, or the other station's."""

from __future__ import annotations

from textual.content import Content

from hotline.desk.views import DeadlineRow
from hotline.tui.clocks import due_words
from hotline.tui.drawing import line_of
from hotline.tui.literal import fit
from hotline.tui.look import FAULT, PLAIN, QUIET, WARNING
from hotline.tui.widgets.rows import Rows


class DeadlineList(Rows):
    """Shows when each clock runs out, who must act, and on what."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[DeadlineRow, ...] = ()
        self._now_ms = 0
        self.entitle("DEADLINES")

    def show(self, rows: tuple[DeadlineRow, ...], now_ms: int) -> None:
        """Take the clocks, nearest first."""
        self._rows, self._now_ms = rows, now_ms
        self.rows_changed()

    def row_count(self) -> int:
        """Return how many clocks run."""
        return len(self._rows)

    def digest_at(self, index: int) -> str:
        """Return the digest of the statement that the clock is about."""
        return self._rows[index].digest

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return one line: clock, whose it is, the statement, what is to be done."""
        row = self._rows[index]
        who = "YOU " if row.ours else "THEY"
        late = row.overdue or row.due_ms < self._now_ms
        style = FAULT if late else WARNING if row.ours else PLAIN
        clock = f"{'>' if marked else ' '}{due_words(row.due_ms, self._now_ms):10} {who} "
        label = fit(f"{row.label} {row.word}", width - len(clock))
        return (line_of((clock, style), (label, QUIET if not row.ours else PLAIN)),)

    def empty_words(self) -> str:
        """Say that no clock runs."""
        return "No clock is running."
