"""What a replay adds to a feed: a place in the record, and ways to move it."""

from __future__ import annotations

from typing import Protocol

from hotline.desk.port import Feed


class ReplayFeed(Feed, Protocol):
    """A feed as it stood after `position` of `length` recorded events.

    Moving calls what subscribers gave; positions outside 0..length are brought inside.
    """

    @property
    def position(self) -> int:
        """How many events have happened, 0 to `length`."""

    @property
    def length(self) -> int:
        """How many events the record holds."""

    def step(self, delta: int) -> None:
        """Go `delta` events on, or back when it is negative."""

    def jump(self, position: int) -> None:
        """Go to where `position` events have happened."""

    def event_words(self) -> str:
        """Say the event just replayed in one line, as in "NORTH recorded 7K2 at 14:31:26Z"."""
