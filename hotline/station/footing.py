"""What every part of a station stands on: record first, stop when recording fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.core.errors import HotlineError, InvariantError
from hotline.core.exchange.attaching import is_attachment_news
from hotline.core.exchange.commands import Command, Note
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Cosignature
from hotline.ledger.store import Ledger
from hotline.sealing import items as its
from hotline.station.arrived import Arrived
from hotline.station.attaching import Attaching
from hotline.station.attachments import AttachmentShelf
from hotline.station.bundle import Bundle, RoutePlan
from hotline.station.comparing import Comparing
from hotline.station.cosigning import Cosigning
from hotline.station.courier import Courier
from hotline.station.intake import Intake
from hotline.station.journal import Journal
from hotline.station.line import Line
from hotline.station.longterm import LongTerm
from hotline.station.months import MonthlyKeys
from hotline.station.outgoing import ATTACHMENT_RANK, Items, Outgoing
from hotline.station.outsiders import Outsider
from hotline.station.past import Past
from hotline.station.recorder import Recorder
from hotline.station.requests import Recorded
from hotline.station.shelf import Shelf
from hotline.station.snapshotting import SituationCache
from hotline.station.witness import Witness

MAX_FAULTS = 100

PlanRoutes = Callable[[str], Sequence[RoutePlan]]
"""Gives all routes to the named station; none of them is open."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a station keeps beside the ledger of a line; it works without any of it.

    Attributes:
        journal: The station's own ledger, whose head the line's ledger anchors.
        months: Makes the content key of a new month.
        cache: The situation as it was written last.
        shelf: The line's directory: evidence, the peer's view, earlier generations.
        outsiders: The outside witnesses that are asked.
    """

    journal: Journal | None = None
    months: MonthlyKeys | None = None
    cache: SituationCache | None = None
    shelf: Shelf | None = None
    outsiders: tuple[Outsider, ...] = ()


class Footing:
    """Ledger, witness, courier and routes of one line. Everything happens on one event loop.

    Attributes:
        peers: The other stations of the line, in the charter's order.
        routes: All routes to each of them.
    """

    routes: dict[str, Bundle]
    _outgoings: dict[str, Outgoing]

    def __init__(self, line: Line, ledger: Ledger, rules: Rules, kept: Kept) -> None:
        """Fold the ledger, or what came after the situation that is kept.

        Raises:
            IntegrityError: the ledger does not read.
        """
        self.line, self.rules = line, rules
        self.peers = tuple(one for one in line.roster.members if one != line.station)
        self._ledger = ledger
        self._kept = kept
        self._past = kept.shelf.past if kept.shelf else Past()
        start = kept.cache.read(ledger) if kept.cache else None
        start = start or self._past.situation()
        self._recorder = Recorder(ledger, rules, line.clock, start=start, months=kept.months)
        self._witness = Witness(line, ledger, self.situation.generation_of)
        self._longterm = LongTerm(line, ledger, self._witness)
        self._comparing = Comparing(line, ledger, self._witness, self.situation.generation_of)
        self._cosigning = Cosigning(
            ledger,
            kept.outsiders,
            lambda: self._longterm.signed_size,
            self._recorder.release,
            self._record_answer,
            self._fault,
        )
        self._intake = Intake(line, rules, self._witness, self._longterm, self._comparing)
        self._courier = Courier(line)
        self._files = AttachmentShelf(kept.shelf.directory) if kept.shelf else None
        self._attaching = Attaching(
            line,
            lambda: self.situation,
            self._files,
            self._record_attachments,
            lambda peer, items, key: self._put(peer, items, rank=ATTACHMENT_RANK, key=key),
            self._fault,
        )
        self._arrived = {peer: Arrived() for peer in self.peers}
        self._fresh_items: dict[str, its.StatementItem] = {}
        self._refused: Counter[str] = Counter()
        self._unread: set[str] = set()  # of whose packets nothing is read: their list is behind
        self._fatal: asyncio.Future[None] | None = None
        self.faults: list[str] = []
        self._recorder.fault = self._fault
        if kept.months is not None:
            kept.months.fault = self._fault
        self._attaching.settle()

    @property
    def situation(self) -> Situation:
        """What is so, as the ledger says. Read it; only the station changes it."""
        return self._recorder.situation

    async def note(self, *events: ev.Event) -> Recorded:
        """Record facts of this station."""
        return await self._record(lambda _situation, _now_ms: [Note(events)])

    @property
    def peer(self) -> str:
        """The other station of a line of two; else the first of them."""
        return self.peers[0]

    @property
    def route(self) -> Bundle:
        """The routes to `peer`."""
        return self.routes[self.peer]

    @property
    def _outgoing(self) -> Outgoing:
        return self._outgoings[self.peer]

    def show_head(self, peer: str = "") -> None:
        """Show a peer, or all, our newest head: it countersigns everything up to now."""
        for one in [peer] if peer else self.peers:
            self._put(one, lambda one=one: present(self._witness.show(one)))  # type: ignore[misc]

    def _put(self, peer: str, items: Items, **how: Any) -> None:
        """Send a letter to one peer; see `Outgoing.put`."""
        self._outgoings[peer].put(items, **how)

    async def _record(
        self, commands: Callable[[Situation, int], Sequence[Command]], **rows: Any
    ) -> Recorded:
        try:
            return await self._recorder.record(commands, **rows)
        except InvariantError as error:
            self._stop(error)
            raise
        finally:
            if self._recorder.failure is not None:
                self._stop(self._recorder.failure)

    async def _record_answer(
        self, events: Sequence[ev.Event], cosignatures: Sequence[Cosignature]
    ) -> None:
        """Make an outside witness's answer durable."""
        commands = [Note(tuple(events))]
        await self._record(lambda _situation, _now_ms: commands, cosignatures=cosignatures)

    async def _record_attachments(self, said: Sequence[ev.AttachmentEvent]) -> None:
        """Make durable what is news of attachments."""

        def news(situation: Situation, _now_ms: int) -> Sequence[Command]:
            return [Note(tuple(one for one in said if is_attachment_news(situation, one)))]

        await self._record(news)

    def _stop(self, error: Exception) -> None:
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_exception(error)

    def _enclosure(self, index: int) -> bytes:
        """Return the statement item of an entry, of an earlier generation below 0."""
        return self._past.enclosure(index, self._ledger.enclosure)

    def _pump(self) -> None:
        """Send each peer what it has not receipted; what one does not take holds up no other.

        Spec: docs/protocol.md §5.8
        """
        now_s = asyncio.get_running_loop().time()
        for outgoing in self._outgoings.values():
            outgoing.pump(self.situation, self.rules, now_s)

    def _fault(self, error: Exception) -> None:
        """A callback of the route or a screen failed: keep the sentence, stop for nothing else."""
        self.faults.append(
            error.sentence() if isinstance(error, HotlineError) else type(error).__name__
        )
        del self.faults[:-MAX_FAULTS]


def present(item: its.Item | None) -> list[its.Item]:
    """Return the items of a letter that may have none."""
    return [] if item is None else [item]
