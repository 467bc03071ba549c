"""What a station sees of a route, and what a route asks of a station.

Spec: docs/transport.md §1
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

OnCell = Callable[[bytes], Awaitable[None]]
"""Takes one sealed cell. The next one is read after it returns: that is the backpressure."""

OnState = Callable[[str, str], Awaitable[None]]
"""Takes the new state (DOWN, DIALING, UP, BLOCKED) and one clause that says why."""

OnFault = Callable[[Exception], None]
"""Takes an exception that a callback let out; the route goes on."""

Where = Callable[[], tuple[str, int]]
"""Gives host and port of the listener; asked anew at each dial."""

Bound = Callable[[str, int], None]
"""Takes the host and port that a listener is bound to."""

Monotonic = Callable[[], float]
"""Gives seconds that never go back."""

Chance = Callable[[], float]
"""Gives a random number, 0 to 1."""


class Route(Protocol):
    """One way to the other station; a Dialer and a Listener are both one.

    The callbacks run inside the route. They record and wake others; they never
    wait for `send`, or two stations that both do can stop each other until
    the send timeout.
    """

    @property
    def name(self) -> str:
        """The route's name in settings and events."""

    @property
    def stores(self) -> bool:
        """Whether a cell that was handed over may be read much later: a relay keeps it."""

    @property
    def up(self) -> bool:
        """Whether a cell can be handed over now."""

    async def run(self) -> None:
        """Keep the route going until it is cancelled or closed.

        Raises:
            LinkError: a listener cannot bind its address.
        """

    async def send(self, cell: bytes) -> None:
        """Hand one cell (1 to MAX_CELL_BYTES) to the socket, after those before it.

        Returning says that it left the process, not that it arrived; a
        LinkError says nothing about arrival either.

        Raises:
            LinkError: the route is not UP, or broke while sending.
            InvariantError: the cell is empty or too long.
        """

    async def ping(self) -> float:
        """Return the round trip to the other station's reader, in seconds.

        Raises:
            LinkError: the route is not UP, or no answer came in the send timeout.
        """

    async def close(self) -> None:
        """Say goodbye, end the session and let `run` return. Does nothing the second time."""
