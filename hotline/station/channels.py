"""Testing the channel: each route on its own schedule, and asking for acknowledgements.

Spec: docs/transport.md §12, docs/protocol.md §7.40 to §7.42
"""

from __future__ import annotations

import asyncio
from functools import partial

from hotline.core.exchange.acknowledging import missing
from hotline.core.exchange.channels import overdue, watched
from hotline.core.exchange.commands import HearTest, ProbeChannel
from hotline.core.protocols.channel import Watched, due_ms
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing.fingerprint import word_list
from hotline.sealing.items import Item
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem
from hotline.station.footing import Footing
from hotline.station.intake import Taken
from hotline.station.requests import Recorded

PHRASE_WORDS = 4
REPEAT_PAUSE_S = 1.0
_WORD_BITS = 11
_CHANCE_BYTES = 4


class ChannelTesting(Footing):
    """The part of a station that tests its routes, answers tests, and asks who has not read."""

    _begun_ms: int | None = None
    _schedule: dict[tuple[str, str], tuple[Watched, int]]
    _repeated_s: dict[str, float]

    async def _keep_channels(self, now_ms: int) -> None:
        """Begin the tests that are due; once each tick.

        Spec: docs/transport.md §12.2
        """
        if self._begun_ms is None:
            self._begun_ms = now_ms
        if self.situation.closed_for:
            return
        for peer in self.peers:
            for route in self.routes[peer].routes:
                if self._due_ms(peer, route, now_ms) <= now_ms:
                    await self._test(peer, route)

    def _due_ms(self, peer: str, route: str, now_ms: int) -> int:
        """Return when a route is tested next; drawn once for each turn of the route or its tests.

        A clock that fell does not put a test off: it is due at once.
        """
        seen, times = watched(self.situation, peer, route), self.rules.channel
        known = self._schedule.get((peer, route))
        if known is None or known[0] != seen:
            chance = int.from_bytes(self.line.entropy(_CHANCE_BYTES)) / 2 ** (8 * _CHANCE_BYTES)
            due = due_ms(times, seen, self._begun_ms or 0, chance)
            known = self._schedule[peer, route] = seen, due
        latest_ms = now_ms + times.interval_ms + times.jitter_ms + times.settle_ms
        return known[1] if known[1] <= latest_ms else now_ms

    async def _test(self, peer: str, route: str) -> None:
        """Record a test, then send it by that route."""
        up = self.routes[peer].routes[route].up
        command = ProbeChannel(peer, route, self._phrase(), up)
        recorded = await self._record(lambda _situation, _now_ms: [command])
        for one in recorded.happenings:
            if isinstance(one.event, ev.ChannelTestSent):
                item = LineTestItem(serial=one.event.serial, phrase=one.event.phrase)
                self._put(peer, partial(_only, item), by=route)

    def _repeat_tests(self, peer: str) -> None:
        """Send the tests under way again: they, or their echoes, were lost with a key.

        Not more often than once a second, as with all that a lost key leads to.
        Spec: docs/transport.md §12.3
        """
        now_s = asyncio.get_running_loop().time()
        if now_s - self._repeated_s.get(peer, float("-inf")) < REPEAT_PAUSE_S:
            return
        self._repeated_s[peer] = now_s
        for (other, route), tests in self.situation.channels.items():
            if other == peer and tests.waiting:
                item = LineTestItem(serial=tests.serial, phrase=tests.phrase)
                self._put(peer, partial(_only, item), by=route)

    def _phrase(self) -> str:
        """Return words that nobody can guess, for a person to read in the record."""
        bits = int.from_bytes(self.line.entropy(PHRASE_WORDS * 2))
        words = word_list()
        return " ".join(
            words[bits >> shift * _WORD_BITS & (len(words) - 1)] for shift in range(PHRASE_WORDS)
        )

    def _answer_tests(self, taken: Taken, recorded: Recorded) -> None:
        """Say the phrase of a peer's test back, by the route that brought it, once recorded.

        Spec: docs/transport.md §12.6
        """
        for command, decision in zip(taken.commands(), recorded.decisions, strict=False):
            if isinstance(command, HearTest) and (decision.events or decision.duplicate):
                echo = LineEchoItem(
                    serial=command.serial, phrase=command.phrase, size=self.situation.length
                )
                self._put(taken.peer, partial(_only, echo), by=command.route)

    # --- what time makes so ------------------------------------------------------------------

    def _overdue(self, now_ms: int) -> bool:
        """Return whether a test, an acknowledgement or a watch's test is missing since lately."""
        situation, rules = self.situation, self.rules
        late = any(True for _ in overdue(situation, rules.channel, now_ms))
        return late or any(True for _ in missing(situation, rules, now_ms))

    def _ask_missing(self, recorded: Recorded) -> None:
        """Ask the peers' stations for the acknowledgements that were recorded as missing.

        Spec: docs/protocol.md §7.42
        """
        for one in recorded.happenings:
            event = one.event
            if isinstance(event, ev.AcknowledgementMissing) and event.queried:
                digest = Digest(bytes.fromhex(event.digest))
                query = QueryItem(digest=digest, step=event.step)
                self._put(event.peer, partial(_only, query))


def _only(item: Item) -> list[Item]:
    return [item]
