"""A list of rows of equal height, drawn line by line: one widget however many rows."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hotline.tui.actions import move_bindings
from hotline.tui.drawing import strip_of, wrap_lines
from hotline.tui.literal import literal
from hotline.tui.look import QUIET, SELECTED, SELECTED_ASIDE
from hotline.tui.widgets.titled import Titled

Look = tuple[tuple[int, ...], Mapping[int, tuple[object, ...]]]


class Rows(Titled, ScrollView, can_focus=True):
    """Base of every list. A subclass gives the number of rows and draws one.

    Up, Down, PgUp, PgDn, Home, End move the mark; Enter posts `Opened`.
    """

    ROW_LINES = 1
    BINDINGS = [*move_bindings(), ("enter", "open", "Open")]
    selected: reactive[int] = reactive(0, init=False, repaint=False)

    _drawn: Look = ((), {})

    class Opened(Message):
        """Enter was pressed on row `index`."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> Rows:
            """The list it came from."""
            return self.rows

    class Marked(Message):
        """The mark moved to row `index`."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> Rows:
            """The list it came from."""
            return self.rows

    def row_count(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def row_lines(self, index: int, width: int, *, marked: bool) -> tuple[Content, ...]:
        """Return the ROW_LINES lines of row `index`, at most `width` cells each."""
        raise NotImplementedError

    def empty_words(self) -> str:
        """Say what to do when there is no row."""
        return "Nothing here."

    def rows_changed(self) -> None:
        """Lay out again after the rows changed; only those that look different are redrawn."""
        count = self.row_count()
        self.virtual_size = Size(self.size.width, count * self.ROW_LINES)
        self.selected = max(0, min(self.selected, count - 1))
        self._keep_in_sight()
        before, self._drawn = self._drawn, self._look()
        if before[0] != self._drawn[0]:
            self.refresh()
            return
        for index, lines in self._drawn[1].items():
            if before[1].get(index) != lines:
                self._refresh_row(index)

    def _look(self) -> Look:
        """Return what is in sight: the frame of it, and each row's lines by index."""
        width, height = self.size
        count, top = self.row_count(), self.scroll_offset.y
        first = top // self.ROW_LINES
        last = min(count, (top + height) // self.ROW_LINES + 1)
        rows = {
            index: tuple(
                (line.plain, tuple(line.spans))
                for line in self.row_lines(
                    index, width, marked=index == self.selected and self.has_focus
                )
            )
            for index in range(first, last)
        }
        return (width, height, count, top, self.selected), rows

    def on_resize(self, event: events.Resize) -> None:
        """Fit the rows to the new size."""
        self.rows_changed()

    def on_focus(self) -> None:
        """Draw the mark as the one that keys move."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the mark faintly."""
        self.refresh()

    def watch_selected(self, old: int, new: int) -> None:
        """Redraw the two rows that differ, and scroll when the new one is out of sight."""
        self._refresh_row(old)
        self._refresh_row(new)
        self._keep_in_sight()
        self.post_message(self.Marked(self, new))

    def _refresh_row(self, index: int) -> None:
        top = index * self.ROW_LINES - self.scroll_offset.y
        self.refresh(Region(0, top, self.size.width, self.ROW_LINES))

    def _keep_in_sight(self) -> None:
        height, top = self.size.height, self.scroll_offset.y
        first = self.selected * self.ROW_LINES
        if height < 1:
            return
        if first < top:
            self._scroll_to_line(first)
        elif first + self.ROW_LINES > top + height:
            self._scroll_to_line(first + self.ROW_LINES - height)

    def _scroll_to_line(self, line: int) -> None:
        self.scroll_to(y=max(line, 0), animate=False, force=True, immediate=True)

    def action_move(self, way: str) -> None:
        """Move the mark `way`: up, down, page_up, page_down, first or last."""
        page = max(1, self.size.height // self.ROW_LINES - 1)
        last = self.row_count() - 1
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page}
        target = {"first": 0, "last": last}.get(way, self.selected + steps.get(way, 0))
        self.selected = max(0, min(target, last))

    def action_open(self) -> None:
        """Open the marked row."""
        if self.row_count():
            self.post_message(self.Opened(self, self.selected))

    def render_line(self, y: int) -> Strip:
        """Draw line `y` of what is in sight."""
        width, base = self.size.width, self.visual_style
        count = self.row_count()
        if not count:
            words = wrap_lines([literal(self.empty_words(), QUIET)], width)
            return strip_of(words[y] if y < len(words) else Content(), width, base)
        index, part = divmod(y + self.scroll_offset.y, self.ROW_LINES)
        if index >= count:
            return strip_of(Content(), width, base)
        marked = index == self.selected
        lines = self.row_lines(index, width, marked=marked and self.has_focus)
        line = lines[part] if part < len(lines) else Content()
        if marked and self.has_focus:
            # One colour for the marked row: warning colours do not read on its background.
            line, base = Content(line.plain), base + SELECTED
        elif marked:
            base = base + SELECTED_ASIDE
        return strip_of(line, width, base)
