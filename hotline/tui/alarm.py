"""When the bell rings for a FLASH, and when a key is too early to be meant."""

from __future__ import annotations

from dataclasses import dataclass

BELL_EVERY_MS = 5_000
KEY_GUARD_MS = 300
"""A key this soon after a FLASH came up was on its way before: it was meant for another thing."""


@dataclass(slots=True)
class FlashAlarm:
    """The alarm of the oldest unacknowledged FLASH, by its digest; "" when there is none."""

    digest: str = ""
    appeared_ms: int = 0
    rung_ms: int = 0

    def show(self, digest: str, now_ms: int) -> bool:
        """Take note of which FLASH the strip shows; return whether the bell must ring now."""
        if digest != self.digest:
            self.digest, self.appeared_ms = digest, now_ms
            self.rung_ms = now_ms - BELL_EVERY_MS
        if not digest or now_ms - self.rung_ms < BELL_EVERY_MS:
            return False
        self.rung_ms = now_ms
        return True

    def guards(self, now_ms: int) -> bool:
        """Return whether a committing key at `now_ms` must be ignored."""
        return bool(self.digest) and now_ms - self.appeared_ms < KEY_GUARD_MS
