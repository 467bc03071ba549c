"""What pushes the cells of subscribed mailboxes, as far as the recipient's window reaches.

Spec: docs/transport.md §9.4
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from hotline.core.errors import StorageError
from hotline.transport.relay.frames import Push
from hotline.transport.relay.outgoing import Outgoing
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.store import Held

FETCHED_AT_ONCE = 16
Shelter = Callable[[Awaitable[None]], Coroutine[Any, Any, None]]
"""Runs work of a session; when it fails, it ends that session."""

POLL_S = 15.0
"""Another relay's word that a cell arrived may be lost; this finds the cell."""


class Pump:
    """One task for each subscribed mailbox of a session; one window for all.

    Attributes:
        tasks: Those that run, for whoever ends the session.
    """

    def __init__(self, premises: Premises, outgoing: Outgoing, shelter: Shelter) -> None:
        self._premises, self._outgoing, self._shelter = premises, outgoing, shelter
        self._by_box: dict[bytes, asyncio.Task[None]] = {}
        self._in_flight: dict[tuple[bytes, bytes], int] = {}
        self._in_flight_bytes = 0
        self._opened = asyncio.Event()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Return the running tasks."""
        return list(self._by_box.values())

    def has_room(self, box: bytes) -> bool:
        """Return whether this session may subscribe to `box`, too."""
        return box in self._by_box or len(self._by_box) < self._premises.limits.boxes

    def start(self, box: bytes, after: int) -> None:
        """Push the cells behind `after`, from now on; an older subscription of `box` ends."""
        self.stop(box)
        self._by_box[box] = asyncio.create_task(self._shelter(self._run(box, after)))

    def stop(self, box: bytes) -> None:
        """Push nothing more of `box`."""
        task = self._by_box.pop(box, None)
        if task is not None:
            task.cancel()
        self.forget(box, [cell for of, cell in self._in_flight if of == box])

    def forget(self, box: bytes, ids: Sequence[bytes]) -> None:
        """Open the window by cells that the recipient has consumed."""
        for cell_id in ids:
            self._in_flight_bytes -= self._in_flight.pop((box, cell_id), 0)
        self._opened.set()

    async def _run(self, box: bytes, after: int) -> None:
        with self._premises.hub.waiting(box) as arrived:
            while True:
                arrived.clear()
                for held in (found := await self._fetch(box, after)):
                    await self._push(box, held)
                    after = held.position
                if not found:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await arrived.wait()

    async def _fetch(self, box: bytes, after: int) -> Sequence[Held]:
        try:
            return await self._premises.store.fetch(box, after, FETCHED_AT_ONCE)
        except StorageError:
            return ()  # The reader's answers say FAULT; here the next look may find them.

    async def _push(self, box: bytes, held: Held) -> None:
        limits, size = self._premises.limits, len(held.body)
        while (
            len(self._in_flight) >= limits.window_cells
            or self._in_flight_bytes + size > limits.window_bytes
        ):
            self._opened.clear()
            await self._opened.wait()
        self._in_flight_bytes += size - self._in_flight.get((box, held.id), 0)
        self._in_flight[box, held.id] = size
        await self._outgoing.send(Push(box, held.position, held.expires_ms, held.body))
        self._premises.metrics.cells["pushed"] += 1
