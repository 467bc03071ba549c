"""Signals and a terminal that went away: end in order, and never spin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def catch_signals(leave: Callable[[], None]) -> None:
    """Call `leave` on SIGTERM and SIGHUP, so that the terminal is put back whole.

    Where the loop cannot take signals (a test in another thread) nothing is caught.
    """
    loop = asyncio.get_running_loop()
    for number in _ENDING_SIGNALS:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, leave)


def release_signals() -> None:
    """Give SIGTERM and SIGHUP back to what the process does by default."""
    loop = asyncio.get_running_loop()
    for number in _ENDING_SIGNALS:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(number)


def terminal_size() -> tuple[int, int] | None:
    """Return columns and rows of the terminal now, or None when there is none to ask."""
    try:
        columns, rows = os.get_terminal_size(sys.stdin.fileno())
    except (OSError, ValueError):
        return None
    return (columns, rows) if columns and rows else None


def terminal_gone() -> bool:
    """Return whether standard input hung up: textual's reader would spin on its end."""
    try:
        poll = select.poll()
        poll.register(sys.stdin.fileno(), 0)
        events = poll.poll(0)
    except (AttributeError, OSError, ValueError):
        return False
    return any(mask & (select.POLLHUP | select.POLLNVAL) for _, mask in events)
