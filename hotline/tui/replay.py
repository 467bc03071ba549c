"""The replay: the console's own screens over a record, read-only, moved by keys."""

from __future__ import annotations

from textual.timer import Timer

from hotline.core.seams import Clock
from hotline.tui.actions import REPLAY_ACTIONS, Action, app_bindings
from hotline.tui.closing import Closing
from hotline.tui.literal import clean
from hotline.tui.replay_port import ReplayFeed
from hotline.tui.roaming import Roaming
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.incident import IncidentScreen
from hotline.tui.screens.watch import WatchScreen

LEAP_EVENTS = 10
EVENT_EVERY_S = 1.0
"""Pace of playing: one event a second, whatever time lay between them."""

_BAR_CELLS = 30


class ReplayApp(Roaming):
    """A console without a post. `feed` says where in the record it stands."""

    ACTIONS = REPLAY_ACTIONS
    BINDINGS = [*app_bindings(REPLAY_ACTIONS)]

    def __init__(self, feed: ReplayFeed, *, ascii: bool = False, clock: Clock) -> None:
        super().__init__(feed, None, ascii=ascii, clock=clock, closing=Closing.GOES_ON)
        self.record = feed
        self._player: Timer | None = None

    @property
    def playing(self) -> bool:
        """Whether the record moves on by itself."""
        return self._player is not None

    def guidance(self) -> str:
        """Say the event that the record stands at, where the record can be stepped through."""
        if not isinstance(self.frame, (WatchScreen, IncidentScreen)):
            return ""
        if not self.record.position:
            return "Before the first event. Right steps on, Space plays."
        return clean(self.record.event_words())

    def band_words(self) -> str:
        """Draw where in the record it stands."""
        position, length = self.record.position, self.record.length
        done = _BAR_CELLS * position // length if length else 0
        bar = f"[{'=' * done}{'-' * (_BAR_CELLS - done)}]"
        word = "PLAYING" if self.playing else "PAUSED"
        return f"REPLAY read-only  {bar}  event {position} of {length}  {word}"

    def footer_word(self, frame: FrameScreen, action: Action) -> str:
        """Return the word for `action`; Space says what it will do."""
        if action.id == "play":
            return "Pause" if self.playing else "Play"
        return super().footer_word(frame, action)

    def _moved(self) -> None:
        self.refresh_view()

    def _step(self, delta: int) -> None:
        self._pause()
        self.record.step(delta)
        self._moved()

    def do_step_on(self) -> None:
        """Right."""
        self._step(1)

    def do_step_back(self) -> None:
        """Left."""
        self._step(-1)

    def do_leap_on(self) -> None:
        """PgDn."""
        self._step(LEAP_EVENTS)

    def do_leap_back(self) -> None:
        """PgUp."""
        self._step(-LEAP_EVENTS)

    def do_to_start(self) -> None:
        """Home."""
        self._step(-self.record.position)

    def do_to_end(self) -> None:
        """End."""
        self._pause()
        self.record.jump(self.record.length)
        self._moved()

    def do_play(self) -> None:
        """Space."""
        if self.playing:
            self._pause()
        else:
            self._player = self.set_interval(EVENT_EVERY_S, self._play_on)
        self._moved()

    def _pause(self) -> None:
        if self._player is not None:
            self._player.stop()
            self._player = None

    def _play_on(self) -> None:
        if self.record.position >= self.record.length:
            self._pause()
        else:
            self.record.step(1)
        self._moved()
