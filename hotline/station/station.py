"""The station on one line: commands from desks, cells from its peers, and time passing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from hotline.core.errors import HotlineError
from hotline.core.exchange.commands import Tick
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.rules import Rules
from hotline.core.records import events as ev
from hotline.ledger.store import Ledger
from hotline.station.asking import PeerAsking
from hotline.station.bundle import Bundle
from hotline.station.footing import Kept, PlanRoutes
from hotline.station.line import Line
from hotline.station.linking import Linking
from hotline.station.outgoing import Outgoing
from hotline.station.recovering import Recovery
from hotline.station.turned_away import TurnedAway

TICK_S = 0.5
REFUSED_SUMMARY_S = 60.0


class Station(Linking):
    """One station on a line with one or more peers. Everything happens on one event loop."""

    def __init__(
        self,
        line: Line,
        ledger: Ledger,
        rules: Rules,
        plan_routes: PlanRoutes,
        kept: Kept | None = None,
    ) -> None:
        """Fold the ledger and prepare the routes to each peer; nothing is opened before `run`.

        Raises:
            IntegrityError: the ledger does not read.
        """
        super().__init__(line, ledger, rules, kept or Kept())
        self.routes = {
            peer: Bundle(
                plan_routes(peer),
                partial(self._take_cell, by=peer),
                partial(self._link_changed, peer),
                self._fault,
            )
            for peer in self.peers
        }
        self._outgoings = {peer: self._outgoing_to(peer) for peer in self.peers}
        self._recoveries = {peer: Recovery() for peer in self.peers}
        self._askings = {peer: PeerAsking() for peer in self.peers}
        self._schedule, self._repeated_s = {}, {}
        self._leaving = False
        self._refused_said_s = 0.0
        self._turned_away = TurnedAway()

    def _outgoing_to(self, peer: str) -> Outgoing:
        return Outgoing(
            peer,
            self.routes[peer],
            self._courier,
            self._witness,
            partial(self._statement_items, peer),
            self._fault,
            self._recorder.release,
            self._chance,
        )

    def _chance(self) -> float:
        return int.from_bytes(self.line.entropy(4)) / 2**32

    # --- what desks see and ask ------------------------------------------------

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        return self._recorder.subscribe(changed)

    def sending(self, digest: str, peer: str = "") -> str:
        """Return by which routes a statement is on its way right now, or "".

        Args:
            peer: To that station only; "" for any.
        """
        for one in [peer] if peer else self.peers:
            words = self._outgoings[one].sending(digest)
            if words:
                return words
        return ""

    @property
    def up(self) -> bool:
        """Whether the links to all peers are up."""
        return all(route.up for route in self.routes.values())

    def leave(self) -> None:
        """The watch is over: that the link goes down now is no news, and is not recorded."""
        self._leaving = True

    @property
    def settled(self) -> bool:
        """Whether nothing waits to go out and every peer countersigned all our entries."""
        size = self._ledger.size
        covered = all(self._witness.cosigned_size(peer) == size for peer in self.peers)
        return covered and not self.situation.outbox

    # --- life --------------------------------------------------------------------

    async def run(self) -> None:
        """Work the line until cancelled.

        Raises:
            StorageError: recording failed; start again from the disk.
            LinkError: the address to listen at cannot be bound.
        """
        self._fatal = asyncio.get_running_loop().create_future()
        await self._note_start()
        await self._resend_outbox()
        async with asyncio.TaskGroup() as tasks:
            for peer in self.peers:
                tasks.create_task(self.routes[peer].run())
                tasks.create_task(self._outgoings[peer].run())
            tasks.create_task(self._tick())
            tasks.create_task(self._cosigning.run())
            tasks.create_task(self._attaching.run())
            tasks.create_task(_until(self._fatal))

    async def close(self) -> None:
        """Close the routes and the ledger. Call it once `run` has ended."""
        async with contextlib.AsyncExitStack() as last:
            # Each of these is closed even if another one fails.
            last.callback(self._past.close)
            last.push_async_callback(self._recorder.close)
            last.push_async_callback(self._close_record)
            for route in self.routes.values():
                with contextlib.suppress(HotlineError):
                    await route.close()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            now_ms = self.line.clock()
            due = any(
                clock.state == "RUNNING" and clock.due_ms <= now_ms
                for clock in self.situation.clocks.values()
            )
            expired = any(one.until_ms <= now_ms for one in awaiting(self.situation))
            if due or expired or self._overdue(now_ms):
                self._ask_missing(await self._record(lambda _situation, _now_ms: [Tick()]))
            if self._refused and loop.time() - self._refused_said_s >= REFUSED_SUMMARY_S:
                await self._say_refused(loop.time())
            if away := self._turned_away.summary(self.routes.values(), loop.time()):
                await self.note(away)
            await self._keep_hour(now_ms)
            for peer in self.peers:
                self._keep_keys(peer)
                self._begin_lost(peer)
            self._keep_recovering()
            self._keep_asking()
            await self._keep_comparing()
            await self._keep_channels(now_ms)
            self._pump()

    async def _say_refused(self, now_s: float) -> None:
        """Record how many cells were refused, for each reason: late ones are no attack."""
        said = [ev.CellsRefused(count=count, reason=why) for why, count in self._refused.items()]
        self._refused.clear()
        self._refused_said_s = now_s
        await self.note(*said)


async def _until(fatal: asyncio.Future[None]) -> None:
    await fatal
