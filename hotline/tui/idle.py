"""How long an officer has pressed no key: what comes in by the line does not count."""

from __future__ import annotations


class Idle:
    """Adds up time between looks, so that a clock that is put back hides none of it.

    One that is put forward, or a machine that slept, adds all of it: rather locked too early.
    """

    def __init__(self, now_ms: int) -> None:
        """Begin now."""
        self._looked_ms, self._ms = now_ms, 0

    def pressed(self, now_ms: int) -> None:
        """The officer pressed a key, or pasted."""
        self._looked_ms, self._ms = now_ms, 0

    def span_ms(self, now_ms: int) -> int:
        """Return how long no key was pressed."""
        self._ms += max(0, now_ms - self._looked_ms)
        self._looked_ms = now_ms
        return self._ms
