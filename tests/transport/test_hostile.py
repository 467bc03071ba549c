"""A network of attackers in front of a listener while an honest peer works.

Each is bounded, each is counted, and none stops the honest line.
Spec: docs/transport.md §5.5, §5.8, §5.9, §5.10, §5.11, §13.1, §13.2
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
import gc
import os
import socket as sockets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from hotline.transport import greeting
from hotline.transport.allowance import Allowance
from hotline.transport.bounded import MAX_UNSENT_BYTES
from hotline.transport.dialer import Dialer
from hotline.transport.door import MAX_STRANGERS
from hotline.transport.frames import Cell, Ping, encode
from hotline.transport.listener import Listener
from tests.transport.rig import FAST, FREE, Pair, until
from tests.transport.test_listener import call, enter
from tests.transport.test_proving import STRANGER, chal_of

MAX_RTT_S = 3.0
"""Of the honest line, the slowest of a hundred, on a machine that is busy with other tests."""

IMPATIENT = replace(FAST, open_timeout_s=0.4, auth_timeout_s=0.4)
LOST = (OSError, WebSocketException, TimeoutError, EOFError)


class Attacker:
    """One address from which somebody keeps calling."""

    def __init__(self, pair: Pair, address: str) -> None:
        self.pair, self.address, self.calls = pair, address, 0

    async def dial(self, **how: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.calls += 1
        return await asyncio.open_connection(
            *self.pair.address, local_addr=(self.address, 0), **how
        )

    async def socket(self, **how: Any) -> Any:
        self.calls += 1
        return await call(self.pair, local_addr=(self.address, 0), open_timeout=5, **how)

    # --- what it does --------------------------------------------------------------------

    async def says_nothing(self) -> None:
        reader, writer = await self.dial()
        with contextlib.closing(writer):
            await reader.read()

    async def stops_after_tls(self) -> None:
        reader, writer = await self.dial(ssl=self.pair.as_south())
        with contextlib.closing(writer):
            await reader.read()

    async def drips_a_header(self) -> None:
        reader, writer = await self.dial(ssl=self.pair.as_south())
        with contextlib.closing(writer):
            for byte in b"GET /hotline HTTP/1.1\r\nX: " + b"x" * 1_000:
                writer.write(bytes((byte,)))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        if not await reader.read(1):
                            return

    async def sends_garbage(self) -> None:
        reader, writer = await self.dial()
        with contextlib.closing(writer):
            writer.write(b"\x16\x03\x01\x02\x00\x01" + os.urandom(2_000))
            await reader.read()

    async def speaks_plain_http(self) -> None:
        reader, writer = await self.dial()
        with contextlib.closing(writer):
            writer.write(b"GET /hotline HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.read()

    async def leaves_half_open(self) -> None:
        _, writer = await self.dial()
        plain = writer.get_extra_info("socket")
        # Gone without a word of TLS, by a reset.
        plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async def comes_from_a_browser(self) -> None:
        await self.socket(origin=Origin("https://console.example"))

    async def asks_for_another_path(self) -> None:
        await self.socket(uri=self.pair.uri + "/admin")

    async def brings_no_key(self) -> None:
        await self.socket(ssl=self.pair.as_south(self.pair.stranger))

    async def never_proves_itself(self) -> None:
        socket = await self.socket()
        await chal_of(socket)
        await socket.wait_closed()

    async def proves_somebody_else(self) -> None:
        socket = await self.socket()
        chal = await chal_of(socket)
        await self.pair.say_auth(socket, self.pair.auth(chal, signer=STRANGER))
        socket.transport.abort()

    async def floods_with_pings(self) -> None:
        socket = await self.socket()
        for _ in range(30):
            socket.transport.write(b"\x89\xfd" + bytes(4 + 125))
            socket.transport.write((b"\x89\xfd" + bytes(4 + 125)) * 100)
            await asyncio.sleep(0)
        await socket.wait_closed()

    async def speaks_before_it_is_asked(self) -> None:
        socket = await self.socket()
        for _ in range(20):
            await socket.send(encode(Cell(bytes(60_000))))
        await socket.wait_closed()


KINDS: tuple[Callable[[Attacker], Awaitable[None]], ...] = (
    Attacker.says_nothing,
    Attacker.stops_after_tls,
    Attacker.drips_a_header,
    Attacker.sends_garbage,
    Attacker.speaks_plain_http,
    Attacker.leaves_half_open,
    Attacker.comes_from_a_browser,
    Attacker.asks_for_another_path,
    Attacker.brings_no_key,
    Attacker.never_proves_itself,
    Attacker.proves_somebody_else,
    Attacker.floods_with_pings,
    Attacker.speaks_before_it_is_asked,
)


async def keep_on(attacker: Attacker, kind: Callable[[Attacker], Awaitable[None]]) -> None:
    while True:
        with contextlib.suppress(*LOST):
            await kind(attacker)
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def working(pair: Pair) -> AsyncIterator[tuple[Listener, Dialer]]:
    """Hold an honest session; afterwards it must still be the first one, and work."""
    listener, dialer = pair.listener(IMPATIENT), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        yield listener, dialer
        await dialer.send(b"a FLASH")
        await until(lambda: pair.north_log.cells == [b"a FLASH"])
        assert pair.north_log.words == ["UP"]
        assert pair.south_log.words == ["DIALING", "UP"]
    assert pair.north_log.faults == []


async def slowest_s(dialer: Dialer, while_s: float) -> float:
    """Ping all the while; return the slowest of a hundred."""
    began, found = time.monotonic(), list[float]()
    while time.monotonic() - began < while_s or len(found) < 20:
        found.append(await dialer.ping())
        await asyncio.sleep(0.02)
    return sorted(found)[int(len(found) * 0.99)]


async def test_attackers_of_all_kinds_at_once_are_counted_and_stop_nothing(pair: Pair) -> None:
    async with working(pair) as (listener, dialer):
        files, tasks = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
        attacks = [
            asyncio.create_task(keep_on(Attacker(pair, f"127.0.1.{number}"), kind))
            for number, kind in enumerate(KINDS, start=1)
        ]
        try:
            assert await slowest_s(dialer, 1.5) < MAX_RTT_S
            door = listener._door
            assert door is not None
            assert 0 < door.strangers <= MAX_STRANGERS
            words = {"unopened", "origin", "path", "slow", "key", "junk"}
            await until(lambda: words <= set(listener.refused))
        finally:
            for attack in attacks:
                attack.cancel()
            await asyncio.gather(*attacks, return_exceptions=True)
        await until(lambda: door.strangers == 0)
        gc.collect()
        await until(lambda: len(os.listdir("/proc/self/fd")) <= files + 2)
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 2)


async def crowd(pair: Pair, listener: Listener, dialer: Dialer, callers: int) -> None:
    """Open that many silent connections from many addresses, and keep those that are let in."""
    writers: list[asyncio.StreamWriter] = []
    slowest = asyncio.create_task(slowest_s(dialer, 0.5))
    try:
        for number in range(callers):
            address = f"127.0.{2 + number // 250}.{1 + number % 250}"
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(*pair.address, local_addr=(address, 0))
                writers.append(writer)
        await until(lambda: listener.refused.total() >= callers)
        assert await slowest < MAX_RTT_S
        assert listener.refused["strangers"] > 0
    finally:
        for writer in writers:
            writer.transport.abort()


async def test_crowd_of_idle_strangers_is_hung_up_on_at_the_door(pair: Pair) -> None:
    async with working(pair) as (listener, dialer):
        await crowd(pair, listener, dialer, 300)


@pytest.mark.soak
async def test_thousands_of_idle_strangers_are_hung_up_on_at_the_door(pair: Pair) -> None:
    async with working(pair) as (listener, dialer):
        await crowd(pair, listener, dialer, 5_000)


# --- a peer that proved itself ------------------------------------------------------------


SLOW = Allowance(frames_per_s=200.0, burst=10)
LEAST_S = 30 / 200 - 0.02
"""Of forty frames, ten of which may come at once."""


async def test_sender_over_its_rate_is_read_later_and_loses_nothing(pair: Pair) -> None:
    listener = pair.listener(allowed=SLOW)
    async with pair.running(listener):
        socket = await enter(pair)
        began, cells = time.monotonic(), [b"%d" % number for number in range(40)]
        for cell in cells:
            await socket.send(encode(Cell(cell)))
        await until(lambda: pair.north_log.cells == cells)
        assert time.monotonic() - began >= LEAST_S
        assert set(listener.refused) == {"slowed"}
        assert pair.north_log.words == ["UP"]
        await socket.close()


@pytest.mark.parametrize("dials", [True, False], ids=["a dialer", "a listener"])
async def test_honest_end_sends_no_faster_than_the_other_reads(pair: Pair, dials: bool) -> None:
    """So that what waits is at its sender's, where a FLASH can overtake it."""
    listener, dialer = pair.listener(allowed=SLOW), pair.dialer(allowed=SLOW)
    sender, log = (dialer, pair.north_log) if dials else (listener, pair.south_log)
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up and listener.up)
        began, cells = time.monotonic(), [b"%d" % number for number in range(40)]
        for cell in cells:
            await sender.send(cell)
        assert time.monotonic() - began >= LEAST_S
        await until(lambda: log.cells == cells)
        assert listener.refused == dialer.refused == {}


async def test_rate_that_is_told_is_the_one_that_holds(pair: Pair) -> None:
    listener = pair.listener(allowed=replace(FREE, frames_per_s=7.0, burst=9))
    async with pair.running(listener):
        welcome = await pair.prove(await call(pair))
        assert isinstance(welcome, greeting.Welcome)
        assert (welcome.frames_per_s, welcome.burst, welcome.max_cell_bytes) == (7, 9, 61_440)


async def test_burst_within_the_rate_is_not_slowed_down(pair: Pair) -> None:
    listener = pair.listener(allowed=Allowance())
    async with pair.running(listener):
        socket = await enter(pair)
        for number in range(200):
            await socket.send(encode(Ping(number)))
        for _ in range(200):
            await socket.recv()
        assert listener.refused == {}
        await socket.close()


async def test_both_ends_keep_a_small_buffer_for_each_connection(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library's own makes an idle connection four times as heavy."""
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", 262_144)
    listener, dialer = pair.listener(), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        for end in (listener, dialer):
            assert end._session is not None
            transport = end._session._socket.transport
            kept = transport._ssl_protocol  # type: ignore[attr-defined]
            assert kept.max_size == len(kept._ssl_buffer) == 32_768
            plain = transport.get_extra_info("socket")
            held = plain.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT)
            assert held == MAX_UNSENT_BYTES
