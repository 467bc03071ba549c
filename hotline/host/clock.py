"""Time, from the operating system: the wall clock and one that never goes back."""

from __future__ import annotations

import time


def system_clock() -> int:
    """Return milliseconds since 1970, UTC; implements `hotline.core.seams.Clock`."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Return seconds on a clock that only goes forward; its zero means nothing."""
    return time.monotonic()
