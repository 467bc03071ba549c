"""One session at a relay, opened again whenever it ends, with the states of a route.

Spec: docs/transport.md §10.4, §10.7
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from hotline.core.errors import LinkError
from hotline.transport.link import Event, State, Timings, backoff_s, count_failures
from hotline.transport.relay.calling import NotTheRelayError
from hotline.transport.relay.client import Mailboxes
from hotline.transport.route import Chance, Monotonic, OnFault

ABSENT_BASE_S = 4.0
"""First wait for a mailbox that is not there; refused AUTHs are counted by address."""
MAX_PAUSE_S = 600.0
"""Longest wait after a relay refused cells several times in a row."""

Open = Callable[[], AbstractAsyncContextManager[Mailboxes]]
"""Opens a session that is ready for use: its mailbox is there, and subscribed to or not."""

Happen = Callable[["Redialing", Event, str], Awaitable[None]]
"""Takes what happens to a session."""


class AbsentError(LinkError):
    """The relay is there and knows no such mailbox."""


class Redialing:
    """Opens a session, holds it, waits with full jitter, opens it again.

    Attributes:
        state: As `link.ROWS` has it; `why`: one clause. Whoever hears what happens keeps them.
    """

    def __init__(
        self,
        open_session: Open,
        happen: Happen,
        on_fault: OnFault,
        *,
        clock: Monotonic,
        chance: Chance,
        timings: Timings,
    ) -> None:
        """Prepare; nothing is opened before `keep`."""
        self._open, self._happen, self._on_fault = open_session, happen, on_fault
        self._clock, self._chance, self._timings = clock, chance, timings
        self.state, self.why = State.DOWN, "nothing was tried yet"
        self._session: Mailboxes | None = None
        self._dropped: asyncio.Future[tuple[str, float]] | None = None
        self._absent = self._refused = 0

    @property
    def session(self) -> Mailboxes | None:
        """The session that is open now."""
        return self._session if self.state is State.UP else None

    async def keep(self) -> None:
        """Open sessions until cancelled. Spec: docs/transport.md §6.2, §6.3."""
        failures = 0
        while True:
            began = self._clock()
            wait_s = await self._attempt()
            failures = count_failures(failures, self._clock() - began, self._timings.stable_s)
            await asyncio.sleep(max(wait_s, self._backoff_s(failures)))

    def _backoff_s(self, failures: int) -> float:
        if self.state is State.BLOCKED:
            return self._timings.blocked_s
        return backoff_s(failures, self._chance(), self._timings.backoff_cap_s)

    async def _attempt(self) -> float:
        """Open once and hold what opens; return the seconds to wait at least."""
        await self._happen(self, Event.DIALED, "the relay is dialled")
        try:
            async with self._open() as session:
                self._absent = 0
                return await self._hold(session)
        except NotTheRelayError as error:
            await self._happen(self, Event.MISMATCHED, str(error))
        except AbsentError as error:
            await self._happen(self, Event.FAILED, str(error))
            return self._absent_s()
        except LinkError as error:
            await self._fail(str(error))
        except Exception as fault:  # noqa: BLE001 - a bug of ours must not end the dialing
            self._on_fault(fault)
            await self._fail("dialing met a fault of this station")
        return 0.0

    async def _fail(self, why: str) -> None:
        """Say that nothing opened; what fails while a session ends was said already."""
        if self.state is State.DIALING:
            await self._happen(self, Event.FAILED, why)

    def _absent_s(self) -> float:
        """Spec: docs/transport.md §10.7."""
        ceiling_s = min(self._timings.blocked_s, ABSENT_BASE_S * 2.0 ** min(self._absent, 16))
        self._absent += 1
        return ceiling_s * (0.5 + 0.5 * self._chance())

    async def _hold(self, session: Mailboxes) -> float:
        """Be UP with a session until it ends or is dropped; return the seconds to wait."""
        self._session = session
        self._dropped = asyncio.get_running_loop().create_future()
        ended = asyncio.create_task(session.ended())
        why, wait_s = "the route was closed", 0.0
        try:
            await self._happen(self, Event.OPENED, "the relay answers")
            both: tuple[asyncio.Future[Any], ...] = (ended, self._dropped)
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            dropped = self._dropped.done()
            why, wait_s = self._dropped.result() if dropped else (_clause(ended.result()), 0.0)
        finally:
            ended.cancel()
            self._session = self._dropped = None
            await self._happen(self, Event.LOST, why)
        return wait_s

    def drop(self, why: str, wait_s: float = 0.0) -> None:
        """End the session that is open, and do not open another one for a while."""
        if self._dropped is not None and not self._dropped.done():
            self._dropped.set_result((why, wait_s))

    def pause(self, why: str, asked_s: float) -> None:
        """End the session because the relay takes no cell now; longer each time in a row.

        Spec: docs/transport.md §10.7
        """
        wait_s = min(MAX_PAUSE_S, asked_s * 2.0 ** min(self._refused, 16))
        self._refused += 1
        self.drop(why, wait_s)

    def served(self) -> None:
        """Note that the relay took a cell: it refuses none now."""
        self._refused = 0


def _clause(why: BaseException | None) -> str:
    return str(why) if isinstance(why, LinkError) else "the session at the relay ended"
