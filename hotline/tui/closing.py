"""What leaving the console does to the line."""

from __future__ import annotations

from enum import StrEnum


class Closing(StrEnum):
    """As the question to the officer says it."""

    GOES_ON = "The line goes on."
    STOPS = "The line then stops."
