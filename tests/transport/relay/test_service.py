"""The sweep, the log and the operator's page: docs/transport.md §9.5, §9.8."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from hotline.core.errors import LinkError, StorageError
from hotline.core.values import sha256
from hotline.transport.relay import monitor, service
from hotline.transport.relay.monitor import Monitor
from hotline.transport.relay.service import Service
from hotline.transport.relay.sqlite_store import SqliteStore
from tests.transport.relay.conformance import SENDER, make_box
from tests.transport.relay.rig import Rig, cell, later
from tests.transport.rig import until

SWEEP_S = 0.02


class Idle:
    """A server that nobody calls."""

    async def run(self) -> None:
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def swept(rig: Rig) -> AsyncIterator[tuple[Service, SqliteStore, asyncio.Task[None]]]:
    async with rig.running() as store:
        assert isinstance(store, SqliteStore)
        assert rig.premises is not None
        work = Service(rig.premises, Idle(), sweep_s=SWEEP_S)  # type: ignore[arg-type]
        running = asyncio.create_task(work.run())
        yield work, store, running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_sweep_expires_cells_and_counts_what_is_held(rig: Rig) -> None:
    now_ms = [later(0)]
    rig.clock = lambda: now_ms[0]
    async with swept(rig) as (work, store, _):
        box, one = await make_box(store), cell()
        await store.put(box.id, SENDER, sha256(one), one, later(1))
        await until(lambda: "\nhotline_relay_held_cells 1\n" in work.page())
        now_ms[0] = later(2)
        await until(lambda: rig.metrics.cells["expired"] == 1)
        await until(lambda: "\nhotline_relay_held_cells 0\n" in work.page())
        assert work.healthy


async def test_store_that_fails_is_told_and_given_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_FAILED_SWEEPS", 2)
    async with swept(rig) as (work, store, running):
        await until(lambda: work.healthy)
        store._writer.broken = True
        with pytest.raises(StorageError, match="has failed"):
            await running
        assert not work.healthy
        assert "\nhotline_relay_store_writable 0\n" in work.page()
    assert [event for event, _ in rig.tally.events] == ["store", "store"]
    assert rig.tally.events[-1][1]["writable"] is False


async def test_refusals_are_reported_by_the_minute_not_one_by_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REPORT_S", 2 * SWEEP_S)
    rig.metrics.refused["path"] += 3
    async with swept(rig):
        await until(lambda: ("refused", {"path": 3}) in rig.tally.events)
        rig.metrics.refused["path"] += 1
        await until(lambda: ("refused", {"path": 1}) in rig.tally.events)


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except OSError:
            return b""
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def monitored(healthy: bool = True) -> AsyncIterator[int]:
    server = await Monitor(lambda: "page\n", lambda: healthy).open("127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"200"),
        (b"GET /other HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + bytes(2 * monitor.MAX_REQUEST_BYTES), b"400"),
    ],
    ids=["metrics", "other", "post", "tls", "oversized"],
)
async def test_monitor_answers_its_two_questions_only(request_head: bytes, status: bytes) -> None:
    async with monitored() as port:
        answer = await ask(port, request_head)
    # What is left unread of an oversized request may reset the connection first.
    assert answer.startswith(b"HTTP/1.1 " + status) or (not answer and len(request_head) > 4_096)


async def test_monitor_says_when_the_relay_is_not_well() -> None:
    async with monitored(healthy=False) as port:
        assert b" 503 " in await ask(port, b"GET /healthz HTTP/1.1\r\n\r\n")


async def test_monitor_drops_a_visitor_that_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor, "WAIT_S", 0.1)
    async with monitored() as port:
        assert await ask(port, b"GET /metr") == b""


async def test_monitor_on_a_port_in_use_says_so() -> None:
    async with monitored() as port:
        with pytest.raises(LinkError, match="cannot be bound"):
            await Monitor(lambda: "", lambda: True).open("127.0.0.1", port)
