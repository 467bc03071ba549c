"""Running clocks in words that a tired person reads the same way every time."""

from __future__ import annotations

from hotline.core.times import format_span

_MINUTE_MS = 60_000
_SECONDS_SHOWN_BELOW_MS = 10 * _MINUTE_MS
"""Seconds are shown only for the last ten minutes: a calmer screen, fewer bytes on the line."""


def _span_words(span_ms: int) -> str:
    if span_ms < _SECONDS_SHOWN_BELOW_MS:
        return format_span(span_ms)
    minutes = span_ms // _MINUTE_MS
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d}" if hours < 48 else f"{hours // 24} days"


def due_words(due_ms: int, now_ms: int) -> str:
    """Say how far off a deadline is: "T-08:19", "T-41 min", "LATE 02:10"."""
    left_ms = due_ms - now_ms
    if left_ms < 0:
        return f"LATE {_span_words(-left_ms)}"
    return f"T-{_span_words(left_ms)}"
