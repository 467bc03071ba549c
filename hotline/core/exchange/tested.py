"""What the ledger says of channel tests: of each route, and of each peer. The fold changes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.protocols.channel import Channel

DAY_MS = 86_400_000


@dataclass(slots=True)
class RouteTests:
    """One route to one peer, and its tests from our side.

    Attributes:
        since_ms: When `state` was entered; `misses`: tests without an echo in a row.
        serial, phrase, tested_ms: Of the last test; `waiting`: its echo may still come.
        passed_ms, rtt_ms: Of the last echo; `heard_ms`: when a test of the peer's came by it.
        results: (time in ms, whether its echo came) of the tests of the last day, oldest first.
    """

    state: Channel = Channel.UNTESTED
    since_ms: int = 0
    misses: int = 0
    serial: int = 0
    phrase: str = ""
    tested_ms: int = 0
    waiting: bool = False
    passed_ms: int = 0
    rtt_ms: int = 0
    heard_ms: int = 0
    results: list[tuple[int, bool]] = field(default_factory=list)

    def end(self, at_ms: int, *, passed: bool) -> None:
        """Note how the last test ended."""
        self.waiting = False
        self.misses = 0 if passed else self.misses + 1
        self.results = [one for one in self.results if one[0] > at_ms - DAY_MS]
        self.results.append((at_ms, passed))


@dataclass(slots=True)
class PeerTests:
    """All tests with one peer.

    Attributes:
        serial, phrase: Of the last test of the peer's that was answered.
        hour, count: How many of its tests were recorded in that hour since 1970.
        days: By day since 1970 how many of our tests passed, of how many.
        size: Of the peer's ledger at its last echo, as it said.
        officers_ms: When officers last tested the line with each other; 0: never.
        begun_ms: When the first route to the peer came up; 0: never.
        missed_ms: The due time of the officers' test that was recorded as missed last.
    """

    serial: int = 0
    phrase: str = ""
    hour: int = 0
    count: int = 0
    days: dict[int, tuple[int, int]] = field(default_factory=dict)
    size: int = 0
    officers_ms: int = 0
    begun_ms: int = 0
    missed_ms: int = 0

    def tally(self, at_ms: int, *, passed: bool) -> None:
        """Count a test of ours on its day."""
        day = at_ms // DAY_MS
        before, of = self.days.get(day, (0, 0))
        self.days[day] = before + passed, of + 1
