"""Wrong, hostile and useless listeners in front of a dialer.

Spec: docs/transport.md §2.2, §3.1, §3.2, §3.4, §4.2, §6.2, §6.3
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hotline.transport.allowance import Allowance
from hotline.transport.proving import challenge
from hotline.transport.tls import pinned, server_context
from tests.transport.rig import FAST, Pair, until, with_wrong_pin

PATIENT = replace(FAST, backoff_cap_s=30.0)
Handler = Callable[[ServerConnection], Awaitable[None]]


async def hang_up_at_once(socket: ServerConnection) -> None:
    await socket.close()


@contextlib.asynccontextmanager
async def false_listener(
    pair: Pair, handler: Handler = hang_up_at_once, **changes: Any
) -> AsyncIterator[None]:
    """Listen with NORTH's papers and key, and behave as `handler` and `changes` say."""

    async def welcome(socket: ServerConnection) -> None:
        await challenge(socket, pair.as_north_party(), pair.seen, Allowance(), 0)
        await handler(socket)

    settings: dict[str, Any] = {
        "ssl": server_context(pair.north.identity, pinned(pair.south.der)),
        "subprotocols": [Subprotocol("hotline.v2")],
        "compression": None,
        "close_timeout": 0.2,
    }
    async with serve(welcome, "127.0.0.1", 0, **(settings | changes)) as server:
        pair.address = server.sockets[0].getsockname()[:2]
        yield


async def test_listener_with_another_certificate_blocks_until_the_right_one_is_back(
    pair: Pair,
) -> None:
    dialer = pair.dialer()
    async with pair.running(dialer):
        async with pair.running(pair.listener(identity=pair.stranger.identity)):
            await until(lambda: "BLOCKED" in pair.south_log.words)
            assert not dialer.up
            assert dialer.refused["pin"] >= 1
            assert "certificate" in str(pair.south_log.faults[0])
        async with pair.running(pair.listener()):
            await until(lambda: dialer.up)
    assert pair.north_log.words.count("UP") == 1


async def test_listener_with_a_key_that_is_not_pinned_blocks(pair: Pair) -> None:
    dialer = pair.dialer(peer=with_wrong_pin(pair.north))
    async with pair.running(pair.listener(), dialer):
        await until(lambda: dialer.dials >= 2)
    assert "UP" not in pair.south_log.words
    reason = "the listener's certificate is not the one on its card"
    assert ("BLOCKED", reason) in pair.south_log.states


async def test_blocked_route_waits_its_own_time(pair: Pair) -> None:
    dialer = pair.dialer(replace(FAST, blocked_s=0.7), peer=with_wrong_pin(pair.north))
    async with pair.running(pair.listener(), dialer):
        await until(lambda: "BLOCKED" in pair.south_log.words)
        began = time.monotonic()
        await until(lambda: dialer.dials == 2)
        assert time.monotonic() - began >= 0.6


async def test_listener_that_speaks_tls12_only_is_refused(pair: Pair) -> None:
    old = server_context(pair.north.identity, pinned(pair.south.der))
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with false_listener(pair, ssl=old), pair.running(pair.dialer()):
        await until(lambda: "DOWN" in pair.south_log.words)
    assert "UP" not in pair.south_log.words


async def test_listener_without_tls_is_refused(pair: Pair) -> None:
    async with false_listener(pair, ssl=None), pair.running(pair.dialer()):
        await until(lambda: "DOWN" in pair.south_log.words)
    assert "UP" not in pair.south_log.words


async def test_listener_without_the_subprotocol_is_refused(pair: Pair) -> None:
    async with false_listener(pair, subprotocols=None), pair.running(pair.dialer()):
        reason = "the listener does not speak hotline.v2"
        await until(lambda: ("DOWN", reason) in pair.south_log.states)
    assert "UP" not in pair.south_log.words


async def test_listener_that_does_not_know_this_station_leaves_a_hint(pair: Pair) -> None:
    dialer = pair.dialer(identity=pair.stranger.identity)
    async with pair.running(pair.listener(), dialer):
        await until(lambda: "DOWN" in pair.south_log.words)
    assert any("may not know our certificate" in reason for _, reason in pair.south_log.states)


async def test_redirect_leads_nowhere_else(pair: Pair) -> None:
    asked: list[str] = []

    def elsewhere(socket: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        answer = socket.respond(302, "")
        answer.headers["Location"] = f"wss://127.0.0.1:{bait[1]}/hotline"
        return answer

    async with pair.running(pair.listener()):
        bait = pair.address
        async with false_listener(pair, process_request=elsewhere), pair.running(pair.dialer()):
            await until(lambda: len(asked) >= 2)
    assert "UP" not in pair.south_log.words + pair.north_log.words


async def test_proxy_in_the_environment_is_ignored(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "wss_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    dialer = pair.dialer()
    async with pair.running(pair.listener(), dialer):
        await until(lambda: dialer.up)


async def test_listener_that_accepts_and_closes_does_not_make_the_dialer_spin(
    pair: Pair,
) -> None:
    dialer = pair.dialer(PATIENT)
    async with false_listener(pair), pair.running(dialer):
        began = time.monotonic()
        await until(lambda: dialer.dials >= 3)
        assert time.monotonic() - began >= 0.5 + 1.0
    assert pair.south_log.words.count("UP") >= 2


async def test_failures_count_on_until_a_session_was_stable(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the injected clock the third session lasts 40 s, the others none."""
    counted: list[int] = []
    readings = itertools.chain([0.0] * 11, [40.0], itertools.repeat(40.0))

    def no_wait(failures: int, fraction: float, cap_s: float) -> float:
        counted.append(failures)
        return 0.01 * fraction * (cap_s > 0)

    monkeypatch.setattr("hotline.transport.dialer.backoff_s", no_wait)
    dialer = pair.dialer(clock=lambda: next(readings))
    async with false_listener(pair), pair.running(dialer):
        await until(lambda: len(counted) >= 5)
    assert counted[:5] == [1, 2, 1, 2, 3]


async def test_silent_listener_is_left_at_the_open_timeout(pair: Pair) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    pair.address = server.sockets[0].getsockname()[:2]
    async with server, pair.running(pair.dialer(replace(FAST, open_timeout_s=0.2))):
        reason = "the listener did not answer in time"
        await until(lambda: ("DOWN", reason) in pair.south_log.states)


async def test_listener_that_sends_a_text_message_loses_its_session(pair: Pair) -> None:
    codes: list[int | None] = []

    async def texts(socket: ServerConnection) -> None:
        await socket.send("text")
        await socket.wait_closed()
        codes.append(socket.close_code)

    dialer = pair.dialer()
    async with false_listener(pair, texts), pair.running(dialer):
        await until(lambda: codes)
    assert codes[0] == 4400
    assert dialer.refused["text"] >= 1
