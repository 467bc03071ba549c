"""Connecting a relay to NATS: every server and stream is checked before a cell is taken.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from hotline.core.errors import OperatorError, StorageError
from hotline.transport.relay import nats_checks as checks
from hotline.transport.relay.nats_api import ApiRefusalError, JetStream
from hotline.transport.relay.nats_store import NatsStore
from hotline.transport.route import Monotonic

MAX_PAGE_BYTES = 1_048_576
WAIT_S = 5.0
FOR_EVER = -1

NOT_MET_YET = {10005, 10008}
"""JetStream's codes for: no suitable peers for placement; temporarily unavailable."""
MEETING_S = 20.0
ASK_AGAIN_S = 0.5


async def open_nats(
    servers: Sequence[str],
    monitors: Sequence[tuple[str, int]],
    *,
    replicas: int,
    keep_s: int,
    cells_per_box: int,
    clock: Monotonic,
    max_bytes: int | None = None,
) -> NatsStore:
    """Check the servers, connect, make or check the streams.

    Args:
        servers: As in nats://HOST:PORT.
        monitors: The monitoring address of each server that may hold cells.
        max_bytes: What all cells may take, when the stream is made; a part of
            the smallest server's limit by default.

    Raises:
        OperatorError: a server or a stream may lose what it acknowledged, or cannot be asked.
        StorageError: JetStream does not answer.
    """
    pages = [await read_varz(host, port) for host, port in monitors]
    _refuse([doubt for page in pages for doubt in checks.server_doubts(page)])
    if not pages:
        _refuse(["no server's settings were checked; name each with --nats-monitor"])
    least = min(page["jetstream"]["config"]["max_storage"] for page in pages)
    wanted = [
        checks.stream_settings(
            name,
            replicas=replicas,
            keep_s=keep_s,
            cells_per_box=cells_per_box,
            max_bytes=max_bytes or int(least * checks.FILL_PART),
        )
        for name in (checks.CELLS, checks.BOXES)
    ]
    client = await _connect(servers)
    try:
        names = {page["server_name"] for page in pages}
        for one in wanted:
            await _settle_stream(JetStream(client), one, names)
        store = NatsStore(client, clock)
        await store.listen()
    except BaseException:
        await client.close()
        raise
    return store


async def _settle_stream(js: JetStream, wanted: dict[str, Any], checked: set[str]) -> None:
    found = await js.describe(wanted["name"]) or await _make_stream(js, wanted)
    _refuse(list(checks.stream_doubts(wanted, found, checked)))


async def _make_stream(js: JetStream, wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a stream; servers of a cluster that was just started need a moment to meet."""
    end_s = asyncio.get_running_loop().time() + MEETING_S
    while True:
        try:
            return await js.call(f"STREAM.CREATE.{wanted['name']}", wanted)
        except ApiRefusalError as refused:
            if refused.code in NOT_MET_YET and asyncio.get_running_loop().time() < end_s:
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            why = f"{refused.code}: {refused.words}"
            raise OperatorError(
                f"JetStream does not make stream {wanted['name']} ({why})",
                hint="look at its limits and at --nats-replicas (docs/operations.md)",
            ) from refused


def _refuse(doubts: list[str]) -> None:
    if doubts:
        raise OperatorError(
            "this relay's store could lose what it acknowledged: " + "; ".join(doubts),
            hint="set it right and start again (docs/operations.md)",
        )


async def _connect(servers: Sequence[str]) -> Client:
    client = Client()

    async def ignore(_: Exception) -> None:
        """Requests tell whoever asked; the library's own log would print over ours."""

    try:
        await client.connect(
            list(servers),
            error_cb=ignore,
            allow_reconnect=True,
            max_reconnect_attempts=FOR_EVER,
            reconnect_time_wait=1,
            connect_timeout=int(WAIT_S),
            no_echo=True,
        )
    except (NatsError, OSError, TimeoutError) as error:
        raise StorageError("no NATS server could be reached", hint="look at --store") from error
    return client


async def read_varz(host: str, port: int) -> dict[str, Any]:
    """Ask a server's monitor for /varz.

    Raises:
        OperatorError: it does not answer, or with something else.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=MAX_PAGE_BYTES)
            try:
                writer.write(f"GET /varz HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                page = b""
                while len(page) < MAX_PAGE_BYTES and (more := await reader.read(65_536)):
                    page += more
            finally:
                writer.transport.abort()
        varz: dict[str, Any] = json.loads(page.partition(b"\r\n\r\n")[2])
    except (OSError, TimeoutError, ValueError) as error:
        raise OperatorError(
            f"the NATS monitor at {host}:{port} gives no account of its server",
            hint="set `http` in the server's configuration, and name it with --nats-monitor",
        ) from error
    return varz
