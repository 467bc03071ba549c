"""Packets in cells: what goes to a peer is signed and sealed here, what comes is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from operator import or_

from hotline.core.errors import PeerError
from hotline.core.values import Digest
from hotline.sealing.cell import open_cell, seal_cell
from hotline.sealing.hellos import GREETINGS
from hotline.sealing.items import CertificateItem, Item, RevocationItem
from hotline.sealing.packet import (
    Packet,
    RevocationHead,
    VerifiedPacket,
    encode_packet,
    sign_packet,
    verify_packet,
)
from hotline.sealing.their_keys import RECOVERABLE, purpose_of
from hotline.station.line import Line
from hotline.station.pair import Pair

INSTANCE_BYTES = 16


class Courier:
    """Seals to and opens from the peers of one line; each peer has its own keys and counter.

    Attributes:
        pairs: Towards the console of each peer that is in office.
        aside: Towards its other consoles, by station and number.
    """

    def __init__(self, line: Line) -> None:
        """Begin a new instance: its counters start at 1."""
        self._line = line
        self._instance = line.entropy(INSTANCE_BYTES).hex()
        self.pairs = {peer: Pair(line, peer) for peer in line.peers}
        self.aside = {who: Pair(line, who[0], keys) for who, keys in line.aside.items()}

    def seal(self, peer: str, items: Sequence[Item]) -> bytes:
        """Return one cell for `peer`, sealed to its newest key that is alive.

        Raises:
            InvariantError: the items do not fit one packet.
            PeerError: no key of the peer's may carry them now.
        Spec: docs/protocol.md §7.2, §7.25
        """
        return self._seal(self.pairs[peer], tuple(items))

    def seal_aside(self, peer: str, endpoint: int, items: Sequence[Item]) -> bytes:
        """Return one cell for a console of `peer` that is not in office.

        Raises:
            PeerError: no key of it may carry these items now.
        Spec: docs/protocol.md §4.35, §4.37
        """
        return self._seal(self.aside[peer, endpoint], tuple(items))

    def _seal(self, pair: Pair, packed: tuple[Item, ...]) -> bytes:
        line, peer, now_ms = self._line, pair.peer, self._line.clock()
        recipient = pair.theirs.choose(purpose_of(packed), packed, now_ms)
        if packed and isinstance(packed[0], GREETINGS):
            packed = (*packed, *self._of_console())
        pair.counter += 1
        encoded = encode_packet(
            Packet(
                line=line.roster.line,
                sender=line.station,
                to=peer,
                to_kid=recipient.key_id,
                counter=pair.counter,
                instance=self._instance,
                announcement=pair.ours.announce(now_ms),
                items=packed,
                revocation=revocation_head(line),
                sent_at_ms=now_ms,
            )
        )
        return seal_cell(
            encoded,
            sign_packet(encoded, line.console),
            recipient=recipient,
            line=line.roster.line,
            secret=pair.secret,
            day=pair.secret.sealing_day(now_ms),
            entropy=line.entropy,
        )

    def open(self, cell: bytes) -> VerifiedPacket:
        """Open a cell and verify the packet in it; no key changes by that.

        Raises:
            PeerError: it does not open, or is not a packet of this line to us.
        Spec: docs/protocol.md §7.24
        """
        line, now_ms = self._line, self._line.clock()
        aside = {f"{peer}/{number}": pair for (peer, number), pair in self.aside.items()}
        everyone = self.pairs | aside
        opening = {name: pair.opening(now_ms) for name, pair in everyone.items()}
        opened = open_cell(
            cell,
            line=line.roster.line,
            prekeys=reduce(or_, opening.values()),
            secrets={name: pair.secret for name, pair in everyone.items()},
        )
        peer, _, number = opened.peer.partition("/")
        verified = verify_packet(
            line.roster,
            replace(opened, peer=peer) if number else opened,
            our_station=line.station,
            at_ms=now_ms,
            endpoint=int(number or 0),
        )
        if verified.packet.to_kid not in opening[opened.peer]:
            raise PeerError("packet: it was written for a key that another peer has")
        late = everyone[opened.peer].check_counter(verified.packet, now_ms)
        verified = replace(verified, late=late)
        if verified.packet.to_kid == line.recovery.key_id:
            return _recovered(verified)
        return verified

    def put_in_office(self, peer: str, endpoint: int) -> bool:
        """Speak with a spare console of a peer from now on; the one before it stands aside.

        Returns:
            Whether it was not so before and its keys are here.
        Spec: docs/protocol.md §4.36
        """
        if (peer, endpoint) not in self.aside:
            return False
        before = self.pairs[peer]
        self.pairs[peer] = self.aside.pop((peer, endpoint))
        self.aside[peer, before.endpoint] = before
        return True

    def _of_console(self) -> list[Item]:
        """Return what a handshake brings of our own console that the peer may not know.

        Spec: docs/protocol.md §4.34, §4.36
        """
        line = self._line
        brought = [line.take_over_record] if line.take_over_record else []
        found: list[Item] = [RevocationItem(envelope=one) for one in brought]
        certificate = [line.console_record] if line.console_record else []
        return [*found, *(CertificateItem(envelope=one) for one in certificate)]


def _recovered(verified: VerifiedPacket) -> VerifiedPacket:
    """Return a packet under the recovery key with what such a key may open.

    Spec: docs/protocol.md §7.24
    """
    items = tuple(one for one in verified.packet.items if isinstance(one, RECOVERABLE))
    return replace(verified, packet=replace(verified.packet, items=items))


def revocation_head(line: Line) -> RevocationHead:
    """Return the head of our own list of revocations, as every packet shows it.

    Spec: docs/protocol.md §4.22
    """
    return _head(*line.roster.standing.head(line.station))


@lru_cache(maxsize=64)
def _head(counter: int, digest: Digest) -> RevocationHead:
    """Check a head once: every packet shows it, and only a revocation changes it."""
    return RevocationHead(counter=counter, digest=digest)
