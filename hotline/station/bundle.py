"""All routes to one peer as one: which of them carries a cell, and how well each of them is.

Spec: docs/transport.md §11
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.core.errors import HotlineError, InvariantError, LinkError
from hotline.core.protocols.route_health import (
    SLOW_FACTOR,
    Front,
    RouteHealth,
    RouteState,
    chosen,
    ranked,
)
from hotline.station.lanes import Lane
from hotline.station.under_way import Sent, UnderWay
from hotline.station.ways import Ways
from hotline.transport.route import OnCell, OnFault, OnState, Route

URGENT_ROUTES = 2
"""An urgent cell goes by so many routes at once."""
BEAT_S = 0.5
"""So often it is looked whether a route is to be pinged, or has something to catch up with."""

OnRouteState = Callable[[str, str, str], Awaitable[None]]
"""Takes a route's name, its new state and one clause that says why."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """A route that is to be worked.

    Attributes:
        name: In settings and events; no two routes of a peer share it.
        make: Makes the route, which tells the callbacks what happens to it.
        priority: Of two that are equally well the one with the smaller number is taken.
        ping_s: Pause between two pings of a route on which nothing is said.
    """

    name: str
    make: Callable[[OnCell, OnState, OnFault], Route]
    priority: int = 0
    ping_s: float = 10.0


class Bundle:
    """The routes to one peer. Everything happens on one event loop.

    Attributes:
        routes: By name.
        heard_by: The route by which the cell came that is being taken, or the last one.
        heard_s: When the peer itself was heard last, by the event loop's clock.
    """

    def __init__(
        self,
        plans: Sequence[RoutePlan],
        on_cell: OnCell,
        on_state: OnRouteState,
        on_fault: OnFault,
    ) -> None:
        """Make each route; nothing is opened before `run`.

        Args:
            on_cell: Takes the cells of all routes, one at a time.
        """
        if not plans or len({plan.name for plan in plans}) < len(plans):
            raise InvariantError("a peer has routes, and each has a name of its own")
        self._on_cell, self._on_state = on_cell, on_state
        self._taking = asyncio.Lock()
        self.heard_by, self.heard_s = "", float("-inf")
        self._lanes = {
            plan.name: Lane(
                plan.name,
                plan.make(self._hearing(plan.name), self._turning(plan.name), on_fault),
                plan.ping_s,
                self._choose,
            )
            for plan in plans
        }
        self.routes = {name: lane.route for name, lane in self._lanes.items()}
        self._priorities = {plan.name: plan.priority for plan in plans}
        self._front = Front()
        self._under_way = UnderWay()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _hearing(self, name: str) -> OnCell:
        async def heard(cell: bytes) -> None:
            lane, self.heard_s = self._lanes[name], _now_s()
            lane.health = lane.health.heard(self.heard_s)
            # Routes do not wait for each other, but what a peer says is taken in a row.
            async with self._taking:
                self.heard_by = name
                await self._on_cell(cell)

        return heard

    def _turning(self, name: str) -> OnState:
        async def changed(state: str, reason: str) -> None:
            lane = self._lanes[name]
            lane.health = lane.health.turned(RouteState(state))
            # What the session before took and nobody confirmed may be lost with it.
            self._under_way.lose(name)
            self._choose()
            await self._on_state(name, state, reason)
            self._wake.set()

        return changed

    # --- which routes ------------------------------------------------------------------------

    def health(self, name: str) -> RouteHealth:
        """Return how well the named route is."""
        return self._lanes[name].health

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all routes, the preferred one first."""
        return tuple(sorted(self.routes, key=lambda name: self._priorities[name]))

    @property
    def best(self) -> tuple[str, ...]:
        """The names of the routes that take a cell now, the one that carries it first.

        Spec: docs/transport.md §11.4
        """
        names = ranked(self._up(), self._priorities)
        front = [name for name in names if name == self._front.name]
        return (*front, *(name for name in names if name not in front))

    @property
    def up(self) -> bool:
        """Whether any route takes a cell now."""
        return any(route.up for route in self.routes.values())

    @property
    def stores(self) -> bool:
        """Whether only routes are up whose far end may read much later."""
        return all(route.stores for route in self.routes.values() if route.up)

    @property
    def answer_s(self) -> float:
        """How long the peer's answer may take by the route that carries what is said."""
        front = self._lanes.get(self._front.name)
        return SLOW_FACTOR * (front.health.srtt_s or 0.0) if front else 0.0

    def ask(self) -> None:
        """Ping every route that is up, soon: it is waited for a sign of the peer."""
        for lane in self._lanes.values():
            lane.asked_s = float("-inf")

    def _up(self) -> dict[str, RouteHealth]:
        return {name: lane.health for name, lane in self._lanes.items() if lane.route.up}

    def _choose(self) -> None:
        before = self._front.name
        self._front = chosen(self._front, self._up(), self._priorities, _now_s())
        if self._front.name != before:
            self._wake.set()

    # --- work --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep every route going until cancelled or closed; see `Route.run`."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch())
            await asyncio.wait([tasks.create_task(one.run()) for one in self.routes.values()])
            watch.cancel()

    async def _watch(self) -> None:
        """Ping what is to be pinged, and bring the front what another route lost."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._wake.wait()
            self._wake.clear()
            self._choose()
            now_s = _now_s()
            for name, lane in self._lanes.items():
                took, pressing = bool(self._under_way.taken_by(name)), self._under_way.pressing
                if lane.is_due(now_s, took=took, pressing=pressing):
                    lane.asked_s = now_s
                    self._begin(self.ping_by, name)
            self._catch_up()

    def _catch_up(self) -> None:
        """Bring the front what only another route was given.

        Spec: docs/transport.md §11.5
        """
        for name in self.best[:1] if len(self.routes) > 1 else ():
            if self._under_way.missing_at(name) and not self._lanes[name].turn.locked():
                self._begin(self._bring, name)

    def _begin(self, work: Callable[..., Awaitable[Any]], *on: Any) -> asyncio.Task[bool]:
        """Do something beside; return whether no route broke meanwhile."""

        async def quietly() -> bool:
            try:
                await work(*on)
            except LinkError:
                return False
            return True

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def send(self, cell: bytes, *, urgent: bool = False) -> tuple[str, ...]:
        """Hand a cell to the best route, or to the next one where that fails.

        Args:
            urgent: To the two best at once.
        Returns:
            The names of the routes that took it, or are about to.
        Raises:
            LinkError: none did.
        Spec: docs/transport.md §11.5
        """
        sent, names = self._under_way.add(cell), self.best
        # Neither of two waits for the other, nor does who sends wait for both.
        at_once = names[:URGENT_ROUTES] if urgent else names[:1]
        if await _any_of([self._begin(self._bring, name, sent) for name in at_once]):
            return tuple(name for name in names if name in sent.by)
        for name in names[len(at_once) :]:
            with contextlib.suppress(LinkError):
                await self._bring(name, sent)
                return (name,)
        self._under_way.drop(sent)
        raise LinkError("no route to the peer takes a cell")

    async def send_by(self, name: str, cell: bytes) -> None:
        """Hand a cell to the named route, after what other routes took and may lose.

        Raises:
            LinkError: it is not up, broke while sending, or took too long.
        """
        sent = self._under_way.add(cell)
        try:
            await self._bring(name, sent)
        except LinkError:
            self._under_way.drop(sent)
            raise

    def test_by(self, name: str, cell: bytes) -> None:
        """Begin to hand a cell to the named route: no other one ever gets it, nobody waits for it.

        Spec: docs/transport.md §12.1
        """
        self._begin(self.send_alone, name, cell)

    async def send_alone(self, name: str, cell: bytes) -> None:
        """Hand a cell to the named route, and to no other one ever; see `Route.send`."""
        lane = self._lanes[name]
        async with lane.turn:
            await self._hand(lane, Sent(cell))

    async def _bring(self, name: str, last: Sent | None = None) -> None:
        """Give a route all that it was not given yet, up to one cell or all.

        Spec: docs/transport.md §11.5
        """
        lane = self._lanes[name]
        async with lane.turn:
            for sent in self._under_way.missing_at(name):
                await self._hand(lane, sent)
                if sent is last:
                    return
            if last is not None and name not in last.done:
                # It gave way to newer ones while it waited here.
                await self._hand(lane, last)

    async def _hand(self, lane: Lane, sent: Sent) -> None:
        await lane.hand(sent)
        if lane.route.stores:
            # It is durable there, which is all that can be known.
            self._under_way.drop(sent)

    def forget(self) -> None:
        """Bring nothing again: all letters to the peer begin anew."""
        self._under_way.clear()

    async def ping(self) -> float:
        """Return the round trip by the best route; see `Route.ping`."""
        if not self.best:
            raise LinkError("no route to the peer is up")
        return await self.ping_by(self.best[0])

    async def ping_by(self, name: str) -> float:
        """Return the round trip by the named route, in seconds.

        What the route took before is with the peer's reader then.

        Raises:
            LinkError: it is not up, or did not answer in time.
        Spec: docs/transport.md §11.3
        """
        lane, taken = self._lanes[name], self._under_way.taken_by(name)
        round_trip_s = await lane.ping()
        if not lane.route.stores:
            self.heard_s = _now_s()
        for sent in taken:
            self._under_way.drop(sent)
        self._choose()
        return round_trip_s

    async def close(self) -> None:
        """Close every route; see `Route.close`."""
        for route in self.routes.values():
            with contextlib.suppress(HotlineError):
                await route.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- the peer's consoles -----------------------------------------------------------------

    async def turn_to(self, number: int, reason: str) -> None:
        """Speak with the peer's console of that number from now on."""
        for route in self.routes.values():
            if isinstance(route, Ways):
                await route.turn_to(number, reason)

    async def send_aside(self, number: int, cell: bytes) -> None:
        """Hand a cell to a console of the peer that is not in office.

        Raises:
            LinkError: no route to it takes the cell.
        """
        for route in self.routes.values():
            if isinstance(route, Ways):
                await route.send_aside(number, cell)
                return
        await self.send(cell)


async def _any_of(tasks: Sequence[asyncio.Task[bool]]) -> bool:
    """Return as soon as one of the tasks did what it should, or none did."""
    for one in asyncio.as_completed(tasks):
        if await one:
            return True
    return False


def _now_s() -> float:
    return asyncio.get_running_loop().time()
