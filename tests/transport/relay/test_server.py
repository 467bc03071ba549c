"""Mailboxes over real sockets and TLS: made, filled, emptied, dropped.

Spec: docs/transport.md §9.3, §9.4, §9.5
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from hotline.core.errors import LinkError
from hotline.core.values import sha256
from hotline.transport.relay.client import RefusedError
from hotline.transport.relay.frames import Code
from hotline.transport.relay.store import Quota
from tests.transport.relay.rig import Rig, cell, later, new_box, new_key, open_sqlite, with_limits
from tests.transport.rig import until


class Taker:
    """A recipient that keeps what it gets."""

    def __init__(self) -> None:
        self.cells: list[bytes] = []

    async def __call__(self, sealed: bytes) -> None:
        self.cells.append(sealed)


async def test_cell_put_before_the_recipient_comes_is_delivered_and_forgotten(rig: Rig) -> None:
    north, south = new_key(), new_key()
    async with rig.running() as store:
        box = await rig.made_box(north, south)
        sent = [cell() for _ in range(5)]
        async with rig.dial(box, south) as out:
            for one in sent:
                await out.put(box, one, later())
        assert (await store.census()).cells == 5
        taker = Taker()
        async with rig.dial(box, north) as mine:
            await mine.subscribe(box, taker)
            await until(lambda: rig.metrics.cells["consumed"] == 5)
        assert taker.cells == sent
        assert (await store.census()).cells == 0


async def test_cell_put_while_the_recipient_waits_is_pushed_at_once(rig: Rig) -> None:
    north, south = new_key(), new_key()
    async with rig.running():
        box = await rig.made_box(north, south)
        taker = Taker()
        async with rig.dial(box, north) as mine, rig.dial(box, south) as out:
            await mine.subscribe(box, taker)
            first = cell()
            await out.put(box, first, later())
            await until(lambda: taker.cells == [first], 5)


async def test_requests_that_cannot_be_met_are_refused_with_their_code(rig: Rig) -> None:
    with_limits(rig, max_body_bytes=1_000)
    north, south = new_key(), new_key()
    async with rig.running():
        box = await rig.made_box(north, south)

        async def code_of(work: Awaitable[None]) -> int:
            with pytest.raises(RefusedError) as caught:
                await work
            return caught.value.code

        async with rig.dial(box, south) as out, rig.dial(box, north) as mine:
            assert await code_of(out.put(box, cell(), later(-1))) == Code.EXPIRED
            assert await code_of(out.put(box, cell(2_000), later())) == Code.TOO_BIG
            assert await code_of(out.put(new_box(), cell(), later())) == Code.NO_BOX
            assert await code_of(mine.put(box, cell(), later())) == Code.NO_BOX
            assert await code_of(out.subscribe(box, Taker())) == Code.NO_BOX
            assert await code_of(out.drop(box)) == Code.NO_BOX
            unknown = out.create(new_box(), north.public_key, b"t" * 32)
            assert await code_of(unknown) == Code.ADMISSION
            await out.put(box, cell(), later())
        assert rig.metrics.naks["NO_BOX"] == 4


async def test_full_box_refuses_with_a_time_to_come_back(rig: Rig) -> None:
    north, south = new_key(), new_key()
    store = open_sqlite(rig.home / "relay.db", quota=Quota(cells=2))
    async with rig.running(store):
        box = await rig.made_box(north, south)
        async with rig.dial(box, south) as out:
            await out.put(box, cell(), later())
            await out.put(box, cell(), later())
            with pytest.raises(RefusedError) as caught:
                await out.put(box, cell(), later())
    assert (caught.value.code, caught.value.retry_after_s > 0) == (Code.QUOTA, True)


async def test_full_disk_refuses_cells_and_still_lets_them_be_consumed(rig: Rig) -> None:
    north, south, taker = new_key(), new_key(), Taker()
    async with rig.running():
        box, one = await rig.made_box(north, south), cell()
        async with rig.dial(box, south) as out:
            await out.put(box, one, later())
    async with rig.running(open_sqlite(rig.home / "relay.db", floor_part=1.1)) as full:
        async with rig.dial(box, south) as out, rig.dial(box, north) as mine:
            with pytest.raises(RefusedError) as caught:
                await out.put(box, cell(), later())
            assert caught.value.code == Code.FULL
            await out.put(box, one, later())
            await mine.subscribe(box, taker)
            await until(lambda: rig.metrics.cells["consumed"] == 1)
            await mine.ping()
        assert (await full.census()).cells == 0


async def test_cell_put_again_is_acknowledged_and_delivered_once(rig: Rig) -> None:
    north, south, taker = new_key(), new_key(), Taker()
    async with rig.running():
        box, one = await rig.made_box(north, south), cell()
        async with rig.dial(box, south) as out, rig.dial(box, north) as mine:
            await out.put(box, one, later())
            await out.put(box, one, later())
            await mine.subscribe(box, taker)
            await until(lambda: rig.metrics.cells["consumed"] == 1)
            await out.put(box, one, later())
            await mine.ping()
        assert taker.cells == [one]
        assert rig.metrics.cells["duplicate"] == 2


async def test_cell_that_its_taker_did_not_keep_comes_again(rig: Rig) -> None:
    north, south, taker = new_key(), new_key(), Taker()

    async def fail(_: bytes) -> None:
        raise OSError("the station's disk is full")

    async with rig.running():
        box, one = await rig.made_box(north, south), cell()
        async with rig.dial(box, south) as out:
            await out.put(box, one, later())
        async with rig.dial(box, north) as mine:
            await mine.subscribe(box, fail)
            await until(lambda: rig.metrics.cells["pushed"] == 1)
            why = await mine.ended()
            assert str(why) == "the station's disk is full"
            with pytest.raises(LinkError):
                await mine.ping()
        async with rig.dial(box, north) as mine:
            await mine.subscribe(box, taker)
            await until(lambda: taker.cells == [one])


async def test_sender_is_told_what_expired_before_it_was_taken(rig: Rig) -> None:
    north, south, lost = new_key(), new_key(), list[bytes]()
    async with rig.running() as store:
        box, one = await rig.made_box(north, south), cell()
        assert rig.premises is not None
        async with rig.dial(box, south, on_expired=lost.append) as out:
            await out.put(box, one, later(1))
            for of, cell_id in await store.expire(later(2)):
                rig.premises.hub.expired(of, cell_id)
            await until(lambda: lost == [sha256(one)])


async def test_cell_is_kept_no_longer_than_the_relay_said(rig: Rig) -> None:
    with_limits(rig, keep_s=3_600)
    north, south = new_key(), new_key()
    async with rig.running() as store:
        box = await rig.made_box(north, south)
        async with rig.dial(box, south) as out:
            assert out.welcome.keep_s == 3_600
            await out.put(box, cell(), later(1_000))
        assert len(await store.expire(later(1.1))) == 1


async def test_dropped_box_is_gone_and_its_token_makes_another(rig: Rig) -> None:
    north, south, token = new_key(), new_key(), rig.token()
    first, second = new_box(), new_box()
    async with rig.running():
        async with rig.dial(first, north, token) as mine:
            await mine.create(first, south.public_key, token)
            with pytest.raises(RefusedError):
                await mine.create(second, south.public_key, token)
            await mine.drop(first)
            await mine.create(second, south.public_key, token)
        async with rig.dial(second, south) as out:
            with pytest.raises(RefusedError):
                await out.put(first, cell(), later())
            await out.put(second, cell(), later())


async def test_key_that_no_mailbox_knows_needs_a_token(rig: Rig) -> None:
    async with rig.running():
        with pytest.raises(LinkError, match="refuses this key"):
            async with rig.dial(new_box(), new_key()):
                pytest.fail("a stranger got in")


async def test_window_lets_many_puts_pass_in_their_turn(rig: Rig) -> None:
    with_limits(rig, window_cells=3, frames_per_s=10_000.0)
    north, south = new_key(), new_key()
    async with rig.running() as store:
        box = await rig.made_box(north, south)
        async with rig.dial(box, south) as out:
            await asyncio.gather(*(out.put(box, cell(), later()) for _ in range(50)))
        assert (await store.census()).cells == 50


async def test_relay_that_ends_says_goodbye_and_what_it_held_is_there_again(rig: Rig) -> None:
    north, south, taker = new_key(), new_key(), Taker()
    async with rig.running():
        box, one = await rig.made_box(north, south), cell()
        async with rig.dial(box, south) as out:
            await out.put(box, one, later())
        waiting = rig.dial(box, north)
        mine = await waiting.__aenter__()
    with pytest.raises(LinkError):
        await mine.ping()
    await waiting.__aexit__(None, None, None)
    async with rig.running(), rig.dial(box, north) as again:
        await again.subscribe(box, taker)
        await until(lambda: taker.cells == [one])


async def test_ping_says_when_the_store_fails(rig: Rig) -> None:
    north, south = new_key(), new_key()
    store = open_sqlite(rig.home / "relay.db")
    async with rig.running(store):
        box = await rig.made_box(north, south)
        async with rig.dial(box, south) as out:
            await out.ping()
            store._writer.broken = True
            with pytest.raises(RefusedError):
                await out.ping()
            with pytest.raises(RefusedError) as caught:
                await out.put(box, cell(), later())
            assert (caught.value.code, caught.value.retry_after_s > 0) == (Code.FAULT, True)


async def test_put_that_was_given_up_and_repeated_waits_for_the_same_answer(rig: Rig) -> None:
    with_limits(rig, window_cells=1)
    north, south = new_key(), new_key()
    async with rig.running() as store:
        box, one = await rig.made_box(north, south), cell()
        async with rig.dial(box, south) as out:
            impatient = asyncio.create_task(out.put(box, one, later()))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.gather(out.put(box, one, later()), out.put(box, one, later()))
        assert (await store.census()).cells == 1


async def test_put_whose_session_breaks_is_told_and_can_be_repeated(rig: Rig) -> None:
    with_limits(rig, window_cells=2)
    north, south = new_key(), new_key()
    async with rig.running() as store:
        box, sent = await rig.made_box(north, south), [cell() for _ in range(6)]
        async with rig.dial(box, south) as out:
            out._socket.transport.abort()
            told = await asyncio.gather(
                *(out.put(box, one, later()) for one in sent), return_exceptions=True
            )
            assert [type(one) for one in told] == [LinkError] * 6
        async with rig.dial(box, south) as again:
            await asyncio.gather(*(again.put(box, one, later()) for one in sent))
        assert (await store.census()).cells == 6
