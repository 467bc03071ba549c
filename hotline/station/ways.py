"""The ways to the consoles of one peer, as one route: the one in office, and those aside.

Where we dial, each console of the peer has an address of its own, and all are dialled: a
spare can take over while the first still answers. Spec: docs/transport.md §1.5
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hotline.core.errors import HotlineError
from hotline.transport.route import OnState, Route

MakeWay = Callable[[int, OnState], Route]
"""Makes the route to the console with that number."""


class Ways:
    """A route that is the one to the console in office; the others carry handshakes only."""

    def __init__(
        self, in_office: int, numbers: tuple[int, ...], make: MakeWay, on_state: OnState
    ) -> None:
        """Prepare a way to each console; nothing is opened before `run`."""
        self._in_office, self._on_state = in_office, on_state
        self._ways = {number: make(number, self._state_of(number)) for number in numbers}

    def _state_of(self, number: int) -> OnState:
        async def changed(state: str, reason: str) -> None:
            if number == self._in_office:
                await self._on_state(state, reason)

        return changed

    @property
    def _front(self) -> Route:
        return self._ways[self._in_office]

    @property
    def name(self) -> str:
        """The route's name in settings and events."""
        return self._front.name

    @property
    def stores(self) -> bool:
        """Whether what was sent may be read much later; see `Route.stores`."""
        return self._front.stores

    @property
    def up(self) -> bool:
        """Whether a cell can be handed to the console in office now."""
        return self._front.up

    async def run(self) -> None:
        """Keep every way going until cancelled or closed; see `Route.run`."""
        async with asyncio.TaskGroup() as tasks:
            for way in self._ways.values():
                tasks.create_task(way.run())

    async def send(self, cell: bytes) -> None:
        """Hand a cell to the console in office; see `Route.send`."""
        await self._front.send(cell)

    async def send_aside(self, number: int, cell: bytes) -> None:
        """Hand a cell to a console that is not in office; see `Route.send`."""
        await self._ways[number].send(cell)

    async def ping(self) -> float:
        """Return the round trip to the console in office; see `Route.ping`."""
        return await self._front.ping()

    async def turn_to(self, number: int, reason: str) -> None:
        """Take the console with that number for the one in office from now on."""
        if number in self._ways and number != self._in_office:
            self._in_office = number
            await self._on_state("UP" if self.up else "DOWN", reason)

    async def close(self) -> None:
        """Close every way; see `Route.close`."""
        for way in self._ways.values():
            with contextlib.suppress(HotlineError):
                await way.close()
