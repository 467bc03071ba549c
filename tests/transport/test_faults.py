"""Bad networks between two honest ends. Spec: docs/transport.md §5.3, §6.2, §7.1."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from hotline.core.errors import LinkError
from hotline.transport.dialer import Dialer
from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.link import Timings
from hotline.transport.listener import Listener
from tests.fakes.proxy import TO_CLIENT, TO_TARGET, Direction, FaultProxy, Harm
from tests.transport.rig import FAST, Log, Pair, flood, until

QUICK_PINGS = replace(FAST, ping_interval_s=0.2, ping_timeout_s=0.3, close_timeout_s=0.1)
SECRET = b"a cell in the clear"


@contextlib.asynccontextmanager
async def proxied(
    pair: Pair, timings: Timings = FAST, **changes: Any
) -> AsyncIterator[tuple[Listener, Dialer, FaultProxy]]:
    async with FaultProxy(lambda: pair.address) as proxy:
        listener = pair.listener(timings, **changes)
        dialer = pair.dialer(timings, where=lambda: proxy.address)
        async with pair.running(listener, dialer):
            await until(lambda: listener.up and dialer.up)
            yield listener, dialer, proxy


async def exchange(pair: Pair, listener: Listener, dialer: Dialer, mark: bytes) -> None:
    """See a cell through in each direction, trying again as an outbox does."""
    ways = ((dialer, pair.north_log, b">" + mark), (listener, pair.south_log, b"<" + mark))
    for sender, log, cell in ways:
        await insist(sender, log, cell)


async def insist(sender: Dialer | Listener, log: Log, cell: bytes) -> None:
    async with asyncio.timeout(20):
        while cell not in log.cells:
            with contextlib.suppress(LinkError):
                await sender.send(cell)
            await asyncio.sleep(0.02)


async def test_wire_shows_no_plaintext(pair: Pair) -> None:
    async with proxied(pair) as (listener, dialer, proxy):
        await exchange(pair, listener, dialer, SECRET)
        record = proxy.record()
        assert len(record.to_target) > 500
        assert len(record.to_client) > 500
        assert SECRET not in record.both
        assert b"hotline.v2" not in record.both
        assert b"CONNECT" not in record.both


async def test_cut_connection_comes_back_on_both_ends(pair: Pair) -> None:
    async with proxied(pair) as (listener, dialer, proxy):
        for turn in range(3):
            proxy.cut()
            await until(lambda seen=turn + 1: pair.south_log.words.count("DOWN") >= seen)
            await exchange(pair, listener, dialer, b"%d" % turn)
        assert pair.north_log.words[:2] == ["UP", "DOWN"]


@pytest.mark.parametrize("n_bytes", [0, 1, 700, 30_000])
async def test_cut_in_the_middle_of_a_frame_delivers_no_part_of_it(
    pair: Pair, n_bytes: int
) -> None:
    whole = bytes(range(256)) * (MAX_CELL_BYTES // 256)
    async with proxied(pair) as (listener, dialer, proxy):
        proxy.cut_after(n_bytes)
        with contextlib.suppress(LinkError):
            await dialer.send(whole)
        await until(lambda: "DOWN" in pair.south_log.words)
        await exchange(pair, listener, dialer, b"after")
        await insist(dialer, pair.north_log, whole)
    assert set(pair.north_log.cells) == {whole, b">after"}


@pytest.mark.parametrize("n_bytes", [10, 400, 1200, 1800])
async def test_cut_during_the_handshake_is_tried_again(pair: Pair, n_bytes: int) -> None:
    async with FaultProxy(lambda: pair.address) as proxy:
        proxy.cut_after(n_bytes)
        listener, dialer = pair.listener(), pair.dialer(where=lambda: proxy.address)
        async with pair.running(listener, dialer):
            await exchange(pair, listener, dialer, b"x")
            await until(lambda: proxy.accepted >= 2)


@pytest.mark.parametrize("listens", [True, False], ids=["to a dialer", "to a listener"])
async def test_pings_of_a_peer_that_never_reads_cost_bounded_memory(
    pair: Pair, listens: bool
) -> None:
    timings = replace(FAST, ping_interval_s=60)
    listener, dialer = pair.listener(timings), pair.dialer(timings)
    hostile, other = (listener, pair.south_log) if listens else (dialer, pair.north_log)
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        assert hostile._session is not None
        socket = hostile._session._socket
        socket.transport.pause_reading()
        await flood(socket, lambda: "DOWN" in other.words)


async def test_half_open_connection_is_found_in_bounded_time_by_both_ends(pair: Pair) -> None:
    async with proxied(pair, QUICK_PINGS) as (listener, dialer, proxy):
        began = time.monotonic()
        proxy.black_hole()
        await until(lambda: not dialer.up and not listener.up)
        # Interval, timeout and closing, and a busy machine on top.
        assert time.monotonic() - began < 0.2 + 0.3 + 0.1 + 5
        await until(lambda: ("DOWN", "the peer stopped answering") in pair.south_log.states)
        proxy.heal()
        await exchange(pair, listener, dialer, b"healed")


async def test_black_hole_while_dialing_ends_at_the_open_timeout(pair: Pair) -> None:
    impatient = replace(FAST, open_timeout_s=0.3)
    async with FaultProxy(lambda: pair.address) as proxy:
        proxy.black_hole()
        listener, dialer = pair.listener(), pair.dialer(impatient, where=lambda: proxy.address)
        async with pair.running(listener, dialer):
            await until(lambda: dialer.dials >= 3)
            assert ("DOWN", "the listener did not answer in time") in pair.south_log.states
            proxy.heal()
            # The short timeout was for the black hole; handshakes need what they need.
            dialer._timings = FAST
            await exchange(pair, listener, dialer, b"healed")


async def test_slow_network_only_delays(pair: Pair) -> None:
    async with proxied(pair) as (listener, dialer, proxy):
        proxy.delay(60)
        assert await dialer.ping() >= 0.12
        await exchange(pair, listener, dialer, b"slow")
        assert pair.south_log.words == ["DIALING", "UP"]


@pytest.mark.parametrize("way", [TO_TARGET, TO_CLIENT])
async def test_silence_in_one_direction_is_found_in_bounded_time_by_both_ends(
    pair: Pair, way: Direction
) -> None:
    async with proxied(pair, QUICK_PINGS) as (listener, dialer, proxy):
        proxy.silence(way)
        await until(lambda: not dialer.up and not listener.up)
        proxy.heal()
        await exchange(pair, listener, dialer, b"healed")


async def test_end_that_is_not_told_of_the_other_ends_reset_finds_it_out(pair: Pair) -> None:
    async with proxied(pair, QUICK_PINGS) as (listener, dialer, proxy):
        proxy.half_open()
        await until(lambda: "DOWN" in pair.north_log.words)
        # Nothing reaches the dialer: neither an answer to its pings nor a reset.
        await until(lambda: ("DOWN", "the peer stopped answering") in pair.south_log.states)
        await exchange(pair, listener, dialer, b"again")
        assert proxy.accepted >= 2


@pytest.mark.parametrize("harm", ["corrupt", "drop", "duplicate", "reorder"])
async def test_bytes_that_come_to_harm_cost_the_session_and_deliver_nothing_false(
    pair: Pair, harm: Harm
) -> None:
    async with proxied(pair) as (listener, dialer, proxy):
        proxy.spoil(harm)
        # What is reordered goes behind the next chunk, so there has to be one.
        for number in range(2):
            with contextlib.suppress(LinkError):
                await dialer.send(b"%d" % number * 500)
        await exchange(pair, listener, dialer, b"after")
        await until(lambda: proxy.accepted >= 2)
        await exchange(pair, listener, dialer, b"anew")
    assert set(pair.north_log.cells) <= {b"0" * 500, b"1" * 500, b">after", b">anew"}


async def test_narrow_network_only_delays(pair: Pair) -> None:
    async with proxied(pair) as (listener, dialer, proxy):
        proxy.throttle(100_000)
        began = time.monotonic()
        await dialer.send(wide := bytes(range(256)) * 80)
        await until(lambda: wide in pair.north_log.cells)
        assert time.monotonic() - began >= 0.2
        assert pair.south_log.words == ["DIALING", "UP"]
        proxy.heal()
        await exchange(pair, listener, dialer, b"wide")


async def test_refused_connections_are_tried_with_growing_waits(pair: Pair) -> None:
    patient = replace(FAST, backoff_cap_s=30.0)
    async with FaultProxy(lambda: pair.address) as proxy:
        proxy.refuse()
        dialer = pair.dialer(patient, where=lambda: proxy.address)
        async with pair.running(dialer):
            began = time.monotonic()
            await until(lambda: dialer.dials >= 3)
            assert time.monotonic() - began >= 0.5 + 1.0


async def test_listener_restarted_on_its_port_is_found_again(pair: Pair) -> None:
    dialer = pair.dialer()
    async with pair.running(dialer):
        for turn in range(3):
            listener = pair.listener()
            async with pair.running(listener):
                assert pair.address[1] == listener._port or turn == 0
                await exchange(pair, listener, dialer, b"%d" % turn)


async def test_listener_that_moved_is_found_where_it_is_now(pair: Pair) -> None:
    dialer = pair.dialer()
    async with pair.running(pair.listener(), dialer):
        await until(lambda: dialer.up)
        first = pair.address
        moved = pair.listener(port=0)
        async with pair.running(moved):
            assert pair.address != first
            assert dialer._session is not None
            await dialer._session.stop(1000)
            await exchange(pair, moved, dialer, b"moved")


async def test_where_that_fails_is_reported_and_asked_again(pair: Pair) -> None:
    answers = iter([LinkError("no address is known yet"), ValueError("a bug"), None])

    def where() -> tuple[str, int]:
        answer = next(answers, None)
        if answer is not None:
            raise answer
        return pair.address

    dialer = pair.dialer(where=where)
    async with pair.running(pair.listener(), dialer):
        await until(lambda: dialer.up)
    assert ("DOWN", "no address is known yet") in pair.south_log.states
    assert [str(fault) for fault in pair.south_log.faults] == ["a bug"]


async def test_peer_that_never_reads_is_dropped_by_the_send_timeout(pair: Pair) -> None:
    """The reader is stuck in its first cell; without the timeout, send would wait for ever."""
    stuck = asyncio.Event()

    async def never(_: bytes) -> None:
        await stuck.wait()

    listener = pair.listener(on_cell=never)
    dialer = pair.dialer(replace(FAST, send_timeout_s=0.5, ping_interval_s=60))
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        dropped = False
        async with asyncio.timeout(20):
            while not dropped:
                try:
                    await dialer.send(bytes(MAX_CELL_BYTES))
                except LinkError:
                    dropped = True
        await until(lambda: ("DOWN", "the peer stopped reading") in pair.south_log.states)
        stuck.set()


async def test_senders_waiting_at_the_end_of_a_session_all_get_link_error(pair: Pair) -> None:
    async with proxied(pair) as (_, dialer, proxy):
        proxy.black_hole()
        sends = [asyncio.create_task(dialer.send(bytes(MAX_CELL_BYTES))) for _ in range(200)]
        await until(lambda: any(send.done() for send in sends))
        proxy.cut()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {type(None), LinkError}


async def stalled(dialer: Dialer, count: int) -> tuple[list[asyncio.Task[None]], int]:
    """Send `count` big cells into a black hole; return the sends and the first that waits."""
    sends = [asyncio.create_task(dialer.send(bytes([n]) * 60_000)) for n in range(count)]
    session = dialer._session
    assert session is not None
    await until(lambda: session._socket.paused and not session._outgoing.qsize())
    return sends, next(n for n, send in enumerate(sends) if not send.done())


async def test_senders_cancelled_while_waiting_leave_the_others_in_order(pair: Pair) -> None:
    """The one in the socket's hands still arrives; the one in the queue never leaves."""
    async with proxied(pair) as (_, dialer, proxy):
        proxy.black_hole()
        sends, first = await stalled(dialer, 200)
        assert 0 < first < 190
        sends[first].cancel()
        sends[first + 5].cancel()
        proxy.heal()
        await asyncio.gather(*sends, return_exceptions=True)
        expected = [n for n in range(200) if n != first + 5]
        await until(lambda: len(pair.north_log.cells) >= len(expected))
        assert [cell[0] for cell in pair.north_log.cells] == expected


async def test_sender_behind_a_cancelled_one_gets_link_error_at_a_cut(pair: Pair) -> None:
    async with proxied(pair) as (_, dialer, proxy):
        proxy.black_hole()
        sends, first = await stalled(dialer, 200)
        sends[first].cancel()
        session = dialer._session
        assert session is not None
        await until(session._outgoing.qsize)
        proxy.cut()
        async with asyncio.timeout(20):
            outcomes = await asyncio.gather(*sends[first + 1 :], return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {LinkError}


async def test_ping_that_waits_to_be_sent_at_a_cut_fails_once_and_is_not_told_of_again(
    pair: Pair,
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, said: told.append(said))
    async with proxied(pair) as (_, dialer, proxy):
        proxy.black_hole()
        sends, _first = await stalled(dialer, 200)
        ping = asyncio.create_task(dialer.ping())
        session = dialer._session
        assert session is not None
        await until(lambda: session._echoes)
        proxy.cut()
        outcomes = await asyncio.gather(ping, *sends, return_exceptions=True)
        assert isinstance(outcomes[0], LinkError)
    del ping, sends, outcomes
    gc.collect()
    assert told == []


def test_port_of_a_closed_listener_is_free_at_once(pair: Pair) -> None:
    async def once() -> None:
        dialer = pair.dialer()
        async with pair.running(pair.listener(), dialer):
            await until(lambda: dialer.up)

    asyncio.run(once())
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(pair.address)
