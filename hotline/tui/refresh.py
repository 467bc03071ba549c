"""Many changes, few refreshes: at most 20 a second however often the desk calls."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App
from textual.message import Message

REFRESH_EVERY_S = 0.05


class Changed(Message):
    """The desk has something new; the only thing its callback does is post this."""


class Coalescer:
    """Turns any number of calls of `changed` into one `refresh` each REFRESH_EVERY_S."""

    def __init__(self, app: App[int], refresh: Callable[[], None]) -> None:
        self._app = app
        self._refresh = refresh
        self._waiting = False
        self.refreshes = 0

    def changed(self) -> None:
        """Take note of a change; safe from any thread, cheap when called often."""
        if not self._waiting:
            self._waiting = True
            self._app.post_message(Changed())

    def start_timer(self) -> None:
        """Refresh a moment from now (called by the app's handler of `Changed`)."""
        self._app.set_timer(REFRESH_EVERY_S, self._fire)

    def _fire(self) -> None:
        self._waiting = False
        self.refreshes += 1
        self._refresh()
