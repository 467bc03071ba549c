"""What a check-up says of the other end of a route, without opening a session.

Spec: docs/transport.md §9.12
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hotline.core.errors import LinkError
from hotline.transport.reach import reach
from hotline.transport.tls import PinnedPeer, client_context, pinned
from tests.fakes.ports import free_port
from tests.fakes.proxy import FaultProxy
from tests.transport.rig import Pair, Papers, until, with_wrong_pin

LIMIT_S = 10.0
NOWHERE = "n" * 64 + ".invalid"
"""No name service is asked for a name like this one."""


@contextlib.asynccontextmanager
async def listening(pair: Pair) -> AsyncIterator[None]:
    async with pair.running(pair.listener()):
        yield


async def look(pair: Pair, *, peer: PinnedPeer | None = None, papers: Papers | None = None) -> None:
    known = peer or pinned(pair.north.der)
    context = client_context((papers or pair.south).identity, known)
    await reach(*pair.address, context, known, LIMIT_S)


async def test_listener_that_is_pinned_and_takes_us_is_reached(pair: Pair) -> None:
    async with listening(pair):
        await look(pair)
    assert pair.north_log.words == []


async def test_session_that_is_open_is_not_touched(pair: Pair) -> None:
    dialer = pair.dialer()
    async with pair.running(pair.listener(), dialer):
        await until(lambda: dialer.up)
        await look(pair)
        await dialer.ping()
    assert pair.south_log.words.count("UP") == 1


async def test_listener_with_another_key_is_named_as_somebody_else(pair: Pair) -> None:
    async with listening(pair):
        with pytest.raises(LinkError, match="another certificate than the one this"):
            await look(pair, peer=with_wrong_pin(pair.north))
        with pytest.raises(LinkError, match="another certificate than the one this"):
            await look(pair, peer=pinned(pair.stranger.der))


async def test_listener_that_does_not_know_us_is_said_to(pair: Pair) -> None:
    async with listening(pair):
        with pytest.raises(LinkError, match="does not take this station's certificate") as caught:
            await look(pair, papers=pair.stranger)
    assert "card export" in caught.value.hint


async def test_listener_that_waits_for_another_key_of_ours_says_so(pair: Pair) -> None:
    async with pair.running(pair.listener(peer=with_wrong_pin(pair.south))):
        with pytest.raises(LinkError, match="does not take this station's certificate"):
            await look(pair)


async def test_port_that_nobody_listens_at_is_said_to_be_closed(pair: Pair) -> None:
    pair.address = ("127.0.0.1", free_port())
    with pytest.raises(LinkError, match="nothing takes connections"):
        await look(pair)


async def test_name_that_does_not_resolve_is_said_to(pair: Pair) -> None:
    pair.address = (NOWHERE, 7000)
    with pytest.raises(LinkError, match="does not resolve"):
        await look(pair)


async def test_network_that_swallows_everything_is_given_up_in_time(pair: Pair) -> None:
    async with listening(pair), FaultProxy(lambda: pair.address) as proxy:
        proxy.black_hole()
        behind = replace(pair, address=proxy.address)
        known = pinned(pair.north.der)
        context = client_context(pair.south.identity, known)
        with pytest.raises(LinkError, match="nothing answered"):
            await reach(*behind.address, context, known, 0.3)
