"""How well each route to a peer is, and which of several carries what is said. Pure.

A route's own machine says whether it is up (docs/transport.md §6); what is added here
is whether one that is up answers as it should. Spec: docs/transport.md §11.3, §11.4
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

SLOW_FACTOR = 4.0
SLOW_S = 0.2
"""A route is slow when its round trip is so many times its baseline, and no less than that."""
GOOD_ANSWERS = 3
"""Answers in a row, none of them slow, after which a degraded route is well again."""
HYSTERESIS_S = 30.0
"""So long a route must have been the better one before what is said moves back to it."""
_GAIN = 1 / 8
"""Weight of a new round trip in the smoothed one (RFC 6298)."""
_CREEP = 1.01
"""A baseline rises by so much with each answer: a path that stays slow is how things are."""


class RouteState(StrEnum):
    """Where a route is, and whether it is well."""

    DOWN = "DOWN"
    DIALING = "DIALING"
    UP = "UP"
    DEGRADED = "DEGRADED"
    BLOCKED = "BLOCKED"


class Sign(StrEnum):
    """What is seen of a route that is up."""

    MISSED = "MISSED"
    SLOW = "SLOW"
    GOOD = "GOOD"
    RECOVERED = "RECOVERED"
    """The last of `GOOD_ANSWERS` good ones in a row."""


ROWS: Mapping[tuple[RouteState, Sign], RouteState] = MappingProxyType(
    {
        (RouteState.UP, Sign.MISSED): RouteState.DEGRADED,
        (RouteState.UP, Sign.SLOW): RouteState.DEGRADED,
        (RouteState.DEGRADED, Sign.RECOVERED): RouteState.UP,
    }
)
"""What a sign changes; without a row the state stays."""

_RANKS = {RouteState.UP: 0, RouteState.DEGRADED: 1}
_UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class RouteHealth:
    """What is known of one route now.

    Attributes:
        srtt_s: Smoothed round trip of this session, None before the first answer.
        baseline_s: The round trip that is usual for it.
        last_heard_s: When anything came by it last, by the event loop's clock.
        missed: Answers in a row that did not come.
        good: Answers in a row that came and were not slow.
    """

    state: RouteState = RouteState.DOWN
    srtt_s: float | None = None
    baseline_s: float | None = None
    last_heard_s: float | None = None
    missed: int = 0
    good: int = 0

    @property
    def usable(self) -> bool:
        """Whether a cell may be handed to it."""
        return self.state in _RANKS

    def turned(self, state: RouteState) -> RouteHealth:
        """Return the health after the route's own machine changed; a new session is well."""
        return RouteHealth(state, baseline_s=self.baseline_s, last_heard_s=self.last_heard_s)

    def heard(self, now_s: float) -> RouteHealth:
        """Return the health after something came by the route."""
        return replace(self, last_heard_s=now_s)

    def answered(self, rtt_s: float, now_s: float) -> RouteHealth:
        """Return the health after a ping was answered."""
        before_s = rtt_s if self.srtt_s is None else self.srtt_s
        srtt_s = before_s + _GAIN * (rtt_s - before_s)
        usual_s = rtt_s if self.baseline_s is None else self.baseline_s * _CREEP
        baseline_s = min(rtt_s, usual_s)
        slow = max(srtt_s, rtt_s) > max(SLOW_S, SLOW_FACTOR * baseline_s)
        good = 0 if slow else self.good + 1
        sign = Sign.SLOW if slow else Sign.RECOVERED if good >= GOOD_ANSWERS else Sign.GOOD
        return RouteHealth(self._after(sign), srtt_s, baseline_s, now_s, 0, good)

    def unanswered(self) -> RouteHealth:
        """Return the health after a ping, or a send, came to nothing in its time."""
        return replace(self, state=self._after(Sign.MISSED), missed=self.missed + 1, good=0)

    def _after(self, sign: Sign) -> RouteState:
        return ROWS.get((self.state, sign), self.state)

    def score(self, priority: int) -> tuple[int, int, float]:
        """Return what routes are compared by, the smallest first."""
        return _RANKS.get(self.state, _UNUSABLE), priority, self.srtt_s or 0.0


@dataclass(frozen=True, slots=True)
class Front:
    """The route that carries what is said, and a better one that may replace it.

    Attributes:
        rival: The route that is better since `since_s`, "" when none is.
    """

    name: str = ""
    rival: str = ""
    since_s: float = 0.0


def ranked(healths: Mapping[str, RouteHealth], priorities: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names of the usable routes, the best one first.

    Spec: docs/transport.md §11.4
    """
    usable = [name for name, health in healths.items() if health.usable]
    return tuple(sorted(usable, key=lambda name: (healths[name].score(priorities[name]), name)))


def chosen(
    front: Front, healths: Mapping[str, RouteHealth], priorities: Mapping[str, int], now_s: float
) -> Front:
    """Return which route carries what is said now.

    A front that is down, or not as well as another one, is left at once; for one that is
    merely preferred, only when it was so for a while.
    Spec: docs/transport.md §11.4
    """
    names = ranked(healths, priorities)
    if not names:
        return Front()
    best, held = names[0], healths.get(front.name)
    if best == front.name:
        return Front(best)
    if held is None or not held.usable or held.score(0)[0] > healths[best].score(0)[0]:
        return Front(best)
    since_s = front.since_s if front.rival == best else now_s
    if now_s - since_s >= HYSTERESIS_S:
        return Front(best)
    return Front(front.name, best, since_s)
