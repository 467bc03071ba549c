"""Whether a person sits at a terminal that a console can be drawn on."""

from __future__ import annotations

import os
import sys


def has_terminal() -> bool:
    """Return whether input and output are a terminal with a size and some abilities."""
    streams = (sys.stdin, sys.stdout)
    if not all(stream is not None and stream.isatty() for stream in streams):
        return False
    able = os.environ.get("TERM", "dumb") != "dumb"
    return able and os.get_terminal_size(sys.stdout.fileno()).columns > 0
