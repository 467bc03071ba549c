"""What one client may cost a relay, decided before anything expensive is done for it.

Spec: docs/transport.md §9.7
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.link import Timings
from hotline.transport.route import Monotonic

MAX_ADDRESSES = 4_096
"""Addresses whose failures are remembered; the one that was quiet longest goes first."""

FAILURES_KEPT_S = 60.0
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of a relay that an operator or a test may set.

    Attributes:
        strangers: Connections that have not authenticated, in all.
        strangers_per_address: The same, of one address.
        sessions: Authenticated sessions, in all.
        failures_per_minute: Refused AUTHs of one address before it is not listened to.
        auth_timeout_s: From the open websocket to a valid AUTH.
        frames_per_s: Frames that a session may send, on average.
        burst: Frames that it may send at once.
        window_cells: Cells unanswered in one direction.
        window_bytes: Their bytes.
        max_body_bytes: The longest cell that is taken.
        keep_s: The longest time that a cell is kept.
        boxes: Mailboxes that one session may subscribe to.
        timings: Waits of the socket.
    """

    strangers: int = 64
    strangers_per_address: int = 4
    sessions: int = 10_000
    failures_per_minute: int = 10
    auth_timeout_s: float = 5.0
    frames_per_s: float = 50.0
    burst: int = 200
    window_cells: int = 64
    window_bytes: int = 1_048_576
    max_body_bytes: int = MAX_CELL_BYTES
    keep_s: int = 14 * DAY_S
    boxes: int = 64
    timings: Timings = field(default_factory=Timings)


class Bucket:
    """A session's allowance of frames: `burst` at once, `rate` a second after that."""

    def __init__(self, rate: float, burst: int, clock: Monotonic) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._left, self._seen = float(burst), clock()

    def wait_s(self) -> float:
        """Take one; return how long its sender has to be kept waiting for it."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._seen) * self._rate)
        self._seen = now
        self._left -= 1.0
        return max(0.0, -self._left / self._rate)


class Failures:
    """Counts refused AUTHs by address, in bounded memory, each for a minute."""

    def __init__(self, limit: int, clock: Monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, address: str) -> None:
        """Count one failure of `address`."""
        now = self._clock()
        began, count = self._seen.pop(address, (now, 0))
        if now - began >= FAILURES_KEPT_S:
            began, count = now, 0
        self._seen[address] = (began, count + 1)
        while len(self._seen) > MAX_ADDRESSES:
            self._seen.popitem(last=False)

    def is_over(self, address: str) -> bool:
        """Return whether `address` failed too often within the last minute."""
        began, count = self._seen.get(address, (0.0, 0))
        return count >= self._limit and self._clock() - began < FAILURES_KEPT_S
