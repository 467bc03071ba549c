"""Text that wraps and scrolls, and knows whether its end has been on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hotline.tui.actions import move_bindings
from hotline.tui.drawing import strip_of, wrap_lines
from hotline.tui.widgets.titled import Titled


class Lines(Titled, ScrollView, can_focus=True):
    """Read-only text. `SeenToEnd` is posted once its last needed line was in sight."""

    BINDINGS = [*move_bindings()]

    class SeenToEnd(Message):
        """All that must be read has been on the screen."""

        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Lines:
            """The text it came from."""
            return self.lines

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._source: tuple[Content, ...] = ()
        self._needed = 0
        self._wrapped: list[Content] = []
        self._needed_wrapped = 0
        self.seen = False

    def set_lines(self, lines: Sequence[Content], *, needed: int | None = None) -> None:
        """Show `lines`; the first `needed` of them (all, when None) must be seen.

        The same lines again change nothing, so a reader keeps the place.
        """
        source = tuple(lines)
        needed = len(source) if needed is None else needed
        if needed == self._needed and _alike(source, self._source):
            return
        if _plain(source[:needed]) != _plain(self._source[: self._needed]):
            self.seen = False
        self._source, self._needed = source, needed
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.size.width
        if width < 2:
            return
        self._needed_wrapped = len(wrap_lines(self._source[: self._needed], width))
        self._wrapped = wrap_lines(self._source, width)
        self.virtual_size = Size(width, len(self._wrapped))
        self.refresh()
        self._look()

    def _look(self) -> None:
        end = self.scroll_offset.y + self.size.height
        shown = self._needed_wrapped and self.size.height and end >= self._needed_wrapped
        if shown and not self.seen:
            self.seen = True
            self.post_message(self.SeenToEnd(self))

    @property
    def hidden_below(self) -> int:
        """How many wrapped lines are below what is in sight."""
        return max(0, len(self._wrapped) - self.scroll_offset.y - self.size.height)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap to the new width."""
        self._lay_out()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scroll, and note what has been seen."""
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def action_move(self, way: str) -> None:
        """Scroll `way`: up, down, page_up, page_down, first or last."""
        page = max(1, self.size.height - 1)
        top, last = self.scroll_offset.y, len(self._wrapped)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page}
        target = {"first": 0, "last": last}.get(way, top + steps.get(way, 0))
        self.scroll_to(y=max(target, 0), animate=False, force=True, immediate=True)

    def render_line(self, y: int) -> Strip:
        """Draw line `y` of what is in sight."""
        index = y + self.scroll_offset.y
        line = self._wrapped[index] if index < len(self._wrapped) else Content()
        return strip_of(line, self.size.width, self.visual_style)


def _plain(lines: Sequence[Content]) -> list[str]:
    return [line.plain for line in lines]


def _alike(one: Sequence[Content], other: Sequence[Content]) -> bool:
    return len(one) == len(other) and all(a.is_same(b) for a, b in zip(one, other, strict=True))
