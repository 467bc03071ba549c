"""A relay at work: the server, the sweep that expires and looks, the operator's page.

Spec: docs/transport.md §9.5, §9.8
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from hotline.core.errors import StorageError
from hotline.transport.relay.metrics import render
from hotline.transport.relay.monitor import Monitor
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.server import Relay
from hotline.transport.relay.store import Census, Health

SWEEP_S = 5.0
REPORT_S = 60.0
MAX_FAILED_SWEEPS = 12
"""A store that says nothing for a minute is given up: whoever watches the relay restarts it."""

UNKNOWN = Health(False, False, -1, 0, 0)


class Service:
    """Runs a relay until it is cancelled or its store is lost."""

    def __init__(self, premises: Premises, relay: Relay, *, sweep_s: float = SWEEP_S) -> None:
        self._premises, self._relay, self._sweep_s = premises, relay, sweep_s
        self._health, self._census = UNKNOWN, Census(0, 0, 0)
        self._failed = 0
        self._reported: Counter[str] = Counter()

    @property
    def healthy(self) -> bool:
        """Whether the last sweep's write was durable."""
        return self._health.writable

    def page(self) -> str:
        """Return the metrics as of the last sweep."""
        return render(self._premises.metrics, self._health, self._census)

    async def run(self, metrics_at: tuple[str, int] | None = None) -> None:
        """Serve, sweep and answer the operator.

        Raises:
            LinkError: an address cannot be bound.
            StorageError: the store failed for good.
        """
        await self._sweep()
        if not self.healthy:
            raise StorageError("the relay's store takes no durable write")
        async with self._monitored(metrics_at):
            serving = asyncio.create_task(self._relay.run())
            sweeping = asyncio.create_task(self._keep_sweeping())
            try:
                done, _ = await asyncio.wait(
                    (serving, sweeping), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
            finally:
                serving.cancel()
                sweeping.cancel()
                await asyncio.gather(serving, sweeping, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _monitored(self, at: tuple[str, int] | None) -> AsyncIterator[None]:
        if at is None:
            yield
            return
        server = await Monitor(self.page, lambda: self.healthy).open(*at)
        try:
            yield
        finally:
            server.close()

    async def _keep_sweeping(self) -> None:
        since_report_s = 0.0
        while True:
            await asyncio.sleep(self._sweep_s)
            await self._sweep()
            if self._failed >= MAX_FAILED_SWEEPS:
                raise StorageError("the relay's store has failed")
            since_report_s += self._sweep_s
            if since_report_s >= REPORT_S:
                since_report_s = 0.0
                self._report_refusals()

    async def _sweep(self) -> None:
        """Expire what is over, tell its senders, look at the store."""
        before, metrics = self._health, self._premises.metrics
        try:
            await self._expire()
            self._health = await self._premises.store.health()
            self._census = await self._premises.store.census()
        except StorageError:
            self._health = UNKNOWN
        self._failed = 0 if self._health.writable else self._failed + 1
        metrics.waiting = self._premises.store.depth
        if (before.writable, before.taking) != (self._health.writable, self._health.taking):
            self._premises.tell(
                "store",
                writable=self._health.writable,
                taking=self._health.taking,
                free_bytes=self._health.free_bytes,
                replicas_behind=self._health.behind,
            )

    async def _expire(self) -> None:
        for box, cell_id in await self._premises.store.expire(self._premises.clock()):
            self._premises.metrics.cells["expired"] += 1
            self._premises.hub.expired(box, cell_id)

    def _report_refusals(self) -> None:
        """Say once a minute how many were refused, by reason: a flood fills no log."""
        refused = self._premises.metrics.refused
        fresh = {reason: count - self._reported[reason] for reason, count in refused.items()}
        fresh = {reason: count for reason, count in fresh.items() if count}
        if fresh:
            self._reported = Counter(refused)
            self._premises.tell("refused", **fresh)
