"""Keys of a running line: the handshake, NACKs for lost keys, what is sealed anew.

Spec: docs/protocol.md §7.25, §7.26
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hotline.core.errors import PeerError
from hotline.core.protocols.turn_keys import RESEAL, Reseal
from hotline.sealing import items as its
from hotline.sealing.packet import VerifiedPacket
from hotline.station.footing import Footing
from hotline.station.outgoing import HELLO_RANK
from hotline.station.refusing import UNOPENED

ASK_AGAIN_S = 2.0
"""Pause between two H1 while the peer has not proved itself."""
MAX_ASK_S = 14_400.0
"""The longest such pause where only relays are up: a mailbox holds 1,000 cells for 14 days."""
NACK_PAUSE_S = 1.0
"""Pause between two NACKs for lost keys, and between two times that one is acted upon."""


class Handshaking(Footing):
    """The part of a station that keeps keys young and agrees with each peer on them."""

    def _begins(self, peer: str) -> bool:
        """Return whether we ask when the link comes up: the later member in the charter does.

        A spare that took over does not wait to be asked: the peer may not know of it yet.
        Spec: docs/protocol.md §7.26, §4.36
        """
        members = self.line.roster.members
        return bool(self.line.take_over_record) or members.index(self.line.station) > members.index(
            peer
        )

    def _meet(self, peer: str, *, ask: bool) -> None:
        """Begin with a peer that may have been started again: nothing else before it answers.

        Args:
            ask: Whether to ask now; else only if the peer does not, in a while.
        Spec: docs/protocol.md §7.26
        """
        pair = self._courier.pairs[peer]
        pair.doubt()
        pair.asked_s = _now_s()
        self._outgoings[peer].hold(_now_s())
        if ask:
            self._ask_hello(peer)

    def _ask_hello(self, peer: str) -> None:
        pair = self._courier.pairs[peer]
        pair.asked_s = _now_s()
        pair.asked_in_vain += 1
        self._put(peer, lambda: [pair.ask(self.line.clock())], rank=HELLO_RANK, key="hello")

    def _keep_keys(self, peer: str) -> None:
        """Destroy what is over; ask where the peer has not answered or a key has aged.

        Spec: docs/protocol.md §7.22, §7.23
        """
        pair, now_ms = self._courier.pairs[peer], self.line.clock()
        pair.keep(now_ms)
        while pair.faults:
            self._fault(pair.faults.pop())
        rested = _now_s() - pair.asked_s >= self._ask_pause_s(peer)
        if self.routes[peer].up and rested and pair.must_ask(now_ms):
            self._ask_hello(peer)

    def _ask_pause_s(self, peer: str) -> float:
        """Return the pause before the next H1: where only relays are up, longer each time.

        What nobody fetches would fill the mailbox otherwise.
        Spec: docs/protocol.md §7.38
        """
        pair = self._courier.pairs[peer]
        if not self.routes[peer].stores:
            pair.asked_in_vain = 0
        return float(min(MAX_ASK_S, ASK_AGAIN_S * 2.0 ** min(pair.asked_in_vain, 16)))

    def _settle_keys(self, verified: VerifiedPacket) -> None:
        """Take what a packet says of keys; what else it said is durable by now.

        Spec: docs/protocol.md §7.24
        """
        now_ms, pair = self.line.clock(), self._courier.pairs[verified.packet.sender]
        for key_id in lost_keys(verified)[:1]:
            # One counts, before the packet announces what is newer than the key that was lost.
            self._reseal(pair.peer, key_id)
        try:
            for item in pair.settle(verified, now_ms):
                self._put(pair.peer, lambda item=item: [item], rank=HELLO_RANK)  # type: ignore[misc]
        except PeerError:
            # A replay, most likely: it proves nothing and is not worth an entry.
            self._refused[UNOPENED] += 1
        if pair.ready:
            pair.asked_in_vain = 0
            self._outgoings[pair.peer].let_go()

    def _nack_key(self, peer: str, key_id: bytes) -> None:
        """Say that a key is not here: the only failure that is told apart, once a second.

        Spec: docs/protocol.md §7.5, §7.25
        """
        pair = self._courier.pairs[peer]
        if _now_s() - pair.nacked_s < NACK_PAUSE_S:
            return
        pair.nacked_s = _now_s()
        nack = its.NackItem(code="unknown-key", detail="seal to a newer key", kid=key_id)
        self._put(peer, lambda: [nack], rank=HELLO_RANK, key="nack")

    def _reseal(self, peer: str, key_id: bytes | None) -> None:
        """Note what a peer could not open; statements are sealed anew now, or soon.

        Spec: docs/protocol.md §7.25
        """
        pair = self._courier.pairs[peer]
        what = RESEAL[pair.theirs.missed(key_id)]
        pair.begins_anew = pair.begins_anew or what is Reseal.EVERYTHING
        if what is Reseal.STATEMENTS and _now_s() - pair.resealed_s >= NACK_PAUSE_S:
            # Within the pause they wait until their time without a receipt is over.
            pair.resealed_s = _now_s()
            self._outgoings[peer].resend()

    def _begins_anew(self, peer: str) -> bool:
        """Return, once and not too often, whether all letters to a peer must begin anew."""
        pair = self._courier.pairs[peer]
        if not pair.begins_anew or _now_s() - pair.resealed_s < NACK_PAUSE_S:
            return False
        pair.begins_anew, pair.resealed_s = False, _now_s()
        return True


def lost_keys(verified: VerifiedPacket) -> Sequence[bytes | None]:
    """Return the key ids, where they are named, of cells of ours that the peer could not open."""
    items = verified.packet.items
    nacks = [item for item in items if isinstance(item, its.NackItem)]
    return [nack.kid for nack in nacks if nack.code == "unknown-key"]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
