"""Numbers that are missing: asked for until they come, sent again when the peer asks.

Spec: docs/protocol.md §7.10
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.exchange.gaps import MAX_RANGES, Range, standing_gaps, within
from hotline.sealing import items as its
from hotline.station.footing import Footing

GRACE_S = 1.0
"""An urgent statement overtakes what is on its way: that comes by itself, and is not asked for."""

ASK_AGAIN_S = 5.0
MAX_PAUSE_S = 60.0
MAX_ASKED = 10
"""So often a gap is asked for on one connection; it is shown until it is filled, asked or not."""

FILL_PAUSE_S = 2.0
"""A peer's asking so soon after its last one is passed over: it asks again."""

MAX_FILLED = 64
"""Statements sent again for one asking."""

_DETAIL = "these numbers of your order have not come"


@dataclass(slots=True)
class _Asked:
    """How often a gap was asked for, and when it is asked for next."""

    times: int
    next_s: float


class Asking(Footing):
    """The part of a station that asks for what is missing, and gives what the peer misses."""

    _asks: dict[int, _Asked]
    _filled_s = float("-inf")

    def _ask_anew(self) -> None:
        """The link is new: whatever is missing is asked for from the beginning."""
        self._asks = {}

    def _keep_asking(self) -> None:
        """Ask for the gaps whose time has come; once each tick.

        Spec: docs/protocol.md §7.10
        """
        now_s = asyncio.get_running_loop().time()
        standing = {gap.index: gap for gap in standing_gaps(self.situation, self.peer)}
        self._asks = {index: one for index, one in self._asks.items() if index in standing}
        if not self.route.up:
            return
        ranges: list[Range] = []
        for index, gap in standing.items():
            ask = self._asks.setdefault(index, _Asked(0, now_s + GRACE_S))
            if ask.next_s > now_s or ask.times >= MAX_ASKED or len(ranges) >= MAX_RANGES:
                continue
            ask.next_s = now_s + min(MAX_PAUSE_S, ASK_AGAIN_S * 2**ask.times)
            ask.times += 1
            ranges += [(gap.generation, first, last) for first, last in gap.missing]
        if ranges:
            nack = its.NackItem(code="gap", detail=_DETAIL, ranges=tuple(ranges[:MAX_RANGES]))
            self._outgoing.put(lambda: [nack])

    def _fill(self, ranges: Sequence[Range]) -> None:
        """Send again at once what the peer misses of ours and has not receipted.

        What it receipted it has; a station that lost it asks otherwise (ledger.md §19.6).
        Spec: docs/protocol.md §7.10
        """
        now_s = asyncio.get_running_loop().time()
        if not ranges or now_s - self._filled_s < FILL_PAUSE_S:
            return
        self._filled_s = now_s
        situation = self.situation
        missed = [
            digest
            for digest in situation.outbox
            if self.peer in situation.statements[digest].unreceipted
            and within(ranges, situation.statements[digest].order)
        ]
        for digest in missed[:MAX_FILLED]:
            self._outgoing.landed(digest)
        if missed:
            self._pump()
