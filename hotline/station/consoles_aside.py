"""Consoles of a peer that are not in office: a spare, tested or taking over; one left behind.

Spec: docs/protocol.md §4.35 to §4.38
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from hotline.core.errors import HotlineError, PeerError
from hotline.core.exchange.commands import AdmitRecord, Quarantine
from hotline.core.records import events as ev
from hotline.ledger.public import record_digest
from hotline.sealing import items as its
from hotline.sealing.packet import VerifiedPacket
from hotline.station.console_keys import left_behind
from hotline.station.footing import Footing
from hotline.station.introducing import admit_offered
from hotline.station.refusing import UNOPENED
from hotline.station.requests import Recorded

MAX_WAITING = 16
"""Answers to consoles that are not in office, at once; more are not sent."""


class ConsolesAside(Footing):
    """The part of a station that hears consoles which may not speak, and lets one take over."""

    _waiting: set[asyncio.Task[None]]
    _tested: dict[tuple[str, int], str]

    def __init__(self, *given: Any) -> None:
        """Stand on what every part of a station stands on."""
        super().__init__(*given)
        self._waiting, self._tested = set(), {}

    async def _hear_aside(self, verified: VerifiedPacket) -> None:
        """Take nothing of a console that is not in office but its part of the handshake.

        A spare proves itself by that, which is recorded; one that was left behind is told.
        Spec: docs/protocol.md §4.35, §4.37, §4.38
        """
        who = verified.packet.sender, verified.endpoint
        pair = self._courier.aside[who]
        later = verified.endpoint > self.line.roster.standing.endpoint_of(who[0])
        if later and any(isinstance(one, its.RevocationItem) for one in verified.packet.items):
            # It would take over, and may not: that is said, and why.
            await self._let_take_over(verified)
        try:
            answers = pair.settle(verified, self.line.clock())
        except PeerError:
            self._refused[UNOPENED] += 1
            return
        for item in answers:
            self._say_aside(*who, [item])
        if not later:
            self._tell_left_behind(*who)
        elif pair.ready and self._tested.get(who) != pair.instance:
            self._tested[who] = pair.instance
            await self.note(
                ev.SpareTested(
                    station=who[0], endpoint=who[1], peer=self.line.station, instance=pair.instance
                )
            )

    def _tell_all_left(self, peer: str) -> None:
        """Tell the consoles of a peer that were left behind, unasked: one may have just dialled.

        Spec: docs/protocol.md §4.38
        """
        in_office = self.line.roster.standing.endpoint_of(peer)
        for station, endpoint in tuple(self._courier.aside):
            if station == peer and endpoint < in_office:
                self._tell_left_behind(peer, endpoint)

    def _tell_left_behind(self, peer: str, endpoint: int) -> None:
        over = self.line.roster.standing.take_overs[peer]
        records = self._ledger.public_records()
        held = next((one for one in records if record_digest(one) == over.digest), None)
        if held is not None:
            self._say_aside(peer, endpoint, [its.RevocationItem(envelope=held)])

    def _say_aside(self, peer: str, endpoint: int, items: Sequence[its.Item]) -> None:
        """Send a console that is not in office one packet; it is asked for again if it is lost."""
        if len(self._waiting) >= MAX_WAITING:
            return
        try:
            cell = self._courier.seal_aside(peer, endpoint, items)
        except PeerError:
            return
        task = asyncio.create_task(self._send_aside(peer, endpoint, cell))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _send_aside(self, peer: str, endpoint: int, cell: bytes) -> None:
        with contextlib.suppress(HotlineError):
            await self.routes[peer].send_aside(endpoint, cell)

    # --- taking over -----------------------------------------------------------------------

    async def _let_take_over(self, verified: VerifiedPacket) -> bool:
        """Record that a spare takes its station's place.

        Returns:
            Whether it counts; the packet that brought it is read only then.
        Spec: docs/protocol.md §4.36
        """
        packet = verified.packet
        for item in packet.items:
            if isinstance(item, its.RevocationItem):
                await self._record(lambda _s, _n, item=item: self._judged(packet.sender, item))  # type: ignore[misc]
        return self.line.roster.standing.endpoint_of(packet.sender) == verified.endpoint

    def _judged(self, peer: str, item: its.RevocationItem) -> list[AdmitRecord | Quarantine]:
        admission = admit_offered(self.line, peer, item)
        return [admission] if admission else []

    def _heed(self, recorded: Recorded) -> None:
        """Stop where another console of this station took the line over.

        Spec: docs/protocol.md §4.38
        """
        for happening in recorded.happenings:
            event = happening.event
            if not isinstance(event, ev.EndpointTaken):
                continue
            if event.station == self.line.station and event.endpoint > self.line.endpoint:
                waiting = len(self.situation.outbox)
                self._stop(left_behind(event.station, event.endpoint, waiting))
