"""Mailboxes over real sockets and TLS: made, filled, emptied, dropped.

Spec: docs/transport.md §8.3, §8.4, §8.5
"""

from __future__ import annotations

from tests.transport.relay.rig import Rig, cell, later, new_key
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
