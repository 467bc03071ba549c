"""One route of several: its health, and whose turn it is to send by it.

Spec: docs/transport.md §11.3
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hotline.core.errors import LinkError
from hotline.core.protocols.route_health import SLOW_FACTOR, RouteHealth, RouteState
from hotline.station.under_way import Sent
from hotline.transport.route import Route

CONFIRM_S = 2.0
"""A route that took something, or is not well, is pinged so often; others at their own pace."""
PRESSING_S = 0.5
"""And one that took so much that it should be confirmed at once."""
WAIT_S = 3.0
"""An answer, and the end of one send, is waited for so long at least."""


@dataclass(slots=True)
class Lane:
    """A route and how well it is.

    Attributes:
        ping_s: Pause between two pings while nothing is said.
        ill: Is called when something did not come, or go, in time.
        turn: Whoever sends holds it, so that cells keep their order.
        asked_s: When it was pinged last; `asking`: whether the answer is awaited.
    """

    name: str
    route: Route
    ping_s: float
    ill: Callable[[], None]
    health: RouteHealth = field(default_factory=RouteHealth)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_s: float = float("-inf")
    asking: bool = False

    @property
    def wait_s(self) -> float:
        """How long an answer may take."""
        return max(WAIT_S, SLOW_FACTOR * (self.health.srtt_s or 0.0))

    def is_due(self, now_s: float, *, took: bool, pressing: bool) -> bool:
        """Return whether the route is to be pinged now.

        Args:
            took: Whether it took something that nobody has confirmed; `pressing`: much.
        """
        if not self.route.up or self.asking:
            return False
        well = self.health.state is RouteState.UP and self.health.srtt_s is not None
        pause_s = self.ping_s if well and not took else min(CONFIRM_S, self.ping_s)
        if took and pressing:
            pause_s = PRESSING_S
        return now_s - self.asked_s >= pause_s

    async def hand(self, sent: Sent) -> None:
        """Give the route a cell.

        Raises:
            LinkError: it is not up, broke while sending, or took too long.
        """
        sent.by.add(self.name)
        try:
            async with asyncio.timeout(self.wait_s):
                await self.route.send(sent.cell)
        except TimeoutError as error:
            sent.by.discard(self.name)
            self._falter()
            raise LinkError(f"route {self.name} did not take a cell in time") from error
        except BaseException:
            sent.by.discard(self.name)
            raise
        sent.done.add(self.name)

    async def ping(self) -> float:
        """Return the round trip in seconds, and note what it says of the route.

        Raises:
            LinkError: it is not up, or did not answer in time.
        """
        self.asking = True
        try:
            async with asyncio.timeout(self.wait_s):
                round_trip_s = await self.route.ping()
        except (TimeoutError, LinkError) as error:
            self._falter()
            raise LinkError(f"route {self.name} did not answer in time") from error
        finally:
            self.asking = False
        self.health = self.health.answered(round_trip_s, asyncio.get_running_loop().time())
        return round_trip_s

    def _falter(self) -> None:
        self.health = self.health.unanswered()
        self.ill()
