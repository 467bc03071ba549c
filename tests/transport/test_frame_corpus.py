"""A corpus of websocket frames against a listener, before its handshake and in a session.

Nothing crashes, every close is one that is documented, and an honest peer works afterwards.
Spec: docs/transport.md §2.2, §2.5, §5.7
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from websockets.asyncio.client import ClientConnection

from hotline.transport import frames, greeting
from hotline.transport.frames import Ping, Pong
from tests.fakes.frame_corpus import BELOW, GOES_ON, IN_A_SESSION, REFUSED_ABOVE, Case
from tests.transport.rig import Pair, until
from tests.transport.test_listener import call, close_code, enter, honest

CUT = 1006
"""No close arrived: the connection was cut while the client still wrote."""


async def ended(socket: ClientConnection, case: Case) -> None:
    """Write the case; see the listener close as it must."""
    socket.transport.write(case.raw)
    code = await close_code(socket)
    assert code in case.codes, f"{case.name}: closed with {code}"


def batches(cases: Sequence[Case], size: int = 20) -> list[Sequence[Case]]:
    return [cases[at : at + size] for at in range(0, len(cases), size)]


@pytest.mark.parametrize("cases", batches((*BELOW, *REFUSED_ABOVE)))
async def test_corpus_before_the_handshake_ends_each_stranger_and_nothing_else(
    pair: Pair, cases: Sequence[Case]
) -> None:
    async with honest(pair) as listener:
        for number, case in enumerate(cases, start=1):
            await ended(await call(pair), case)
            await until(lambda number=number: listener.refused.total() == number)
        assert set(listener.refused) <= {"junk", "broke"}
    assert pair.north_log.faults == []


@pytest.mark.parametrize("cases", batches((*BELOW, *REFUSED_ABOVE, *IN_A_SESSION)))
async def test_corpus_in_a_session_ends_that_session_and_the_next_one_works(
    pair: Pair, cases: Sequence[Case]
) -> None:
    listener, dialer = pair.listener(), pair.dialer()
    async with pair.running(listener):
        for case in cases:
            socket = await enter(pair)
            await until(lambda: listener.up)
            await ended(socket, case)
            await until(lambda: not listener.up)
        assert set(listener.refused) <= {"junk", "text", "oversized"}
        async with pair.running(dialer):
            await until(lambda: listener.up and dialer.up)
            assert await dialer.ping() < 20
    assert pair.north_log.faults == []
    assert pair.north_log.cells == []


async def test_odd_frames_that_are_allowed_leave_the_session_open(pair: Pair) -> None:
    listener = pair.listener()
    async with pair.running(listener):
        socket = await enter(pair)
        for number, case in enumerate(GOES_ON):
            socket.transport.write(case.raw)
            await socket.send(frames.encode(Ping(number)))
            async with asyncio.timeout(20):
                answer = await socket.recv(decode=False)
            assert frames.decode(answer) == Pong(number), case.name
        assert listener.refused == {}
        await socket.close()


async def test_odd_frames_before_the_handshake_leave_it_open(pair: Pair) -> None:
    """Pings are the library's, and answered; whatever is a message must be AUTH."""
    listener = pair.listener()
    async with pair.running(listener):
        socket = await call(pair)
        for case in GOES_ON[:3]:
            socket.transport.write(case.raw)
        assert isinstance(await pair.prove(socket), greeting.Welcome)
        await until(lambda: listener.up)
        await socket.close()


def test_corpus_names_each_case_once_and_is_as_large_as_it_says() -> None:
    names = [case.name for case in (*BELOW, *REFUSED_ABOVE)]
    assert len(set(names)) == len(names)
    assert len(names) + len(IN_A_SESSION) + len(GOES_ON) >= 90
