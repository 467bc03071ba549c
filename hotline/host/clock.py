"""Time, from the operating system: the wall clock and one that never goes back."""

from __future__ import annotations

import ctypes
import time

_TIMEX_BYTES = 512
"""More than the kernel's struct timex takes on any machine."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


def system_clock() -> int:
    """Return milliseconds since 1970, UTC; implements `hotline.core.seams.Clock`."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Return seconds on a clock that only goes forward; its zero means nothing."""
    return time.monotonic()


def is_clock_kept() -> bool | None:
    """Return whether a time server keeps the system clock, as the kernel knows; None: unknown."""
    try:
        asked = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    # The first word of the buffer says what to change: 0, nothing.
    state = asked(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR
