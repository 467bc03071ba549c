"""What one caller may cost a listener, decided before anything expensive is done for it.

Spec: docs/transport.md §5.10, §5.11, §9.7
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from hotline.transport.route import Monotonic

MAX_ADDRESSES = 4_096
"""Addresses whose failures are remembered; the one that was quiet longest goes first."""

FAILURES_KEPT_S = 60.0
FAILURES_PER_MINUTE = 10
"""Refused AUTHs of one address before it is not listened to."""

TOO_MANY_FAILURES = 429
"""The HTTP answer to an address whose callers failed too often."""

FRAMES_PER_S, BURST_FRAMES = 50.0, 200
"""Frames that a session may send on average, and at once."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one end reads of the other without letting it wait.

    Attributes:
        frames_per_s: On average.
        burst: At once.
        failures_per_minute: Refused AUTHs of one address.
    """

    frames_per_s: float = FRAMES_PER_S
    burst: int = BURST_FRAMES
    failures_per_minute: int = FAILURES_PER_MINUTE

    def reading(self, clock: Monotonic) -> Bucket:
        """Return the allowance of one session, from now on."""
        return Bucket(self.frames_per_s, self.burst, clock)

    def writing(self, clock: Monotonic) -> Bucket:
        """Return what an end allows itself; its clock and the reader's begin at two moments."""
        return Bucket(self.frames_per_s, max(1, self.burst * 3 // 4), clock)


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
