"""The channel test of one route: when it is due, what an echo or its absence means, the colour.

A test travels through both ledgers: it is recorded where it is sent, where it is answered,
and where its echo comes back. This is the table of what that says of a route.
Spec: docs/transport.md §12
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """What the tests say of a route, from best to worst; UNTESTED says nothing."""

    UNTESTED = "UNTESTED"
    PASSED = "PASSED"
    MISSED1 = "MISSED1"
    MISSED2 = "MISSED2"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"


class Outcome(StrEnum):
    """How a test ended."""

    ECHOED = "ECHOED"
    MISSED = "MISSED"


ROWS: Mapping[tuple[Channel, Outcome], Channel] = {
    **{(state, Outcome.ECHOED): Channel.PASSED for state in Channel},
    (Channel.UNTESTED, Outcome.MISSED): Channel.MISSED1,
    (Channel.PASSED, Outcome.MISSED): Channel.MISSED1,
    (Channel.MISSED1, Outcome.MISSED): Channel.MISSED2,
    (Channel.MISSED2, Outcome.MISSED): Channel.DEGRADED,
    (Channel.DEGRADED, Outcome.MISSED): Channel.DOWN,
    (Channel.DOWN, Outcome.MISSED): Channel.DOWN,
}
"""One miss after another goes down one step; one echo goes all the way up."""

ALARMING = frozenset((Channel.DEGRADED, Channel.DOWN))
"""States that are an alarm while they stand, and news when they begin or end."""


class Colour(StrEnum):
    """What all routes to a peer come to."""

    GREEN = "GREEN"
    AMBER = "AMBER"
    RED = "RED"


@dataclass(frozen=True, slots=True)
class ChannelTimes:
    """The clocks of channel tests; all are configuration.

    Attributes:
        interval_ms: From one test of a route to the next, less or more `jitter_ms`.
        answer_ms: A test without an echo for so long is missed.
        again_ms: After a miss the test is repeated after so long, later each further time.
        settle_ms: After a route came up, its first test waits so long.
        fresh_ms: So long an echo makes a link GREEN.
        officer_ms: Once in so long officers test the line with each other.
        remind_ms: So long before that is due the console says so.
    """

    interval_ms: int = 3_600_000
    jitter_ms: int = 300_000
    answer_ms: int = 60_000
    again_ms: int = 60_000
    settle_ms: int = 30_000
    fresh_ms: int = 3_900_000
    officer_ms: int = 28_800_000
    remind_ms: int = 3_600_000


@dataclass(frozen=True, slots=True)
class Watched:
    """What a schedule and a colour need to know of one route.

    Attributes:
        up: Whether the route takes cells; `turned_ms`: since when it does, or does not.
        tested_ms: When the last test began; 0: never. `misses`: in a row, up to now.
        passed_ms: When the last echo came; 0: never.
    """

    up: bool
    turned_ms: int
    state: Channel = Channel.UNTESTED
    tested_ms: int = 0
    passed_ms: int = 0
    misses: int = 0


def after(state: Channel, outcome: Outcome) -> Channel:
    """Return the state after a test ended.

    Spec: docs/transport.md §12.4
    """
    return ROWS[state, outcome]


def due_ms(times: ChannelTimes, route: Watched, begun_ms: int, chance: float) -> int:
    """Return when the next test of a route is due.

    Args:
        begun_ms: When this station was started.
        chance: 0 to 1; 0.5 is no jitter.
    Spec: docs/transport.md §12.2, §12.3
    """
    regular_ms = times.interval_ms + round((2 * chance - 1) * times.jitter_ms)
    if route.up and route.tested_ms < max(route.turned_ms, begun_ms):
        # It came up, or we were started, since: what was tested before says nothing of it.
        rested_ms = route.tested_ms + times.again_ms if route.tested_ms else 0
        return max(route.turned_ms + times.settle_ms, begun_ms + times.settle_ms, rested_ms)
    if not route.tested_ms:
        return begun_ms + regular_ms
    if route.up and route.misses:
        missed_ms = route.tested_ms + times.answer_ms
        return missed_ms + min(times.interval_ms, times.again_ms * route.misses)
    return route.tested_ms + regular_ms


def carries(route: Watched) -> bool:
    """Return whether a route may be relied on at all: it is up, and its tests come back."""
    return route.up and route.state is not Channel.DOWN


def is_good(times: ChannelTimes, route: Watched, now_ms: int) -> bool:
    """Return whether a route is up and a test of it passed lately, with none degraded since."""
    fresh = route.passed_ms > 0 and now_ms - route.passed_ms <= times.fresh_ms
    return carries(route) and route.state is not Channel.DEGRADED and fresh


def colour(times: ChannelTimes, routes: Iterable[Watched], now_ms: int) -> Colour:
    """Return GREEN, AMBER or RED for the routes to one peer.

    Spec: docs/transport.md §12.5
    """
    known = list(routes)
    carrying = sum(carries(route) for route in known)
    if not carrying:
        return Colour.RED
    good = any(is_good(times, route, now_ms) for route in known)
    only_one = carrying == 1 < len(known)
    degraded = any(route.state is Channel.DEGRADED for route in known if route.up)
    return Colour.GREEN if good and not only_one and not degraded else Colour.AMBER
