"""The station on one line: commands from desks, cells from peers, and time passing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hotline.core.errors import HotlineError
from hotline.core.exchange.commands import Tick
from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.rules import Rules
from hotline.core.records import events as ev
from hotline.ledger.store import Ledger
from hotline.station.footing import Kept, MakeRoute
from hotline.station.forks import resolutions_of
from hotline.station.line import Line
from hotline.station.outgoing import Outgoing
from hotline.station.receiving import Receiving

TICK_S = 0.5
REFUSED_SUMMARY_S = 60.0
MAX_DISPLAYED_REPEATED = 64


class Station(Receiving):
    """One station on a line with one peer. Everything happens on one event loop."""

    def __init__(
        self,
        line: Line,
        ledger: Ledger,
        rules: Rules,
        make_route: MakeRoute,
        kept: Kept | None = None,
    ) -> None:
        """Fold the ledger and prepare the route; nothing is opened before `run`.

        Raises:
            IntegrityError: the ledger does not read.
        """
        super().__init__(line, ledger, rules, kept or Kept())
        self.route = make_route(self._take_cell, self._link_changed, self._fault)
        self._outgoing = Outgoing(
            self.peer,
            self.route,
            self._courier,
            self._witness,
            self._statement_items,
            self._fault,
            self._recorder.release,
        )
        self._leaving = False
        self._answers = []
        self._asks = {}
        self._refused_said_s = 0.0

    # --- what desks see and ask ------------------------------------------------

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        return self._recorder.subscribe(changed)

    def sending(self, digest: str) -> bool:
        """Return whether a statement is on its way right now."""
        return self._outgoing.sending(digest)

    def leave(self) -> None:
        """The watch is over: that the link goes down now is no news, and is not recorded."""
        self._leaving = True

    @property
    def settled(self) -> bool:
        """Whether nothing waits to go out and the peer countersigned all our entries."""
        covered = self._witness.cosigned_size(self.peer) == self._ledger.size
        return covered and not self.situation.outbox

    # --- life --------------------------------------------------------------------

    async def run(self) -> None:
        """Work the line until cancelled.

        Raises:
            StorageError: recording failed; start again from the disk.
            LinkError: the address to listen at cannot be bound.
        """
        self._fatal = asyncio.get_running_loop().create_future()
        link = self.situation.links.get(self.peer)
        if link is not None and link.state == "UP":
            await self.note(self._link_event("DOWN", "this station was started again"))
        await self._resend_outbox()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.route.run())
            tasks.create_task(self._outgoing.run())
            tasks.create_task(self._tick())
            tasks.create_task(self._cosigning.run())
            tasks.create_task(_until(self._fatal))

    async def close(self) -> None:
        """Close the route and the ledger. Call it once `run` has ended."""
        async with contextlib.AsyncExitStack() as last:
            # Each of these is closed even if another one fails.
            last.callback(self._past.close)
            last.push_async_callback(self._recorder.close)
            last.push_async_callback(self._close_record)
            with contextlib.suppress(HotlineError):
                await self.route.close()

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
            if due or expired:
                await self._record(lambda _situation, _now_ms: [Tick()])
            if self._refused and loop.time() - self._refused_said_s >= REFUSED_SUMMARY_S:
                await self._say_refused(loop.time())
            await self._keep_hour(now_ms)
            self._keep_recovering()
            self._keep_asking()
            self._pump()

    async def _say_refused(self, now_s: float) -> None:
        count, self._refused, self._refused_said_s = self._refused, 0, now_s
        await self.note(ev.CellsRefused(count=count, reason="cells that do not open"))

    # --- the link --------------------------------------------------------------------

    def _link_event(self, state: str, reason: str) -> ev.LinkChanged:
        return ev.LinkChanged(
            peer=self.peer, route=self.route.name, state=state, reason=reason[:400]
        )

    async def _link_changed(self, state: str, reason: str) -> None:
        """Begin the route's letters anew; record what an officer must know.

        The letters begin before anything is awaited: what is written meanwhile must come
        after our introduction, and must not be thrown away with the letters of before.
        Dialling again and again is not news.
        """
        self._outgoing.restart()
        if state == "UP":
            self._introduce()
            self._greet()
            self._tell_resolved()
            self._ask_anew()
            self._show_lasting()
            self._repeat_displayed()
            self._pump()
        link = self.situation.links.get(self.peer)
        before = link.state if link else "DOWN"
        now = "DOWN" if state == "DIALING" else state
        if now != before and not self._leaving:
            await self.note(self._link_event(now, reason))
        if state == "UP":
            self.show_head()

    def _tell_resolved(self) -> None:
        """Tell the peer how its forks were resolved here; it records each once.

        Spec: docs/protocol.md §7.11
        """
        for item in resolutions_of(self._ledger, self.peer):
            self._outgoing.put(lambda item=item: [item])  # type: ignore[misc]

    def _repeat_displayed(self) -> None:
        """Say again what the peer may have missed: nothing acknowledges a `displayed`."""
        inbound = [state for state in self.situation.statements.values() if not state.outbound]
        for state in inbound[-MAX_DISPLAYED_REPEATED:]:
            if state.least == Delivery.DISPLAYED:
                self._say_displayed(state.digest, state.at_ms)


async def _until(fatal: asyncio.Future[None]) -> None:
    await fatal
