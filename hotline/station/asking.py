"""Numbers that are missing: asked for until they come, sent again when the peer asks.

Spec: docs/protocol.md §7.10
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class PeerAsking:
    """How asking stands with one peer: by gap, and when its own asking was answered last."""

    asked: dict[int, _Asked] = field(default_factory=dict)
    filled_s: float = float("-inf")


class Asking(Footing):
    """The part of a station that asks for what is missing, and gives what a peer misses."""

    _askings: dict[str, PeerAsking]

    def _ask_anew(self, peer: str) -> None:
        """The link is new: whatever is missing is asked for from the beginning."""
        self._askings[peer].asked.clear()

    def _keep_asking(self) -> None:
        """Ask each peer for the gaps whose time has come; once each tick.

        Spec: docs/protocol.md §7.10
        """
        now_s = asyncio.get_running_loop().time()
        for peer in self.peers:
            ranges = self._due_ranges(peer, now_s)
            if ranges:
                nack = its.NackItem(code="gap", detail=_DETAIL, ranges=tuple(ranges[:MAX_RANGES]))
                self._put(peer, lambda nack=nack: [nack])  # type: ignore[misc]

    def _due_ranges(self, peer: str, now_s: float) -> list[Range]:
        standing = {gap.index: gap for gap in standing_gaps(self.situation, peer)}
        asking = self._askings[peer]
        asking.asked = {index: one for index, one in asking.asked.items() if index in standing}
        ranges: list[Range] = []
        if not self.routes[peer].up:
            return ranges
        for index, gap in standing.items():
            ask = asking.asked.setdefault(index, _Asked(0, now_s + GRACE_S))
            if ask.next_s > now_s or ask.times >= MAX_ASKED or len(ranges) >= MAX_RANGES:
                continue
            ask.next_s = now_s + min(MAX_PAUSE_S, ASK_AGAIN_S * 2**ask.times)
            ask.times += 1
            ranges += [(gap.generation, first, last) for first, last in gap.missing]
        return ranges

    def _fill(self, peer: str, ranges: Sequence[Range]) -> None:
        """Send again at once what a peer misses of ours and has not receipted.

        What it receipted it has; a station that lost it asks otherwise (ledger.md §19.6).
        Spec: docs/protocol.md §7.10
        """
        now_s, asking = asyncio.get_running_loop().time(), self._askings[peer]
        if not ranges or now_s - asking.filled_s < FILL_PAUSE_S:
            return
        asking.filled_s = now_s
        situation = self.situation
        missed = [
            digest
            for digest in situation.outbox
            if peer in situation.statements[digest].unreceipted
            and within(ranges, situation.statements[digest].order)
        ]
        for digest in missed[:MAX_FILLED]:
            self._outgoings[peer].landed(digest)
        if missed:
            self._pump()
