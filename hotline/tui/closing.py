"""What leaving the console does to the line."""

from __future__ import annotations

from enum import StrEnum


class Closing(StrEnum):
    """As the question to the officer says it."""

    GOES_ON = "the line goes on"
    STOPS = "the line stops"
