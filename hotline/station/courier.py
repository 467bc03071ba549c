"""Packets in cells: what goes to a peer is signed and sealed here, what comes is opened."""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.errors import PeerError
from hotline.sealing.cell import open_cell, seal_cell
from hotline.sealing.items import Item
from hotline.sealing.packet import (
    Packet,
    RevocationHead,
    VerifiedPacket,
    encode_packet,
    sign_packet,
    verify_packet,
)
from hotline.station.line import Line

INSTANCE_BYTES = 16
MAX_INSTANCES = 64
"""Starts of one peer whose last counter is remembered, the oldest forgotten first."""


class Courier:
    """Seals to and opens from the peers of one line; counts the packets of this start."""

    def __init__(self, line: Line) -> None:
        """Begin a new instance: its counter starts at 1."""
        self._line = line
        self._instance = line.entropy(INSTANCE_BYTES).hex()
        self._counter = 0
        self._heard: dict[str, dict[str, int]] = {station: {} for station in line.peers}
        self._prekeys = {line.prekey.key_id: line.prekey}
        self._secrets = {station: keys.secret for station, keys in line.peers.items()}

    def seal(self, peer: str, items: Sequence[Item]) -> bytes:
        """Return one cell for `peer`.

        Raises:
            InvariantError: the items do not fit one packet.
        Spec: docs/protocol.md §7.2
        """
        line, keys, now_ms = self._line, self._line.peers[peer], self._line.clock()
        self._counter += 1
        encoded = encode_packet(
            Packet(
                line=line.roster.line,
                sender=line.station,
                to=peer,
                to_kid=keys.prekey.key_id,
                counter=self._counter,
                instance=self._instance,
                announcement=line.announcement,
                items=tuple(items),
                revocation=revocation_head(line),
                sent_at_ms=now_ms,
            )
        )
        return seal_cell(
            encoded,
            sign_packet(encoded, line.console),
            recipient=keys.prekey,
            line=line.roster.line,
            secret=keys.secret,
            day=keys.secret.sealing_day(now_ms),
            entropy=line.entropy,
        )

    def open(self, cell: bytes) -> VerifiedPacket:
        """Open a cell and verify the packet in it.

        Raises:
            PeerError: it does not open, or is not a packet of this line to us.
        """
        line = self._line
        opened = open_cell(
            cell, line=line.roster.line, prekeys=self._prekeys, secrets=self._secrets
        )
        verified = verify_packet(line.roster, opened, our_station=line.station, at_ms=line.clock())
        self._check_counter(verified.packet)
        return verified

    def _check_counter(self, packet: Packet) -> None:
        """Refuse a packet that came before: a route keeps order, and every packet is new.

        Spec: docs/protocol.md §7.4
        """
        heard = self._heard[packet.sender]
        if packet.counter <= heard.get(packet.instance, -1):
            raise PeerError("a packet came a second time")
        heard[packet.instance] = packet.counter
        while len(heard) > MAX_INSTANCES:
            del heard[next(iter(heard))]


def revocation_head(line: Line) -> RevocationHead:
    """Return the head of our own list of revocations, as every packet shows it.

    Spec: docs/protocol.md §4.22
    """
    counter, digest = line.roster.standing.head(line.station)
    return RevocationHead(counter=counter, digest=digest)
