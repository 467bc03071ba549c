"""Attacks on the handshake of a direct link; an honest session goes on meanwhile.

Spec: docs/transport.md §2.5, §4.5, §4.6, §4.7, §4.8, §4.9, §5.11
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from hotline.core.values import sha256
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.transport import greeting
from hotline.transport.allowance import FAILURES_PER_MINUTE, Allowance
from hotline.transport.frames import Cell, encode
from hotline.transport.greeting import Auth, Chal, Part, Refuse, Welcome
from hotline.transport.listener import Listener
from hotline.transport.proof import Certificates, sign_auth, sign_welcome
from hotline.transport.tls import PinnedPeer, pin_of, pinned, server_context
from tests.transport.rig import FAST, FREE, LINE, NORTH, SOUTH, Pair, until
from tests.transport.test_listener import call, close_code, enter, honest, rest

STRANGER = Ed25519Signer(b"a stranger's seed of 32 bytes...")
FORBIDDEN = Refuse(2, 0)


async def chal_of(socket: ClientConnection) -> Chal:
    chal = greeting.decode(await socket.recv(decode=False))
    assert isinstance(chal, Chal)
    return chal


async def refused(
    pair: Pair, listener: Listener, word: str, make: Callable[[Chal], Auth], *parts: Part
) -> None:
    """See one AUTH refused like any other, counted under its own word, and hung up on."""
    before = listener.refused[word]
    socket = await call(pair)
    said = await pair.say_auth(socket, make(await chal_of(socket)), *parts)
    assert said == FORBIDDEN
    assert await close_code(socket) == 4400
    await until(lambda: listener.refused[word] == before + 1)


async def test_auth_replayed_to_another_challenge_opens_nothing(pair: Pair) -> None:
    async with honest(pair) as listener:
        heard: list[Auth] = []

        def record(chal: Chal) -> Auth:
            # Good, but for the names: so that it is refused and the honest session stays.
            heard.append(pair.auth(chal))
            return replace(heard[0], signature=bytes(64))

        await refused(pair, listener, "signature", record)
        await refused(pair, listener, "signature", lambda _: heard[0])


async def test_auth_reflected_to_whoever_made_it_opens_nothing(pair: Pair) -> None:
    """NORTH dials as well, and answers NORTH's own challenge that was passed to it."""
    north = pair.north.console

    def mirrored(chal: Chal) -> Auth:
        return pair.auth(chal, ours=NORTH, theirs=SOUTH, signer=north)

    async with honest(pair) as listener:
        await refused(pair, listener, "name", mirrored)
        await refused(
            pair,
            listener,
            "signature",
            lambda chal: replace(mirrored(chal), ours=SOUTH, theirs=NORTH),
        )
        await refused(pair, listener, "key", lambda chal: pair.auth(chal, signer=north))


async def test_welcome_reflected_as_auth_opens_nothing(pair: Pair) -> None:
    async with honest(pair) as listener:

        def turned(chal: Chal) -> Auth:
            auth = pair.auth(chal)
            welcome = Welcome(bytes(16), auth.key, bytes(32), 1, 1, 1, bytes(64))
            signed = sign_welcome(welcome, chal, auth, pair.seen, pair.south.console)
            return replace(auth, signature=signed.signature)

        await refused(pair, listener, "signature", turned)


@pytest.mark.parametrize(
    ("realm", "line"),
    [("EXERCISE", sha256(b"another line")), ("LIVE", LINE)],
    ids=["another line", "live against exercise"],
)
async def test_auth_of_another_line_or_realm_opens_nothing(
    pair: Pair, realm: str, line: bytes
) -> None:
    ours, theirs = (greeting.party_id(realm, line, name) for name in ("SOUTH", "NORTH"))

    def elsewhere(chal: Chal) -> Auth:
        return pair.auth(chal, ours=ours, theirs=theirs)

    async with honest(pair) as listener:
        await refused(pair, listener, "name", elsewhere)
        await refused(
            pair,
            listener,
            "signature",
            lambda chal: replace(elsewhere(chal), ours=SOUTH, theirs=NORTH),
        )


async def test_dialer_of_another_realm_is_blocked_and_takes_nothing(pair: Pair) -> None:
    live = {
        "ours": greeting.party_id("LIVE", LINE, "SOUTH"),
        "theirs": greeting.party_id("LIVE", LINE, "NORTH"),
    }
    dialer = pair.dialer(party=replace(pair.as_south_party(), **live))
    listener = pair.listener()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.dials >= 2)
    assert "UP" not in pair.north_log.words + pair.south_log.words
    assert ("BLOCKED", "the listener does not let this station's console in") in (
        pair.south_log.states
    )
    assert "revoked" in getattr(pair.south_log.faults[0], "hint", "")


async def test_unknown_console_key_gets_the_same_answer_as_a_bad_signature(pair: Pair) -> None:
    async with honest(pair) as listener:
        await refused(pair, listener, "key", lambda chal: pair.auth(chal, signer=STRANGER))
        await refused(
            pair, listener, "signature", lambda chal: replace(pair.auth(chal), nonce=bytes(32))
        )


async def test_version_that_was_not_offered_is_told_so(pair: Pair) -> None:
    async with honest(pair) as listener:
        socket = await call(pair)
        assert await pair.prove(socket, version=2) == Refuse(1, 0)
        assert await close_code(socket) == 4400
        assert listener.refused["version"] == 1


async def test_swapped_certificate_of_the_dialer_does_not_verify(pair: Pair) -> None:
    """T holds the certificate that the listener saw, whatever the dialer signed."""
    async with honest(pair) as listener:
        await refused(
            pair, listener, "signature", lambda chal: pair.auth(chal, shown=pair.stranger.der)
        )


@contextlib.asynccontextmanager
async def middleman(pair: Pair) -> AsyncIterator[None]:
    """Stand between with a certificate that both ends trust, and pass every message on."""
    target = pair.uri

    async def between(socket: ServerConnection) -> None:
        async with await call(pair, target, ssl=pair.as_south(pair.stranger)) as other:

            async def pass_on(
                source: ServerConnection | ClientConnection,
                sink: ServerConnection | ClientConnection,
            ) -> None:
                with contextlib.suppress(ConnectionClosed):
                    async for message in source:
                        await sink.send(message)
                await sink.close()

            await asyncio.gather(pass_on(socket, other), pass_on(other, socket))

    async with serve(
        between,
        "127.0.0.1",
        0,
        ssl=server_context(pair.stranger.identity, pinned(pair.south.der)),
        subprotocols=[Subprotocol("hotline.v2")],
        compression=None,
        close_timeout=1,
    ) as server:
        pair.address = server.sockets[0].getsockname()[:2]
        yield


async def test_middleman_with_a_trusted_certificate_is_found_by_both_ends(pair: Pair) -> None:
    """As an authority's certificate would be, or one that was pinned by mistake."""

    def trusting(der: bytes) -> PinnedPeer:
        both = der, pair.stranger.der
        return PinnedPeer(both, (pin_of(der), pin_of(pair.stranger.der)))

    listener = pair.listener(peer=trusting(pair.south.der))
    async with pair.running(listener), middleman(pair):
        dialer = pair.dialer(peer=trusting(pair.north.der))
        async with pair.running(dialer):
            await until(lambda: listener.refused["signature"] >= 1)
            await until(lambda: "BLOCKED" in pair.south_log.words)
        assert "UP" not in pair.north_log.words + pair.south_log.words


async def test_auth_that_never_comes_is_waited_for_and_then_hung_up_on(pair: Pair) -> None:
    impatient = replace(FAST, auth_timeout_s=0.3)
    async with honest(pair, timings=impatient) as listener:
        silent = [await call(pair) for _ in range(3)]
        for socket in silent:
            assert await close_code(socket) == 1006
        assert listener.refused == {"slow": 3}


async def test_auth_that_drips_in_fragments_is_hung_up_on(pair: Pair) -> None:
    impatient = replace(FAST, auth_timeout_s=0.4)
    async with honest(pair, timings=impatient) as listener:
        socket = await call(pair)

        async def drip() -> AsyncIterator[bytes]:
            yield b"\x06"
            while True:
                await asyncio.sleep(0.02)
                yield b"\x01"

        with contextlib.suppress(ConnectionClosed):
            await socket.send(drip())
        assert listener.refused == {"slow": 1}


@pytest.mark.parametrize(
    "junk",
    [
        "text",
        b"",
        b"\x06",
        b"\x0a" + bytes(40),
        b"\x06" + bytes(2_048),
        encode(Cell(b"a cell before anything is proved")),
        greeting.encode(Chal(greeting.offer(1), bytes(32))),
    ],
    ids=["text", "empty", "short", "unknown", "over 2 KiB", "cell", "chal"],
)
async def test_first_frame_that_is_no_auth_ends_the_connection(
    pair: Pair, junk: str | bytes
) -> None:
    async with honest(pair) as listener:
        socket = await call(pair)
        await chal_of(socket)
        await socket.send(junk)
        assert await close_code(socket) == 4400
        assert listener.refused == {"junk": 1}
        assert pair.north_log.cells == []


async def test_address_that_fails_too_often_is_not_listened_to(pair: Pair) -> None:
    """An AUTH flood ends at the tenth; the session that is open does not notice."""
    bounded = Allowance(failures_per_minute=FAILURES_PER_MINUTE)
    async with honest(pair, allowed=bounded) as listener:
        for _ in range(FAILURES_PER_MINUTE):
            await refused(pair, listener, "key", lambda chal: pair.auth(chal, signer=STRANGER))
        for _ in range(5):
            with pytest.raises(InvalidStatus) as caught:
                await call(pair)
            assert caught.value.response.status_code == 429
        assert listener.refused == {"key": FAILURES_PER_MINUTE, "failures": 5}


async def test_strangers_that_wait_with_their_auth_are_bounded(pair: Pair) -> None:
    """A connection counts as a stranger's until its AUTH is good, not until its TLS is."""
    async with honest(pair) as listener:
        waiting = [await call(pair) for _ in range(4)]
        reader, writer = await asyncio.open_connection(*pair.address)
        assert await rest(reader) == b""
        writer.close()
        assert listener.refused == {"strangers": 1}
        for socket in waiting:
            socket.transport.abort()
        await until(lambda: listener.refused["broke"] == 4)


# --- introductions ------------------------------------------------------------------------

INTRODUCTION = bytes(range(256)) * 20
PARTS = greeting.cut(INTRODUCTION)
BRINGS = greeting.digest_of(INTRODUCTION)


def introduced(key: bytes, introduction: bytes) -> bool:
    return key == STRANGER.public_key and introduction == INTRODUCTION


async def test_console_that_introduces_itself_is_let_in_both_ways(pair: Pair) -> None:
    listener = pair.listener(
        party=pair.as_north_party(recognises=introduced, introduction=INTRODUCTION)
    )

    def knows_north(key: bytes, introduction: bytes) -> bool:
        return key == pair.north.console.public_key and introduction == INTRODUCTION

    dialer = pair.dialer(
        party=pair.as_south_party(
            signer=STRANGER, introduction=INTRODUCTION, recognises=knows_north
        )
    )
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        await listener.send(b"at once")
        await until(lambda: pair.south_log.cells == [b"at once"])


@pytest.mark.parametrize(
    "parts",
    [
        PARTS[:1] + PARTS[:1],
        PARTS[1:],
        (Part(12, b"x"),),
        (Part(0, INTRODUCTION[:2_000]),),
        (*PARTS[:-1], Part(0, PARTS[-1].piece[:-1])),
    ],
    ids=["twice", "first missing", "too many", "cut short", "altered"],
)
async def test_introduction_that_is_not_the_signed_one_ends_the_connection(
    pair: Pair, parts: tuple[Part, ...]
) -> None:
    async with honest(pair) as listener:
        socket = await call(pair)
        auth = pair.auth(await chal_of(socket), brings=BRINGS)
        for one in (auth, *parts):
            await socket.send(greeting.encode(one))
        assert await close_code(socket) == 4400
        assert listener.refused == {"junk": 1}


async def test_introduction_of_a_bad_signature_is_not_read(pair: Pair) -> None:
    asked: list[bytes] = []

    def recognises(key: bytes, introduction: bytes) -> bool:
        asked.append(introduction)
        return key == pair.south.console.public_key

    async with honest(pair, party=pair.as_north_party(recognises=recognises)) as listener:
        assert asked == [b""]
        await refused(
            pair,
            listener,
            "signature",
            lambda chal: replace(pair.auth(chal, brings=BRINGS), nonce=bytes(32)),
            *PARTS,
        )
        assert asked == [b""]


async def test_fault_while_a_console_is_judged_refuses_it_and_the_listener_goes_on(
    pair: Pair,
) -> None:
    def recognises(key: bytes, _introduction: bytes) -> bool:
        if key == STRANGER.public_key:
            raise ValueError("a bug of ours")
        return True

    async with honest(pair, party=pair.as_north_party(recognises=recognises)) as listener:
        socket = await call(pair)
        await socket.send(greeting.encode(pair.auth(await chal_of(socket), signer=STRANGER)))
        assert await close_code(socket) == 1006
        assert listener.refused == {"fault": 1}
    assert [type(fault) for fault in pair.north_log.faults] == [ValueError]


# --- false listeners ----------------------------------------------------------------------

Says = Callable[[ServerConnection], Awaitable[None]]


@contextlib.asynccontextmanager
async def saying(pair: Pair, says: Says) -> AsyncIterator[None]:
    """Listen with NORTH's TLS key, and say what `says` says instead of the handshake."""
    async with serve(
        says,
        "127.0.0.1",
        0,
        ssl=server_context(pair.north.identity, pinned(pair.south.der)),
        subprotocols=[Subprotocol("hotline.v2")],
        compression=None,
        close_timeout=0.2,
    ) as server:
        pair.address = server.sockets[0].getsockname()[:2]
        yield


async def heard(socket: ServerConnection, versions: bytes = greeting.offer(1)) -> tuple[Chal, Auth]:
    chal = Chal(versions, b"n" * 32)
    await socket.send(greeting.encode(chal))
    auth = greeting.decode(await socket.recv(decode=False))
    assert isinstance(auth, Auth)
    return chal, auth


def welcoming(pair: Pair, signer: Ed25519Signer, versions: bytes = greeting.offer(1)) -> Says:
    async def says(socket: ServerConnection) -> None:
        chal, auth = await heard(socket, versions)
        bare = Welcome(bytes(16), signer.public_key, bytes(32), 61_440, 50, 200, bytes(64))
        welcome = sign_welcome(bare, chal, auth, pair.seen, signer)
        await socket.send(greeting.encode(welcome))
        await socket.wait_closed()

    return says


async def test_listener_of_a_newer_version_is_spoken_to_in_ours(pair: Pair) -> None:
    dialer = pair.dialer()
    says = welcoming(pair, pair.north.console, greeting.offer(7, 1, 2))
    async with saying(pair, says), pair.running(dialer):
        await until(lambda: dialer.up)


async def test_listener_without_a_version_of_ours_is_left(pair: Pair) -> None:
    async def says(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await heard(socket, greeting.offer(2, 3))

    dialer = pair.dialer()
    async with saying(pair, says), pair.running(dialer):
        await until(lambda: dialer.dials >= 2)
    assert any("no version of the handshake" in why for _, why in pair.south_log.states)
    assert "UP" not in pair.south_log.words


async def test_listener_with_the_right_certificate_and_another_console_key_blocks(
    pair: Pair,
) -> None:
    """Whoever has NORTH's TLS key alone is not NORTH."""
    dialer = pair.dialer()
    async with saying(pair, welcoming(pair, STRANGER)), pair.running(dialer):
        await until(lambda: "BLOCKED" in pair.south_log.words)
        assert dialer.refused["proof"] >= 1
    assert "UP" not in pair.south_log.words


async def test_welcome_that_is_not_signed_for_this_opening_blocks(pair: Pair) -> None:
    async def says(socket: ServerConnection) -> None:
        chal, auth = await heard(socket)
        key = pair.north.console.public_key
        bare = Welcome(bytes(16), key, bytes(32), 61_440, 50, 200, bytes(64))
        other = Certificates(pair.stranger.der, pair.south.der)
        signed = sign_welcome(bare, chal, auth, other, pair.north.console)
        await socket.send(greeting.encode(signed))
        await socket.wait_closed()

    async with saying(pair, says), pair.running(pair.dialer()):
        await until(lambda: "BLOCKED" in pair.south_log.words)
    assert "UP" not in pair.south_log.words
    assert any("another one may stand between" in why for _, why in pair.south_log.states)


@pytest.mark.parametrize(
    "first",
    [encode(Cell(b"x")), b"\x05", b"\xff" * 40, greeting.encode(Refuse(2, 0))],
    ids=["cell", "short", "unknown", "refuse"],
)
async def test_listener_that_does_not_begin_with_chal_blocks(pair: Pair, first: bytes) -> None:
    async def says(socket: ServerConnection) -> None:
        await socket.send(first)
        await socket.wait_closed()

    async with saying(pair, says), pair.running(pair.dialer()):
        await until(lambda: "BLOCKED" in pair.south_log.words)
    assert pair.south_log.cells == []


async def test_listener_that_says_nothing_after_the_opening_is_left(pair: Pair) -> None:
    async def says(socket: ServerConnection) -> None:
        await socket.wait_closed()

    dialer = pair.dialer(replace(FAST, auth_timeout_s=0.2))
    async with saying(pair, says), pair.running(dialer):
        reason = "the listener did not answer in time"
        await until(lambda: ("DOWN", reason) in pair.south_log.states)


async def test_refused_dialer_waits_as_long_as_it_is_told_within_bounds(pair: Pair) -> None:
    async def says(socket: ServerConnection) -> None:
        await heard(socket)
        await socket.send(greeting.encode(Refuse(2, 4_000_000_000)))
        await socket.wait_closed()

    dialer = pair.dialer()
    async with saying(pair, says), pair.running(dialer):
        await until(lambda: "BLOCKED" in pair.south_log.words)
        assert dialer._wait_s(1) == 300


async def test_key_that_is_recognised_no_more_opens_no_second_session(pair: Pair) -> None:
    """The question is asked of each opening, of what the station knows then."""
    known = {pair.south.console.public_key}
    as_north = pair.as_north_party(recognises=lambda key, _introduction: key in known)
    listener = pair.listener(party=as_north, allowed=FREE)
    async with pair.running(listener):
        first = await enter(pair)
        await until(lambda: listener.up)
        known.clear()
        socket = await call(pair)
        assert await pair.prove(socket) == FORBIDDEN
        await first.send(encode(Cell(b"the first is open")))
        await until(lambda: pair.north_log.cells == [b"the first is open"])
        await first.close()


def test_signed_auth_is_made_once_for_one_certificate(pair: Pair) -> None:
    chal = Chal(greeting.offer(1), bytes(32))
    auth = pair.auth(chal)
    again = sign_auth(auth, chal, pair.seen, pair.south.console)
    assert again == auth
