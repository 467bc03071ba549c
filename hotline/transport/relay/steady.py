"""The time by which cells expire: a jump of the wall clock alone destroys nothing.

Spec: docs/transport.md §9.5
"""

from __future__ import annotations

from collections.abc import Callable

from hotline.core.seams import Clock
from hotline.transport.route import Monotonic

MAX_DRIFT_MS = 5_000
HOLD_S = 3_600.0
"""A wall clock that stays elsewhere for so long is believed."""


class SteadyClock:
    """Follows the wall clock in small steps; implements `hotline.core.seams.Clock`.

    After a larger one it goes on by the monotonic clock for an hour, in which
    somebody can put the wall clock right.
    """

    def __init__(self, wall: Clock, monotonic: Monotonic, on_jump: Callable[[int], None]) -> None:
        """Begin at the wall clock's time; `on_jump` takes each jump in milliseconds."""
        self._wall, self._monotonic, self._on_jump = wall, monotonic, on_jump
        self._base_ms, self._began_s = wall(), monotonic()
        self._away_since_s: float | None = None

    def __call__(self) -> int:
        """Return milliseconds since 1970, UTC, as far as they can be believed."""
        now_s = self._monotonic()
        steady_ms = self._base_ms + int((now_s - self._began_s) * 1_000)
        off_ms = self._wall() - steady_ms
        if abs(off_ms) > MAX_DRIFT_MS and self._is_held(now_s, off_ms):
            return steady_ms
        self._away_since_s = None
        self._base_ms += off_ms
        return steady_ms + off_ms

    def _is_held(self, now_s: float, off_ms: int) -> bool:
        if self._away_since_s is None:
            self._away_since_s = now_s
            self._on_jump(off_ms)
        return now_s - self._away_since_s < HOLD_S
