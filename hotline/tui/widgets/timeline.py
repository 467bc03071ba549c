"""The timeline: two lines a row, read from the feed by pages, however long it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from textual.content import Content

from hotline.core.times import format_clock
from hotline.desk.views import TimelineRow
from hotline.tui.drawing import line_of
from hotline.tui.literal import fit, pad
from hotline.tui.look import PLAIN, QUIET, direction_word, mark_style, precedence_symbol
from hotline.tui.widgets.rows import Rows

PAGE_ROWS = 64
MAX_PAGES = 8
"""Pages kept: a console holds at most 512 rows of the timeline in memory."""

MAX_NAME_CELLS = 20
"""Of the line's name in the title, so that the place in the timeline fits beside it."""

_SECONDS_FIT_CELLS = 50
"""Narrower than this a row shows hours and minutes, so that READ BY OFFICER fits."""

ReadRows = Callable[[int, int], tuple[TimelineRow, ...]]


def timeline_lines(row: TimelineRow, width: int, *, marked: bool) -> tuple[Content, Content]:
    """Return the two lines of a row: when and what state, then what it says."""
    urgency = f"{precedence_symbol(row.precedence):>2}{row.precedence}".rstrip()
    state = f"{row.symbol.strip() or ' '} {row.state_word}"
    clock = format_clock(row.at_ms)
    clock = clock if width >= _SECONDS_FIT_CELLS else f"{clock[:5]}Z"
    head = f"{'>' if marked else ' '}{clock} {direction_word(row.direction)}"
    named = f" {pad(urgency, 11)} {pad(row.token, 3)} " if row.digest else " "
    state = fit(state.strip() if not row.digest else state, width - len(head) - len(named))
    style = mark_style(row.mark)
    incident = f"{row.incident}  " if row.incident else ""
    first = line_of((head, QUIET), (named, style), (state, style))
    return first, line_of((fit(f"   {incident}{row.headline}", width), PLAIN))


class Timeline(Rows):
    """The whole timeline, oldest first; at the end it follows what comes in."""

    ROW_LINES = 2

    def __init__(self, read_rows: ReadRows, *, can_write: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self._read_rows, self._can_write = read_rows, can_write
        self._length, self._line = 0, ""
        self._pages: OrderedDict[int, tuple[TimelineRow, ...]] = OrderedDict()
        self.entitle("TIMELINE")

    def row_count(self) -> int:
        """Return how many rows the feed has."""
        return self._length

    def show(self, length: int, line: str = "") -> None:
        """Take the feed's length and forget cached pages: any row's state may have changed.

        Args:
            line: The line's name, for the title; a name is letters, digits and "-".
        """
        self._line = fit(line, MAX_NAME_CELLS)
        at_end = self.selected >= self._length - 1
        self._length = length
        self._pages.clear()
        if at_end and self.selected != max(0, length - 1):
            self.set_reactive(Rows.selected, length - 1)
        self.rows_changed()
        self._say_place()

    def row(self, index: int) -> TimelineRow | None:
        """Return row `index`, read with its page; None when the feed has none."""
        page, place = divmod(index, PAGE_ROWS)
        rows = self._pages.get(page)
        if rows is None:
            rows = self._read_rows(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)
            self._pages[page] = rows
            while len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        self._pages.move_to_end(page)
        return rows[place] if 0 <= place < len(rows) else None

    def marked_row(self) -> TimelineRow | None:
        """Return the marked row, or None when there is no row."""
        return self.row(self.selected) if self._length else None

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return both lines of row `index`."""
        row = self.row(index)
        return (Content(), Content()) if row is None else timeline_lines(row, width, marked=marked)

    def empty_words(self) -> str:
        """Say how to begin."""
        write = " F3 writes one." if self._can_write else ""
        return f"No statement yet, in or out.{write}"

    def watch_selected(self, old: int, new: int) -> None:
        """Also say where in the timeline the mark is."""
        super().watch_selected(old, new)
        self._say_place()

    def _say_place(self) -> None:
        place = "end" if self.selected >= self._length - 1 else f"at {self.selected + 1}"
        words = f"TIMELINE {self._line}".rstrip()
        self.entitle(f"{words} {self._length} ({place})" if self._length else words)
