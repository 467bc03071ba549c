"""What the dialer and the listener have in common: state, session, callbacks, an end.

Spec: docs/transport.md §1, §6
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypedDict

from websockets.asyncio.connection import Connection
from websockets.typing import Subprotocol

from hotline.core.errors import InvariantError, LinkError
from hotline.transport.allowance import Allowance
from hotline.transport.frames import MAX_FRAME_BYTES, Cell
from hotline.transport.link import Event, State, Timings, step
from hotline.transport.proof import Party
from hotline.transport.route import Monotonic, OnCell, OnFault, OnState
from hotline.transport.session import CLOSE_LEAVING, CLOSE_NORMAL, Session
from hotline.transport.tls import cut_record_buffer

PATH = "/hotline"
SUBPROTOCOL = Subprotocol("hotline.v2")
FORBIDDEN = 403
"""The listener's HTTP answer to a key that is not pinned."""
MAX_QUEUED_MESSAGES = 8
WRITE_LIMIT_BYTES = 65_536


class Endpoint(ABC):
    """One end of a route. Callbacks come one at a time, in order.

    Attributes:
        refused: How often something was refused, by reason.
    """

    def __init__(
        self,
        name: str,
        *,
        party: Party,
        on_cell: OnCell,
        on_state: OnState,
        on_fault: OnFault,
        clock: Monotonic,
        timings: Timings,
        allowed: Allowance,
    ) -> None:
        self._name, self._party, self._allowed = name, party, allowed
        self._on_cell, self._on_state, self._on_fault = on_cell, on_state, on_fault
        self._clock, self._timings = clock, timings
        self.refused: Counter[str] = Counter()
        self._state = State.DOWN
        self._session: Session | None = None
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closed = False
        self._work: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The route's name in settings and events."""
        return self._name

    @property
    def state(self) -> State:
        """Where the route is."""
        return self._state

    @property
    def stores(self) -> bool:
        """Whether what was sent may be read much later: never, here."""
        return False

    @property
    def up(self) -> bool:
        """Whether a cell can be handed over now."""
        return self._state is State.UP and self._session is not None and self._session.open

    def _current(self) -> Session:
        if self._session is None or not self.up:
            raise LinkError(f"route {self._name} is {self._state}")
        return self._session

    async def send(self, cell: bytes) -> None:
        """Hand one cell to the socket; see `Route.send`."""
        await self._current().put(Cell(cell))

    async def ping(self) -> float:
        """Return the round trip to the other reader in seconds; see `Route.ping`."""
        return await self._current().ping()

    async def run(self) -> None:
        """Keep the route going until it is cancelled or closed; see `Route.run`."""
        if self._closed:
            return
        cut_record_buffer()
        self._work = asyncio.create_task(self._whole())
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._ended_by_close():
                raise

    def _ended_by_close(self) -> bool:
        """Tell a `run` that `close` ends from one whose caller cancelled it."""
        task = asyncio.current_task()
        return self._closed and (task is None or not task.cancelling())

    async def _whole(self) -> None:
        try:
            await self._keep()
        finally:
            if self._state is not State.DOWN:
                await self._happen(Event.CLOSED, "the route was closed")

    @abstractmethod
    async def _keep(self) -> None:
        """Open sessions until cancelled."""

    async def close(self) -> None:
        """Say goodbye, end the session and let `run` return; see `Route.close`."""
        self._closed = True
        if self._session is not None:
            await self._session.stop(CLOSE_LEAVING)
        # What the reader is delivering may finish: it is on its way into the ledger.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timings.close_timeout_s):
                await self._quiet.wait()
        if self._work is not None:
            self._work.cancel()
            if self._work is not asyncio.current_task():
                await asyncio.wait([self._work])

    async def _hold(self, socket: Connection, reason: str, pace: Allowance) -> None:
        """Be UP with this connection until it ends; `pace`: how fast the other end reads."""
        session = Session(
            socket, self._deliver, self._timings, (self._allowed, pace), self._clock, self.refused
        )
        self._session = session
        self._quiet.clear()
        why, code = "the route was closed", CLOSE_LEAVING
        try:
            await self._happen(Event.OPENED, reason)
            why, code = await session.read(), CLOSE_NORMAL
        finally:
            try:
                await session.stop(code)
            finally:
                self._session = None
                self._quiet.set()
                await self._happen(Event.LOST, why)

    async def _deliver(self, cell: bytes) -> None:
        """Wait for the station to take the cell; its faults do not end the route.

        Spec: docs/transport.md §5.2
        """
        await self._sheltered(self._on_cell, cell)

    async def _happen(self, event: Event, reason: str) -> None:
        taken = step(self._state, event)
        if not taken.known:
            self._report(InvariantError(f"route {self._name}: {taken.note}"))
            return
        self._state = taken.state
        await self._sheltered(self._on_state, str(taken.state), reason)

    async def _sheltered(self, callback: Callable[..., Awaitable[None]], *said: object) -> None:
        try:
            await callback(*said)
        except Exception as fault:  # noqa: BLE001 - whatever the station let out, the route goes on
            self._report(fault)

    def _report(self, fault: Exception) -> None:
        # A reporter that fails has nobody left to tell; the route still goes on.
        with contextlib.suppress(Exception):
            self._on_fault(fault)


class SocketLimits(TypedDict):
    """The library's settings that both ends share."""

    compression: None
    open_timeout: float
    ping_interval: float
    ping_timeout: float
    close_timeout: float
    max_size: int
    max_queue: int
    write_limit: int


def socket_limits(timings: Timings) -> SocketLimits:
    """Return the library settings for `timings`; compression would leak lengths and cost memory.

    Spec: docs/transport.md §5.1
    """
    return SocketLimits(
        compression=None,
        open_timeout=timings.open_timeout_s,
        ping_interval=timings.ping_interval_s,
        ping_timeout=timings.ping_timeout_s,
        close_timeout=timings.close_timeout_s,
        max_size=MAX_FRAME_BYTES,
        max_queue=MAX_QUEUED_MESSAGES,
        write_limit=WRITE_LIMIT_BYTES,
    )
