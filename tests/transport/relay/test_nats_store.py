"""The JetStream store holds to the suite on real servers, killed ones included.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import OperatorError
from hotline.core.values import sha256
from hotline.transport.relay.nats_opening import open_nats
from hotline.transport.relay.nats_store import NatsStore
from hotline.transport.relay.store import Box, Creation, Outcome
from tests.transport.relay.conformance import (
    CHECKS,
    RECIPIENT,
    SENDER,
    SMALL,
    bodies,
    make_box,
    put,
)
from tests.transport.relay.nats_servers import NatsServer
from tests.transport.relay.rig import cell, new_box
from tests.transport.rig import until

LITTLE_BYTES = 200_000
CUT_AFTER = 40
ELSEWHERE = ("kill_before_a_commit", "kill_after_a_commit", "power_cut")
"""Points inside a server, which only the server's own tests can reach; and the power cut,
which needs a disk of its own (test_nats_power.py)."""


async def open_store(*servers: NatsServer, replicas: int = 1, **changes: Any) -> NatsStore:
    settings: dict[str, Any] = {
        "replicas": replicas,
        "keep_s": 86_400,
        "cells_per_box": SMALL.cells,
        "clock": time.monotonic,
    }
    return await open_nats(
        [one.url for one in servers], [one.monitor for one in servers], **(settings | changes)
    )


@dataclass
class NatsKeeper:
    server: NatsServer
    opened: list[NatsStore] = field(default_factory=list)

    async def open(self) -> NatsStore:
        self.opened.append(await open_store(self.server))
        return self.opened[-1]

    async def open_full(self) -> NatsStore:
        """Lower the stream's limit to what it holds."""
        store = await self.open()
        about = await store._js.describe("hotline_cells")
        assert about is not None
        await self._limit(store, about["state"]["bytes"])
        return store

    async def _limit(self, store: NatsStore, max_bytes: int) -> None:
        about = await store._js.describe("hotline_cells")
        assert about is not None
        await store._js.call(
            "STREAM.UPDATE.hotline_cells", about["config"] | {"max_bytes": max_bytes}
        )

    async def close(self) -> None:
        await self._limit(await self.open(), 100_000_000)
        for store in self.opened:
            await store.close()

    async def kill_while_putting(self, way: str) -> tuple[Box, list[bytes]]:
        """Kill the server while cells are put, and start it again."""
        assert way == "random"
        store, acknowledged, boxes = await self.open(), [], []
        killed = asyncio.Event()

        async def put_on() -> None:
            while not killed.is_set():
                box = await make_box(store)
                for _ in range(SMALL.cells):
                    one = cell(1_000)
                    if await put(store, box, one) is Outcome.STORED:
                        acknowledged.append((box, one))

        writers = [asyncio.create_task(put_on()) for _ in range(4)]
        await until(lambda: len(acknowledged) > CUT_AFTER)
        self.server.kill()
        killed.set()
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await store.close()
        await asyncio.to_thread(self.server.start().wait)
        again = await self.open()
        for box in {box for box, _ in acknowledged}:
            held = await bodies(again, box)
            boxes.append((box, held))
            sent = {one for of, one in acknowledged if of == box}
            assert sent <= set(held), f"{len(sent - set(held))} acknowledged cells are lost"
        box = boxes[0][0]
        return box, [one for of, one in acknowledged if of == box]


@pytest.fixture
async def keeper(server: NatsServer) -> AsyncIterator[NatsKeeper]:
    kept = NatsKeeper(server)
    yield kept
    await kept.close()


@pytest.mark.parametrize("check", [one for one in CHECKS if not one.startswith(ELSEWHERE)])
async def test_nats_store(keeper: NatsKeeper, check: str) -> None:
    await CHECKS[check](keeper)


async def test_cell_put_at_one_relay_wakes_another(keeper: NatsKeeper) -> None:
    here, there = await keeper.open(), await keeper.open()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    there.on_arrival(arrived.put_nowait)
    box, one = await make_box(here), cell()
    await put(here, box, one)
    async with asyncio.timeout(10):
        assert await arrived.get() == box.id
    assert await bodies(there, box) == [one]
    assert await there.consume(box.id, [sha256(one)]) == 1
    assert await bodies(here, box) == []


async def test_token_of_a_box_whose_drop_was_cut_short_makes_another(keeper: NatsKeeper) -> None:
    store, token = await keeper.open(), new_box() * 2
    first, second = (Box(new_box(), RECIPIENT, SENDER) for _ in range(2))
    assert await store.create(first, token) is Creation.MADE
    await store._js.publish("hotline.box." + first.id.hex(), bytes(8))
    assert await store.create(second, token) is Creation.MADE
    assert await store.create(first, token) is Creation.TAKEN


async def test_relay_does_not_start_on_a_server_that_syncs_now_and_then(
    binary: str, tmp_path: Path
) -> None:
    lazy = NatsServer(binary, tmp_path, sync="").start().wait()
    try:
        with pytest.raises(OperatorError, match="sync_interval: always"):
            await open_store(lazy)
    finally:
        lazy.kill()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"discard": "old", "discard_new_per_subject": False}, "discard old"),
        ({"max_msgs_per_subject": 5}, "another quota"),
        ({"duplicate_window": 60 * 10**9}, "kept twice"),
        ({"max_msg_size": 1_000}, "would not fit"),
        ({"max_age": 60 * 10**9, "duplicate_window": 60 * 10**9}, "before they expire"),
    ],
)
async def test_relay_does_not_start_on_a_stream_that_loses(
    keeper: NatsKeeper, change: dict[str, Any], words: str
) -> None:
    store = await keeper.open()
    about = await store._js.describe("hotline_cells")
    assert about is not None
    await store._js.call("STREAM.UPDATE.hotline_cells", about["config"] | change)
    try:
        with pytest.raises(OperatorError, match=words):
            await keeper.open()
    finally:
        await store._js.call("STREAM.UPDATE.hotline_cells", about["config"])


async def test_relay_does_not_start_without_the_replicas_it_was_promised(
    keeper: NatsKeeper,
) -> None:
    await keeper.open()
    with pytest.raises(OperatorError, match="fewer servers"):
        await open_store(keeper.server, replicas=3)


async def test_relay_does_not_start_where_its_streams_cannot_be_made(
    binary: str, tmp_path: Path
) -> None:
    alone = NatsServer(binary, tmp_path).start().wait()
    try:
        with pytest.raises(OperatorError, match="does not make stream hotline_cells"):
            await open_store(alone, replicas=3)
    finally:
        alone.kill()


async def test_relay_does_not_start_without_a_monitor(server: NatsServer) -> None:
    with pytest.raises(OperatorError, match="no server's settings"):
        await open_nats(
            [server.url], [], replicas=1, keep_s=1, cells_per_box=1, clock=time.monotonic
        )
