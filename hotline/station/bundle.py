"""All routes to one peer as one: which of them carries a cell, and what each of them is worth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hotline.core.errors import HotlineError, InvariantError, LinkError
from hotline.station.ways import Ways
from hotline.transport.route import OnCell, OnFault, OnState, Route

URGENT_ROUTES = 2
"""An urgent cell goes by so many routes at once."""

OnRouteState = Callable[[str, str, str], Awaitable[None]]
"""Takes a route's name, its new state and one clause that says why."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """A route that is to be worked.

    Attributes:
        name: In settings and events; no two routes of a peer share it.
        make: Makes the route, which tells the callbacks what happens to it.
        priority: Of two that are equally well the one with the smaller number is taken.
    """

    name: str
    make: Callable[[OnCell, OnState, OnFault], Route]
    priority: int = 0


class Bundle:
    """The routes to one peer. Everything happens on one event loop.

    Attributes:
        routes: By name.
        heard_by: The route by which the cell came that is being taken, or the last one.
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
        self.heard_by = ""
        self._priorities = {plan.name: plan.priority for plan in plans}
        self.routes = {
            plan.name: plan.make(self._hearing(plan.name), self._turning(plan.name), on_fault)
            for plan in plans
        }

    def _hearing(self, name: str) -> OnCell:
        async def heard(cell: bytes) -> None:
            # Routes do not wait for each other, but what a peer says is taken in a row.
            async with self._taking:
                self.heard_by = name
                await self._on_cell(cell)

        return heard

    def _turning(self, name: str) -> OnState:
        async def changed(state: str, reason: str) -> None:
            await self._on_state(name, state, reason)

        return changed

    # --- which routes ------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all routes, the preferred one first."""
        return tuple(sorted(self.routes, key=lambda name: self._priorities[name]))

    @property
    def best(self) -> tuple[str, ...]:
        """The names of the routes that take a cell now, the best one first."""
        return tuple(name for name in self.names if self.routes[name].up)

    @property
    def up(self) -> bool:
        """Whether any route takes a cell now."""
        return any(route.up for route in self.routes.values())

    # --- work --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep every route going until cancelled or closed; see `Route.run`."""
        async with asyncio.TaskGroup() as tasks:
            for route in self.routes.values():
                tasks.create_task(route.run())

    async def send(self, cell: bytes, *, urgent: bool = False) -> tuple[str, ...]:
        """Hand a cell to the best route, or to the next one where that fails.

        Args:
            urgent: To the two best at once.
        Returns:
            The names of the routes that took it.
        Raises:
            LinkError: none did.
        """
        wanted = URGENT_ROUTES if urgent else 1
        took: list[str] = []
        for name in self.best:
            with contextlib.suppress(LinkError):
                await self.send_by(name, cell)
                took.append(name)
            if len(took) == wanted:
                break
        if not took:
            raise LinkError("no route to the peer takes a cell")
        return tuple(took)

    async def send_by(self, name: str, cell: bytes) -> None:
        """Hand a cell to the named route; see `Route.send`."""
        await self.routes[name].send(cell)

    async def ping(self) -> float:
        """Return the round trip by the best route; see `Route.ping`."""
        if not self.up:
            raise LinkError("no route to the peer is up")
        return await self.ping_by(self.best[0])

    async def ping_by(self, name: str) -> float:
        """Return the round trip by the named route, in seconds; see `Route.ping`."""
        return await self.routes[name].ping()

    async def close(self) -> None:
        """Close every route; see `Route.close`."""
        for route in self.routes.values():
            with contextlib.suppress(HotlineError):
                await route.close()

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
