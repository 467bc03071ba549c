"""Which packet of a start of the peer is new: a window of counters. Pure.

Spec: docs/protocol.md §7.35
"""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.errors import PeerError

MAX_BEHIND = 4_096
"""How far behind the newest one a packet may come; more than a full mailbox holds."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What came of one start of a peer.

    Attributes:
        newest: The highest counter that came.
        came: Bit n is set where `newest` - n came.
    """

    newest: int
    came: int = 1

    def after(self, counter: int) -> Counters:
        """Return what came, that one included.

        Raises:
            PeerError: it came before, or is so old that nobody knows.
        Spec: docs/protocol.md §7.35
        """
        ahead = counter - self.newest
        if ahead > 0:
            # What would fall out at the far end is not shifted in: a peer counts as it likes.
            kept = self.came << ahead if ahead <= MAX_BEHIND else 0
            return Counters(counter, (kept | 1) & ((1 << MAX_BEHIND) - 1))
        if -ahead >= MAX_BEHIND:
            raise PeerError("a packet came too long after newer ones")
        if self.came >> -ahead & 1:
            raise PeerError("a packet came a second time")
        return Counters(self.newest, self.came | 1 << -ahead)
