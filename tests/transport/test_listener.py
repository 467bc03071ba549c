"""Strangers and misbehaving peers in front of a listener.

Spec: docs/transport.md §2.2, §3.1, §3.2, §3.4, §4.1, §4.2, §5.3, §5.4, §5.5
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol

from hotline.core.errors import LinkError
from hotline.transport import greeting
from hotline.transport.door import MAX_STRANGERS_PER_ADDRESS
from hotline.transport.frames import MAX_CELL_BYTES, MAX_FRAME_BYTES, Bye, Cell, decode, encode
from hotline.transport.listener import Listener
from hotline.transport.session import QUIET
from hotline.transport.tls import PinnedPeer, pin_of, pinned
from tests.transport.rig import FAST, Pair, mint, until, with_wrong_pin

HOTLINE = [Subprotocol("hotline.v2")]
REFUSED = (OSError, WebSocketException)


@contextlib.asynccontextmanager
async def honest(pair: Pair, **changes: Any) -> AsyncIterator[Listener]:
    """Hold an honest session; afterwards it must still be the first one, and work."""
    listener, dialer = pair.listener(**changes), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        yield listener
        await dialer.send(b"still here")
        await until(lambda: pair.north_log.cells == [b"still here"])
        assert pair.north_log.words == ["UP"]
        assert pair.south_log.words == ["DIALING", "UP"]


async def call(pair: Pair, uri: str = "", **changes: Any) -> ClientConnection:
    """Open a raw session with SOUTH's papers, or whatever `changes` says."""
    settings: dict[str, Any] = {
        "ssl": pair.as_south(),
        "subprotocols": HOTLINE,
        "compression": None,
        "proxy": None,
        "close_timeout": 1,
    }
    return await connect(uri or pair.uri, **(settings | changes))


async def enter(pair: Pair) -> ClientConnection:
    """Open a raw session as SOUTH, proved, so that frames are the next thing."""
    socket = await call(pair)
    assert isinstance(await pair.prove(socket), greeting.Welcome)
    return socket


async def close_code(socket: ClientConnection) -> int:
    """Read to the end; return the code that the listener closed with."""
    async with asyncio.timeout(20):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


async def rest(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except OSError:
            return b""


async def test_client_with_an_unknown_certificate_is_refused(pair: Pair) -> None:
    async with honest(pair):
        with pytest.raises(REFUSED):
            await call(pair, ssl=pair.as_south(pair.stranger))


async def test_client_without_a_certificate_is_refused(pair: Pair) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.verify_mode = ssl.CERT_NONE
    async with honest(pair):
        with pytest.raises(REFUSED):
            await call(pair, ssl=bare)


async def test_client_that_speaks_tls12_only_is_refused(pair: Pair) -> None:
    old = pair.as_south()
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with honest(pair):
        with pytest.raises(REFUSED):
            await call(pair, ssl=old)


async def test_plain_http_gets_no_http_answer(pair: Pair) -> None:
    async with honest(pair):
        reader, writer = await asyncio.open_connection(*pair.address)
        writer.write(b"GET /hotline HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in await rest(reader)
        writer.close()


async def test_trusted_certificate_with_another_key_is_refused_by_its_pin(pair: Pair) -> None:
    """A card may carry the next certificate; until its key is pinned it opens nothing."""
    both = PinnedPeer((pair.south.der, pair.stranger.der), (pin_of(pair.south.der),))
    async with honest(pair, peer=both) as listener:
        with pytest.raises(InvalidStatus) as caught:
            await call(pair, ssl=pair.as_south(pair.stranger))
        assert caught.value.response.status_code == 403
        assert listener.refused["pin"] == 1


async def test_certificate_issued_by_the_peers_key_is_refused_by_its_pin(
    pair: Pair, tmp_path: Path
) -> None:
    """Trusting a certificate that may issue others must not trust the others."""
    issuer = mint(tmp_path, "ISSUER", ca=True)
    child = mint(tmp_path, "CHILD", issuer=issuer)
    listener = pair.listener(peer=pinned(issuer.der))
    async with pair.running(listener):
        with pytest.raises(InvalidStatus) as caught:
            await call(pair, ssl=pair.as_south(child))
        assert caught.value.response.status_code == 403
        assert not listener.up
        assert (await call(pair, ssl=pair.as_south(issuer))).subprotocol == "hotline.v2"


async def test_dialer_whose_pin_the_listener_does_not_know_is_blocked(pair: Pair) -> None:
    listener, dialer = pair.listener(peer=with_wrong_pin(pair.south)), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: "BLOCKED" in pair.south_log.words)
    assert pair.south_log.states[1][1] == "the listener does not accept this station's certificate"
    assert "UP" not in pair.north_log.words + pair.south_log.words


@pytest.mark.parametrize(
    ("reason", "status", "changes"),
    [
        ("subprotocol", 400, {"subprotocols": None}),
        ("subprotocol", 400, {"subprotocols": [Subprotocol("hotline.v1")]}),
        ("subprotocol", 400, {"subprotocols": [Subprotocol("xhotline.v2")]}),
        ("origin", 400, {"origin": Origin("https://console.example")}),
        ("origin", 400, {"origin": Origin("null")}),
    ],
)
async def test_request_for_anything_else_is_refused_and_counted(
    pair: Pair, reason: str, status: int, changes: dict[str, Any]
) -> None:
    async with honest(pair) as listener:
        with pytest.raises(InvalidStatus) as caught:
            await call(pair, **changes)
        assert caught.value.response.status_code == status
        assert listener.refused == {reason: 1}


@pytest.mark.parametrize("path", ["/", "/hotline/", "/hotline?x=1", "/HOTLINE", "//hotline"])
async def test_request_for_another_path_is_refused(pair: Pair, path: str) -> None:
    async with honest(pair) as listener:
        with pytest.raises(InvalidStatus) as caught:
            await call(pair, pair.uri.removesuffix("/hotline") + path)
        assert caught.value.response.status_code == 404
        assert listener.refused == {"path": 1}


async def test_plain_request_of_the_peer_opens_nothing(pair: Pair) -> None:
    async with honest(pair):
        reader, writer = await asyncio.open_connection(*pair.address, ssl=pair.as_south())
        writer.write(b"GET /hotline HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"python" not in answer.lower()
        writer.close()


@pytest.mark.parametrize(
    ("reason", "code", "message"),
    [
        ("text", 4400, "text"),
        ("junk", 4400, b""),
        ("junk", 4400, b"\x09nothing"),
        ("junk", 4400, b"\x01" + bytes(MAX_CELL_BYTES + 1)),
        ("oversized", 1009, b"\x01" + bytes(MAX_FRAME_BYTES)),
        ("oversized", 1009, [b"\x01" * 40_000, b"\x01" * 40_000]),
    ],
    ids=["text", "empty", "unknown type", "long cell", "long message", "long fragments"],
)
async def test_message_that_is_no_frame_ends_its_session_and_the_next_one_works(
    pair: Pair, reason: str, code: int, message: str | bytes | list[bytes]
) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        socket = await enter(pair)
        await until(lambda: listener.up)
        await socket.send(encode(Cell(b"before")))
        with contextlib.suppress(ConnectionClosed):
            await socket.send(message)
            await socket.send(encode(Cell(b"behind it")))
        assert await close_code(socket) == code
        await until(lambda: listener.refused == {reason: 1})
        async with pair.running(pair.dialer()) as _:
            await until(lambda: listener.up)
        assert pair.north_log.cells == [b"before"]
        assert pair.north_log.words[:3] == ["UP", "DOWN", "UP"]


async def test_protocol_junk_below_frames_ends_its_session(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        socket = await enter(pair)
        await until(lambda: listener.up)
        socket.transport.write(b"\xff" * 64)
        await until(lambda: listener.refused == {"junk": 1})


async def test_bye_ends_the_session_with_its_code(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        socket = await enter(pair)
        await socket.send(encode(Bye(1001)))
        assert await close_code(socket) == 1000
        await until(lambda: ("DOWN", "the peer left (1001)") in pair.north_log.states)


async def test_listener_that_closes_sends_bye_first(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        socket = await enter(pair)
        await until(lambda: listener.up)
        closing = asyncio.create_task(listener.close())
        last = await socket.recv()
        assert isinstance(last, bytes)
        assert decode(last) == Bye(1001)
        assert await close_code(socket) == 1001
        await closing


async def test_listener_that_is_cancelled_says_bye_too(pair: Pair) -> None:
    running = asyncio.create_task(pair.listener().run())
    await until(lambda: pair.binds)
    socket = await enter(pair)
    await until(lambda: pair.north_log.words == ["UP"])
    running.cancel()
    last = await socket.recv()
    assert isinstance(last, bytes)
    assert decode(last) == Bye(1001)
    assert await close_code(socket) == 1001
    with pytest.raises(asyncio.CancelledError):
        await running
    assert pair.north_log.words == ["UP", "DOWN"]


async def test_newer_session_replaces_the_older(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        first = await enter(pair)
        await until(lambda: listener.up)
        second = await enter(pair)
        assert await close_code(first) == 4409
        await until(lambda: pair.north_log.words == ["UP", "DOWN", "UP"])
        await second.send(encode(Cell(b"by the second")))
        await until(lambda: pair.north_log.cells == [b"by the second"])
        assert listener.refused == {"replaced": 1}


async def test_newer_session_waits_until_the_older_ones_cell_is_taken(pair: Pair) -> None:
    gate, log = asyncio.Event(), list[str]()

    async def slowly(cell: bytes) -> None:
        log.append(f"begin {cell!r}")
        await gate.wait()
        log.append(f"end {cell!r}")

    listener = pair.listener(on_cell=slowly)
    async with pair.running(listener):
        first = await enter(pair)
        await first.send(encode(Cell(b"1")))
        await until(lambda: log)
        second = await enter(pair)
        await second.send(encode(Cell(b"2")))
        assert await close_code(first) == 4409
        assert log == ["begin b'1'"]
        gate.set()
        await until(lambda: len(log) == 4)
        assert log == ["begin b'1'", "end b'1'", "begin b'2'", "end b'2'"]


async def test_half_open_older_session_does_not_keep_the_newer_out(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        first = await enter(pair)
        await until(lambda: listener.up)
        first.transport.pause_reading()
        second = await enter(pair)
        await until(lambda: pair.north_log.words == ["UP", "DOWN", "UP"])
        await second.send(encode(Cell(b"in")))
        await until(lambda: pair.north_log.cells == [b"in"])
        first.transport.abort()


async def test_silent_strangers_are_bounded_and_time_out(pair: Pair) -> None:
    """Half of them send nothing at all, the last one stops after the TLS handshake."""
    async with honest(pair, timings=replace(FAST, open_timeout_s=1.0)) as listener:
        silent = [
            await asyncio.open_connection(*pair.address)
            for _ in range(MAX_STRANGERS_PER_ADDRESS - 1)
        ]
        silent.append(await asyncio.open_connection(*pair.address, ssl=pair.as_south()))
        extra_reader, extra = await asyncio.open_connection(*pair.address)
        assert await rest(extra_reader) == b""
        assert listener.refused == {"strangers": 1}
        assert not silent[0][0].at_eof()
        for reader, _ in silent:
            assert await rest(reader) == b""
        again = await asyncio.open_connection(*pair.address, ssl=pair.as_south())
        assert listener.refused == {"strangers": 1, "unopened": 4}
        for _, writer in [*silent, again]:
            writer.close()
        extra.close()


async def test_authenticated_and_closed_sessions_are_no_strangers(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        for _ in range(3 * MAX_STRANGERS_PER_ADDRESS):
            socket = await enter(pair)
            await socket.close()
        for _ in range(3 * MAX_STRANGERS_PER_ADDRESS):
            with pytest.raises(REFUSED):
                await call(pair, ssl=pair.as_south(pair.stranger))
        assert listener.refused["strangers"] == 0


async def test_close_hangs_up_on_strangers(pair: Pair) -> None:
    listener = pair.listener(replace(FAST, open_timeout_s=60.0))
    async with pair.running(listener):
        reader, silent = await asyncio.open_connection(*pair.address)
        async with asyncio.timeout(10):
            await listener.close()
            assert await rest(reader) == b""
        silent.close()


async def test_listener_cancelled_while_it_begins_leaves_its_port_free(pair: Pair) -> None:
    """Spec: docs/transport.md §6.4"""
    first = pair.listener()
    async with pair.running(first):
        await until(lambda: pair.binds)
    for turns in range(4):
        running = asyncio.create_task(pair.listener().run())
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        async with pair.running(pair.listener()):
            pass


async def test_close_is_bounded_when_the_peer_stopped_reading(pair: Pair) -> None:
    """The library's own close would wait for room in the full buffer."""
    listener = pair.listener(replace(FAST, send_timeout_s=60.0, ping_interval_s=60.0))
    async with pair.running(listener):
        socket = await enter(pair)
        await until(lambda: listener.up)
        socket.transport.pause_reading()
        sends = [asyncio.create_task(listener.send(bytes(60_000))) for _ in range(200)]
        session = listener._session
        assert session is not None
        await until(lambda: session._socket.paused)
        async with asyncio.timeout(10):
            await listener.close()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert isinstance(outcomes[-1], LinkError)
        socket.transport.abort()


async def test_close_is_bounded_when_a_cell_is_never_taken(pair: Pair) -> None:
    taken = asyncio.Event()

    async def never(_: bytes) -> None:
        taken.set()
        await asyncio.Event().wait()

    listener, dialer = pair.listener(on_cell=never), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        await dialer.send(b"cell")
        await taken.wait()
        async with asyncio.timeout(10):
            await listener.close()
        assert pair.north_log.words == ["UP", "DOWN"]


async def test_library_log_stays_silent_while_strangers_call(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with honest(pair):
        with pytest.raises(InvalidStatus):
            await call(pair, pair.uri + "x", logger=QUIET)
        reader, writer = await asyncio.open_connection(*pair.address, ssl=pair.as_south())
        writer.write(b"\x00junk\r\n\r\n")
        await rest(reader)
        writer.close()
    assert not [record for record in caplog.records if "websockets" in record.name]
