"""Two honest ends over real TLS on loopback. Spec: docs/transport.md §1, §5.2, §6.4."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from hotline.core.errors import InvariantError, LinkError, PeerError
from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.route import Route
from tests.transport.rig import Pair, mint, until


async def test_cells_go_both_ways_in_order_and_unchanged(pair: Pair) -> None:
    listener, dialer = pair.listener(), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        cells = [bytes([number]) * (number + 1) for number in range(60)] + [bytes(MAX_CELL_BYTES)]
        for cell in cells:
            await dialer.send(cell)
            await listener.send(cell[::-1])
        await until(lambda: len(pair.north_log.cells) + len(pair.south_log.cells) == 2 * len(cells))
    assert pair.north_log.cells == cells
    assert pair.south_log.cells == [cell[::-1] for cell in cells]
    assert pair.south_log.words == ["DIALING", "UP", "DOWN"]
    assert pair.north_log.words == ["UP", "DOWN"]
    assert not pair.north_log.faults + pair.south_log.faults


async def test_both_ends_are_routes(pair: Pair) -> None:
    routes: list[Route] = [pair.listener(), pair.dialer()]
    assert [route.name for route in routes] == ["direct", "direct"]
    assert not any(route.up for route in routes)


async def test_send_while_not_up_raises_link_error(pair: Pair) -> None:
    dialer = pair.dialer()
    with pytest.raises(LinkError):
        await dialer.send(b"cell")
    with pytest.raises(LinkError):
        await dialer.ping()


async def test_send_of_a_cell_that_is_too_long_leaves_the_session_alone(pair: Pair) -> None:
    listener, dialer = pair.listener(), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        for cell in (b"", bytes(MAX_CELL_BYTES + 1)):
            with pytest.raises(InvariantError):
                await dialer.send(cell)
        await dialer.send(b"fits")
        await until(lambda: pair.north_log.cells == [b"fits"])


async def test_ping_is_answered_by_the_other_reader(pair: Pair) -> None:
    listener, dialer = pair.listener(), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        assert 0 < await dialer.ping() < 5
        assert 0 < await listener.ping() < 5


async def test_cell_being_taken_holds_back_the_next_and_pings(pair: Pair) -> None:
    gate, taken = asyncio.Event(), list[bytes]()

    async def slowly(cell: bytes) -> None:
        taken.append(cell)
        await gate.wait()

    listener, dialer = pair.listener(on_cell=slowly), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        await dialer.send(b"first")
        await dialer.send(b"second")
        echo = asyncio.create_task(dialer.ping())
        await until(lambda: taken)
        # The library's own pong tells that all of it has arrived at the listener.
        assert dialer._session is not None
        await (await dialer._session._socket.ping())
        assert taken == [b"first"]
        assert not echo.done()
        gate.set()
        await echo
        assert taken == [b"first", b"second"]


async def test_fault_in_on_cell_is_reported_and_the_next_cell_is_taken(pair: Pair) -> None:
    async def choosy(cell: bytes) -> None:
        if cell == b"bad":
            raise PeerError("this cell does not open")
        await pair.north_log.on_cell(cell)

    listener, dialer = pair.listener(on_cell=choosy), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        for cell in (b"one", b"bad", b"two"):
            await dialer.send(cell)
        await until(lambda: pair.north_log.cells == [b"one", b"two"])
        assert listener.up
    assert [str(fault) for fault in pair.north_log.faults] == ["this cell does not open"]
    assert pair.north_log.words == ["UP", "DOWN"]


async def test_fault_in_on_state_and_on_fault_does_not_end_the_route(pair: Pair) -> None:
    async def failing(state: str, reason: str) -> None:
        raise ValueError(state + reason)

    def failing_too(fault: Exception) -> None:
        raise fault

    listener, dialer = pair.listener(), pair.dialer(on_state=failing, on_fault=failing_too)
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        await dialer.send(b"cell")
        await until(lambda: pair.north_log.cells == [b"cell"])


async def test_close_says_goodbye_and_the_dialer_comes_back_for_the_next_listener(
    pair: Pair,
) -> None:
    first, dialer = pair.listener(), pair.dialer()
    async with pair.running(dialer):
        async with pair.running(first):
            await until(lambda: dialer.up)
        await until(lambda: "DOWN" in pair.south_log.words)
        assert ("DOWN", "the peer left (1001)") in pair.south_log.states
        async with pair.running(pair.listener()):
            await until(lambda: dialer.up)
            await dialer.send(b"after")
            await until(lambda: pair.north_log.cells == [b"after"])


async def test_close_lets_the_cell_being_taken_finish(pair: Pair) -> None:
    began, done = asyncio.Event(), list[bytes]()

    async def slowly(cell: bytes) -> None:
        began.set()
        await asyncio.sleep(0.05)
        done.append(cell)

    listener, dialer = pair.listener(on_cell=slowly), pair.dialer()
    async with pair.running(listener, dialer):
        await until(lambda: dialer.up)
        await dialer.send(b"cell")
        await began.wait()
        await listener.close()
        assert done == [b"cell"]


async def test_close_from_within_a_callback_ends_the_route(pair: Pair) -> None:
    async def leave(_: bytes) -> None:
        await dialer.close()

    listener = pair.listener()
    dialer = pair.dialer(on_cell=leave)
    async with pair.running(listener, dialer):
        await until(lambda: listener.up)
        await listener.send(b"leave")
        await until(lambda: not listener.up)


async def test_cancelled_run_raises_and_reports_down(pair: Pair) -> None:
    async with pair.running(pair.listener()):
        dialer = pair.dialer()
        running = asyncio.create_task(dialer.run())
        await until(lambda: dialer.up)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert pair.south_log.words[-1] == "DOWN"
        await until(lambda: pair.north_log.words == ["UP", "DOWN"])


async def test_run_after_close_returns_at_once(pair: Pair) -> None:
    dialer = pair.dialer()
    await dialer.close()
    await dialer.run()
    assert dialer.dials == 0


async def test_listener_on_a_taken_port_raises_link_error(pair: Pair) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listener = pair.listener(port=taken.getsockname()[1])
        with pytest.raises(LinkError) as caught:
            await listener.run()
    assert "port" in caught.value.hint


async def test_pinned_keys_outlive_the_dates_of_their_certificates(
    tmp_path: Path,
) -> None:
    """Spec: docs/transport.md §3.7"""
    old = Pair(*(mint(tmp_path, name, days_ago=400) for name in ("NORTH", "SOUTH", "STRANGER")))
    listener, dialer = old.listener(), old.dialer()
    async with old.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
    stranger = old.dialer(identity=old.stranger.identity)
    async with old.running(old.listener(), stranger):
        await until(lambda: stranger.dials >= 2)
        assert not stranger.up
