"""The line that says LOCKED, on every screen of a locked desk; it never takes the focus."""

from __future__ import annotations

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from hotline.core.times import format_clock
from hotline.desk.views import LockView
from hotline.tui.drawing import strip_of
from hotline.tui.literal import clean, pad
from hotline.tui.look import LOCK_STRIP


class LockStrip(Widget):
    """Shows since when the desk is locked, and who unlocks it."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="locked")
        self._lock: LockView | None = None

    def show(self, lock: LockView | None) -> None:
        """Take the lock, or None while the desk is open."""
        if lock != self._lock:
            self._lock = lock
            self.set_class(lock is not None, "-raised")
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width, words = self.size.width, ""
        if self._lock is not None:
            since = format_clock(self._lock.since_ms)
            words = f"## LOCKED since {since}: only {clean(self._lock.who)} unlocks it"
        return strip_of(Content(pad(words, width)), width, self.visual_style + LOCK_STRIP)
