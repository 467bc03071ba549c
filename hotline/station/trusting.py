"""Which list of revocations the peer stands on, and whose root changed.

Spec: docs/protocol.md §4.22, §4.25
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any

from hotline.core.errors import OperatorError
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.packet import Packet, VerifiedPacket
from hotline.sealing.root import Root
from hotline.station.footing import Footing
from hotline.station.introducing import revocations_after

ASK_AGAIN_S = 30.0
"""So long a peer has to show the revocations that it was asked for."""


ANSWER_AGAIN_S = 10.0
"""So often at most a peer's asking for revocations is answered."""


class Listed(Enum):
    """How the list of revocations that a packet shows stands to the one known here."""

    STANDS = auto()
    BEHIND = auto()
    """A beginning of the known one: the sender was put back."""
    REFUSED = auto()


class Trusting(Footing):
    """The part of a station that watches over lists of revocations and changed roots."""

    _done_s: dict[tuple[str, str], float]

    def __init__(self, *given: Any) -> None:
        """Stand on what every part of a station stands on."""
        super().__init__(*given)
        self._done_s = {}

    async def _may_be_read(self, verified: VerifiedPacket) -> Listed:
        """Judge a packet's list, and remember of whom nothing is read: it can answer nothing.

        A late packet shows the list of then: it says nothing of who is read now.
        Spec: docs/protocol.md §7.36
        """
        packet, standing = verified.packet, self.line.roster.standing
        if verified.late and self._courier.pairs[packet.sender].speaks_now(packet):
            shown = packet.revocation
            if standing.head_at(packet.sender, shown.counter) == shown.digest:
                return Listed.BEHIND if packet.sender in self._unread else Listed.STANDS
        listed = await self._judge_list(packet)
        if listed is Listed.STANDS:
            self._unread.discard(packet.sender)
        else:
            self._unread.add(packet.sender)
        return listed

    async def _judge_list(self, packet: Packet) -> Listed:
        """Return whether a packet may be read: its sender's list is not older than we know.

        A list that was rolled back is shown what it lacks, so that an honest station that
        was put back comes forward again. Its keys may be older, too, so what such a packet
        says of keys is taken: else nothing that we show it would ever open there.
        Spec: docs/protocol.md §4.22
        """
        standing, shown = self.line.roster.standing, packet.revocation
        known, _ = standing.head(packet.sender)
        if shown.counter > known:
            self._ask_for_revocations(packet.sender, known)
            return Listed.STANDS
        same = standing.head_at(packet.sender, shown.counter) == shown.digest
        if same and shown.counter == known:
            return Listed.STANDS
        if same and not self._courier.pairs[packet.sender].speaks_now(packet):
            # Until that start of the peer has proved itself it may be a replay.
            return Listed.BEHIND
        refused = ev.RevocationsRefused(
            peer=packet.sender, counter=shown.counter, digest=shown.digest.hex(), known=known
        )
        await self.note(refused)
        if same and self._is_time("give back", packet.sender, ASK_AGAIN_S):
            self._show_revocations(packet.sender, packet.sender, shown.counter)
        return Listed.BEHIND if same else Listed.REFUSED

    def _forget_shown_lists(self, peer: str) -> None:
        """Begin anew with a peer: what was shown or asked before may be lost."""
        self._done_s = {what: at_s for what, at_s in self._done_s.items() if what[1] != peer}

    def _ask_for_revocations(self, peer: str, known: int) -> None:
        if self._is_time("ask", peer, ASK_AGAIN_S):
            self._put(peer, lambda: [its.RevocationsWantedItem(counter=known)])

    def _answer_wanted(self, peer: str, counter: int) -> None:
        if self._is_time("answer", peer, ANSWER_AGAIN_S):
            self._show_revocations(peer, self.line.station, counter)

    def _is_time(self, what: str, peer: str, pause_s: float) -> bool:
        """Return whether that was done too long ago, or never; it is done now."""
        now_s, before_s = asyncio.get_running_loop().time(), self._done_s.get((what, peer))
        if before_s is not None and now_s - before_s < pause_s:
            return False
        self._done_s[what, peer] = now_s
        return True

    def _show_revocations(self, peer: str, station: str, counter: int) -> None:
        """Show a peer a station's numbered revocations after number `counter`."""
        records = self._ledger.public_records()
        for item in revocations_after(self.line, records, station, counter):
            self._put(peer, lambda item=item: [item])  # type: ignore[misc]

    # --- changed roots -----------------------------------------------------------------

    def open_roots(self) -> tuple[Root, ...]:
        """Return the changed roots of other stations that no officer has found right yet.

        Spec: docs/protocol.md §4.25
        """
        compared = self.situation.compared_roots
        return tuple(
            root
            for station, lineage in self.line.roster.lineages.items()
            if station != self.line.station
            for root in lineage.later
            if not compared.get(root.digest.hex(), False)
        )

    async def compare_root(self, root: Digest, *, agreed: bool, role: str, name: str) -> None:
        """Record what an officer found who compared a changed root's words by voice.

        Raises:
            OperatorError: no such root waits.
            StorageError: it could not be recorded; nothing is trusted that was not before.
        Spec: docs/protocol.md §4.25
        """
        found = next((one for one in self.open_roots() if one.digest == root), None)
        if found is None:
            raise OperatorError("no changed root of that name waits to be compared")
        await self.note(
            ev.RootCompared(
                station=found.station, root=root.hex(), agreed=agreed, role=role, name=name
            )
        )
