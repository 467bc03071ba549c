"""Strangers and misbehaving clients in front of a relay; an honest pair goes on meanwhile.

Spec: docs/transport.md §9.1, §9.2, §9.3, §9.7
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol

from hotline.core.errors import LinkError
from hotline.core.values import sha256
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.transport.relay import handshake
from hotline.transport.relay.codec import decode, encode
from hotline.transport.relay.frames import (
    NO_TOKEN,
    Ack,
    Auth,
    Chal,
    Done,
    Frame,
    Ping,
    Pong,
    Push,
    Put,
    Refuse,
    Sub,
    Welcome,
)
from hotline.transport.relay.tls import pinned_context
from hotline.transport.tls import pinned
from tests.transport.relay.rig import Rig, cell, later, new_box, new_key, slow, with_limits
from tests.transport.rig import Papers, flood, until

RELAY = [Subprotocol("hotline.relay.v1")]
GONE = (OSError, WebSocketException, ConnectionClosed)


@contextlib.asynccontextmanager
async def honest(rig: Rig) -> AsyncIterator[bytes]:
    """Hold an honest pair of sessions; afterwards they must still work."""
    north, south, got = new_key(), new_key(), list[bytes]()

    async def take(sealed: bytes) -> None:
        got.append(sealed)

    async with rig.running():
        box = await rig.made_box(north, south)
        async with rig.dial(box, north) as mine, rig.dial(box, south) as out:
            await mine.subscribe(box, take)
            yield box
            last = cell()
            async with asyncio.timeout(10):
                await out.put(box, last, later())
            await until(lambda: last in got)


async def call(rig: Rig, uri: str = "", **changes: Any) -> ClientConnection:
    settings: dict[str, Any] = {
        "ssl": pinned_context(pinned(rig.papers.der)),
        "subprotocols": RELAY,
        "compression": None,
        "proxy": None,
        "close_timeout": 1,
        "open_timeout": 10,
    }
    return await connect(uri or uri_of(rig), **(settings | changes))


def uri_of(rig: Rig, path: str = "/relay") -> str:
    return f"wss://127.0.0.1:{rig.address[1]}{path}"


async def answer_of(
    rig: Rig, socket: ClientConnection, box: bytes, key: Ed25519Signer, **changes: Any
) -> Frame:
    """Answer the challenge, with `changes` made after signing; return what the relay says."""
    chal = decode(await socket.recv(decode=False))
    assert isinstance(chal, Chal)
    relay = rig.relay_key.public_key
    auth = Auth(1, box, key.public_key, relay, system_entropy(32), NO_TOKEN, bytes(64))
    signed = handshake.sign_auth(auth, chal, rig.papers.der, key)
    await socket.send(encode(replace(signed, **changes)))
    return decode(await socket.recv(decode=False))


async def close_code(socket: ClientConnection) -> int:
    async with asyncio.timeout(20):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@pytest.mark.parametrize(
    ("reason", "status", "changes"),
    [
        ("subprotocol", 400, {"subprotocols": None}),
        ("subprotocol", 400, {"subprotocols": [Subprotocol("hotline.v1")]}),
        ("origin", 400, {"origin": Origin("https://console.example")}),
    ],
)
async def test_wrong_opening_is_refused_and_counted(
    rig: Rig, reason: str, status: int, changes: dict[str, Any]
) -> None:
    async with honest(rig):
        with pytest.raises(InvalidStatus) as caught:
            await call(rig, **changes)
        assert caught.value.response.status_code == status
        assert rig.metrics.refused[reason] == 1


async def test_another_path_is_refused(rig: Rig) -> None:
    async with honest(rig):
        with pytest.raises(InvalidStatus) as caught:
            await call(rig, uri_of(rig, "/hotline"))
        assert caught.value.response.status_code == 404


async def test_tls12_is_refused(rig: Rig) -> None:
    old = pinned_context(pinned(rig.papers.der))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with honest(rig):
        with pytest.raises(GONE):
            await call(rig, ssl=old)


async def test_unknown_key_and_foreign_box_and_bad_signature_get_one_answer(rig: Rig) -> None:
    async with honest(rig) as box:
        stranger = new_key()
        said = [
            await answer_of(rig, await call(rig), box, stranger),
            await answer_of(rig, await call(rig), new_box(), stranger),
            await answer_of(rig, await call(rig), box, stranger, signature=bytes(64)),
            await answer_of(rig, await call(rig), box, stranger, relay=bytes(32)),
            await answer_of(rig, await call(rig), box, stranger, token=b"t" * 32),
        ]
        assert said == [Refuse(2, 60)] * 5
        assert rig.metrics.refused["forbidden"] == 5


async def test_other_version_is_told_so(rig: Rig) -> None:
    async with honest(rig) as box:
        assert await answer_of(rig, await call(rig), box, new_key(), version=9) == Refuse(1, 0)


async def test_address_that_fails_too_often_is_not_listened_to(rig: Rig) -> None:
    with_limits(rig, failures_per_minute=3)
    async with honest(rig) as box:
        for _ in range(3):
            await answer_of(rig, await call(rig), box, new_key())
        with pytest.raises(InvalidStatus) as caught:
            await call(rig)
        assert caught.value.response.status_code == 429
        assert rig.metrics.refused["failures"] == 1


async def test_one_token_opens_a_bounded_number_of_sessions(rig: Rig) -> None:
    with_limits(rig, strangers=2)
    token = rig.token()
    async with honest(rig), rig.dial(new_box(), new_key(), token):
        async with rig.dial(new_box(), new_key(), token):
            with pytest.raises(LinkError, match="refuses this key"):
                async with rig.dial(new_box(), new_key(), token):
                    pytest.fail("a token opened one session more")
        await until(lambda: rig.metrics.sessions == 3)
        async with rig.dial(new_box(), new_key(), token):
            assert rig.metrics.refused["busy"] == 1


async def test_stranger_that_says_nothing_is_gone_after_the_auth_timeout(rig: Rig) -> None:
    with_limits(rig, auth_timeout_s=0.3)
    async with honest(rig):
        silent = await call(rig)
        assert await close_code(silent) == 1006
        assert rig.metrics.refused["slow"] == 1


async def test_http_that_drips_is_gone_after_the_open_timeout(rig: Rig) -> None:
    with_limits(rig, timings=slow(open_timeout_s=0.5))
    async with honest(rig):
        context = pinned_context(pinned(rig.papers.der))
        reader, writer = await asyncio.open_connection(*rig.address, ssl=context)
        async with asyncio.timeout(10):
            with contextlib.suppress(OSError):
                while not reader.at_eof():
                    writer.write(b"G")
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1), 0.05)
        writer.transport.abort()


async def test_strangers_beyond_the_bound_are_hung_up_on(rig: Rig) -> None:
    with_limits(rig, strangers_per_address=4)
    async with honest(rig):
        sockets = [await call(rig) for _ in range(4)]
        with pytest.raises(GONE):
            await call(rig)
        assert rig.metrics.refused["strangers"] == 1
        for socket in sockets:
            socket.transport.abort()


@pytest.mark.parametrize(
    "first",
    [b"", b"\xff", encode(Ping(1)), encode(Put(b"b" * 16, sha256(b"c"), 1, b"c")), "text"],
    ids=["empty", "unknown", "ping", "put", "text"],
)
async def test_first_frame_that_is_no_auth_ends_the_connection(
    rig: Rig, first: bytes | str
) -> None:
    async with honest(rig):
        socket = await call(rig)
        await socket.recv()
        await socket.send(first)
        assert await close_code(socket) == 4400
        assert rig.metrics.refused["junk"] == 1


async def opened(rig: Rig, box: bytes, key: Ed25519Signer) -> ClientConnection:
    socket = await call(rig)
    assert isinstance(await answer_of(rig, socket, box, key), Welcome)
    return socket


@contextlib.asynccontextmanager
async def raw_session(rig: Rig) -> AsyncIterator[tuple[ClientConnection, bytes, Ed25519Signer]]:
    """Open a raw session of a key that is sender and recipient of a box, beside an honest pair."""
    async with honest(rig):
        key = new_key()
        box = await rig.made_box(key, key)
        socket = await opened(rig, box, key)
        yield socket, box, key
        socket.transport.abort()


@pytest.mark.parametrize(
    ("junk", "code"),
    [
        (b"\x63", 4400),
        ("text", 4400),
        (encode(Put(b"b" * 16, b"i" * 32, 1 << 60, b"not of that id")), 4400),
        (encode(Welcome(b"s" * 16, 1, 1, 1, 1, bytes(64))), 4400),
        (b"\x08" + bytes(65_536), 1009),
    ],
    ids=["unknown", "text", "wrong id", "a relay's frame", "oversized"],
)
async def test_junk_in_a_session_ends_it(rig: Rig, junk: bytes | str, code: int) -> None:
    async with raw_session(rig) as (socket, _, _):
        with contextlib.suppress(ConnectionClosed):
            await socket.send(junk)
        assert await close_code(socket) == code


async def test_many_fragments_end_the_session_or_are_one_frame(rig: Rig) -> None:
    async with raw_session(rig) as (socket, _, _):
        with contextlib.suppress(ConnectionClosed):
            await socket.send([b"x"] * 70_000)
        assert await close_code(socket) in (1009, 4400)


async def test_more_than_the_window_ends_the_session(rig: Rig) -> None:
    with_limits(rig, window_cells=4)
    async with raw_session(rig) as (socket, box, _):
        for _ in range(2_000):
            one = cell(20)
            try:
                await socket.send(encode(Put(box, sha256(one), later(), one)))
            except ConnectionClosed:
                break
        assert await close_code(socket) == 4400


async def test_sender_over_its_rate_is_slowed_down_and_loses_nothing(rig: Rig) -> None:
    with_limits(rig, frames_per_s=100.0, burst=10)
    loop = asyncio.get_running_loop()
    async with raw_session(rig) as (socket, box, _):
        began = loop.time()
        sent = [cell(20) for _ in range(40)]
        for one in sent:
            await socket.send(encode(Put(box, sha256(one), later(), one)))
        acknowledged: set[bytes] = set()
        async with asyncio.timeout(20):
            while len(acknowledged) < len(sent):
                said = decode(await socket.recv(decode=False))
                assert isinstance(said, Ack)
                acknowledged.update(said.ids)
        assert loop.time() - began >= 0.25


async def fill(rig: Rig, box: bytes, cells: int, size: int) -> None:
    """Put cells into a box past the socket, quickly."""
    assert rig.premises is not None
    found = await rig.premises.store.find(box)
    assert found is not None
    for _ in range(cells):
        one = cell(size)
        await rig.premises.store.put(box, found.sender, sha256(one), one, later())


async def test_subscriber_that_never_reads_is_cut_off(rig: Rig) -> None:
    with_limits(rig, timings=slow(send_timeout_s=0.5), window_bytes=1 << 24, window_cells=2_000)
    async with raw_session(rig) as (socket, box, _):
        await fill(rig, box, 250, 60_000)
        await socket.send(encode(Sub(box, 0)))
        socket.transport.pause_reading()
        await until(lambda: rig.metrics.refused["unread"] == 1)


async def test_pings_of_an_end_that_never_reads_cost_bounded_memory(rig: Rig) -> None:
    with_limits(rig, timings=slow(ping_interval_s=60))
    async with raw_session(rig) as (socket, _, _):
        socket.transport.pause_reading()
        await flood(socket, lambda: rig.metrics.sessions == 2)


async def test_pings_of_a_relay_that_never_reads_cost_bounded_memory(rig: Rig) -> None:
    token, timings = rig.token(), slow(ping_interval_s=60)
    with_limits(rig, timings=timings)
    async with rig.running(), rig.dial(new_box(), new_key(), token, timings=timings) as mine:
        assert rig.relay is not None
        (session,) = rig.relay._sessions.values()
        session._socket.transport.pause_reading()
        over = asyncio.create_task(mine.ended())
        await flood(session._socket, over.done)
        assert await over is not None


async def test_window_holds_back_cells_that_are_not_consumed(rig: Rig) -> None:
    with_limits(rig, window_cells=4)
    async with raw_session(rig) as (socket, box, _):
        await fill(rig, box, 10, 20)
        await socket.send(encode(Sub(box, 0)))
        pushed = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    said = decode(await socket.recv(decode=False))
                    if isinstance(said, Push):
                        pushed.append(said)
        assert len(pushed) == 4


async def test_cell_of_a_sender_that_left_at_once_wakes_its_recipient(rig: Rig) -> None:
    async with raw_session(rig) as (socket, box, _):
        assert rig.premises is not None
        with rig.premises.hub.waiting(box) as arrived:
            one = cell(20)
            await socket.send(encode(Put(box, sha256(one), later(), one)))
            socket.transport.abort()
            async with asyncio.timeout(10):
                await arrived.wait()


async def test_sender_that_left_at_once_leaves_nothing_behind(rig: Rig) -> None:
    async with raw_session(rig) as (socket, box, _):
        assert rig.premises is not None
        hub, one = rig.premises.hub, cell(20)
        with hub.waiting(box) as arrived:
            await socket.send(encode(Put(box, sha256(one), later(), one)))
            socket.transport.abort()
            await asyncio.wait_for(arrived.wait(), 10)
        await until(lambda: rig.metrics.sessions == 2)
        assert box not in hub._senders


async def test_subscription_behind_any_position_is_answered_and_finds_nothing(rig: Rig) -> None:
    async with raw_session(rig) as (socket, box, _):
        await socket.send(encode(Sub(box, 2**64 - 1)))
        await socket.send(encode(Ping(7)))
        async with asyncio.timeout(10):
            said = [decode(await socket.recv(decode=False)) for _ in range(2)]
        assert said == [Done(11, box), Pong(7, 1)]
        assert not rig.tally.events


async def test_second_session_of_a_key_replaces_the_first(rig: Rig) -> None:
    async with raw_session(rig) as (socket, box, key):
        await opened(rig, box, key)
        assert await close_code(socket) == 4409


async def test_tls_connection_of_a_relay_keeps_a_small_buffer(rig: Rig) -> None:
    """The standard library's own buffer makes an idle connection four times as heavy."""
    async with raw_session(rig) as (socket, _, _):
        kept = socket.transport._ssl_protocol
        assert kept.max_size == len(kept._ssl_buffer) == 32_768


LYING = {
    "a cell of another box": [Push(b"x" * 16, 1, 1, b"cell")],
    "a client's frame": [Ping(1)],
    "another challenge": [Chal(1, bytes(32))],
    "more cells than the window": [Push(b"b" * 16, at, 1, b"cell %d" % at) for at in range(99)],
}


@pytest.mark.parametrize("said", LYING.values(), ids=LYING)
async def test_client_leaves_a_relay_that_breaks_the_protocol(rig: Rig, said: list[Frame]) -> None:
    key, box, token = new_key(), b"b" * 16, rig.token()
    taking = asyncio.Event()

    async def take(_: bytes) -> None:
        await taking.wait()

    async with rig.running(), rig.dial(box, key, token) as mine:
        await mine.create(box, key.public_key, token)
        await mine.subscribe(box, take)
        assert rig.relay is not None
        (session,) = rig.relay._sessions.values()
        for frame in said:
            await session._outgoing.send(frame)
        why = await asyncio.wait_for(mine.ended(), 10)
        assert "broke the protocol" in str(why)
        with pytest.raises(LinkError):
            await mine.put(box, cell(), later())


async def test_client_refuses_a_relay_without_a_window(rig: Rig) -> None:
    with_limits(rig, window_cells=0)
    async with rig.running():
        with pytest.raises(LinkError, match="no room for a single cell"):
            async with rig.dial(new_box(), new_key(), rig.token()):
                pytest.fail("it accepted a session that it can do nothing in")


async def test_client_does_not_speak_to_a_relay_with_another_certificate_or_key(
    rig: Rig, relay_papers: Papers, papers: tuple[Papers, Papers, Papers]
) -> None:
    async with honest(rig) as box:
        north = new_key()
        wrong_pin = replace(rig.where, tls=pinned(papers[0].der))
        wrong_key = replace(rig.where, key=new_key().public_key)
        for where in (wrong_pin, wrong_key):
            with pytest.raises(LinkError):
                async with rig.dial(box, north, where=where):
                    pytest.fail("it spoke to a relay that it does not know")
