"""A route that spoils cells: TLS hides frames from a proxy, so this is done above the session.

    wire = Wire()                                   # one direction, from this station to its peer
    plan = faulty(plan, lambda _name: wire)         # around what plans a station's routes
    wire.next("drop")                               # the next cell is lost, and nobody hears of it

What a wire may do to the next cell stands in HARMS. A route's own errors pass.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hotline.core.errors import LinkError
from hotline.station.bundle import RoutePlan
from hotline.station.footing import PlanRoutes
from hotline.transport.route import OnCell, OnFault, OnState, Route

HARMS = (
    "drop",  # lost, though the route said that it went out
    "duplicate",  # twice in a row
    "reorder",  # behind the next one
    "delay",  # some milliseconds later, what comes after it passes it
    "corrupt",  # a bit of it is another one
    "cut",  # shortened
    "replay",  # followed by one that went out long before
    "deny",  # it went out, and the route says that it broke
    "refuse",  # it did not, and the route says that it broke
)
DELAY_S = 0.02
KEPT_FOR_REPLAY = 32


@dataclass
class Wire:
    """One direction between two stations; it outlives routes and starts of a station.

    Attributes:
        befell: How often each harm befell a cell.
    """

    befell: Counter[str] = field(default_factory=Counter)
    passed: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT_FOR_REPLAY))
    _coming: deque[str] = field(default_factory=deque)
    _held: list[bytes] = field(default_factory=list)
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    def next(self, *harms: str) -> None:
        """Let the next cells come to these harms, one each."""
        assert set(harms) <= set(HARMS)
        self._coming.extend(harms)

    async def carry(self, route: Route, cell: bytes) -> None:
        """Send one cell by `route`, or do to it what comes next."""
        harm = self._coming.popleft() if self._coming else ""
        if harm:
            self.befell[harm] += 1
        held, self._held = self._held, []
        for one in self._spoiled(harm, cell):
            await route.send(one)
        for one in held:
            await route.send(one)
        self.passed.append(cell)
        if harm == "delay":
            task = asyncio.create_task(self._send_late(route, cell))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        if harm in ("deny", "refuse"):
            raise LinkError("the route broke")

    def _spoiled(self, harm: str, cell: bytes) -> list[bytes]:
        match harm:
            case "drop" | "delay" | "refuse":
                return []
            case "duplicate":
                return [cell, cell]
            case "reorder":
                self._held.append(cell)
                return []
            case "corrupt":
                at = len(self.passed) * 997 % len(cell)
                return [cell[:at] + bytes([cell[at] ^ 4]) + cell[at + 1 :]]
            case "cut":
                return [cell[: len(cell) // 2]]
            case "replay":
                return [cell, *list(self.passed)[:2]]
            case _:
                return [cell]

    @staticmethod
    async def _send_late(route: Route, cell: bytes) -> None:
        await asyncio.sleep(DELAY_S)
        try:
            await route.send(cell)
        except LinkError:
            # Then it is lost, as it would be with a link that breaks.
            return


class FaultyRoute:
    """A route whose cells go by a wire; all else is the route's own."""

    def __init__(self, route: Route, wire: Wire) -> None:
        self._route, self._wire = route, wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._route, name)

    async def send(self, cell: bytes) -> None:
        await self._wire.carry(self._route, cell)


def rerouted(plan: PlanRoutes, around: Callable[[str, str, Route], Any]) -> PlanRoutes:
    """Return a plan with `around(peer, name, route)` in the place of each route."""

    def anew(peer: str) -> Sequence[RoutePlan]:
        return [_around(one, peer, around) for one in plan(peer)]

    return anew


def _around(plan: RoutePlan, peer: str, around: Callable[[str, str, Route], Any]) -> RoutePlan:
    def make(on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
        route: Route = around(peer, plan.name, plan.make(on_cell, on_state, on_fault))
        return route

    return replace(plan, make=make)


def faulty(plan: PlanRoutes, wire_of: Callable[[str], Wire]) -> PlanRoutes:
    """Return a plan whose routes send by `wire_of(name of the route)`."""
    return rerouted(plan, lambda _peer, name, route: FaultyRoute(route, wire_of(name)))
