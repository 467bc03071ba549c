"""What every store of a relay must do: one list of checks for all of them.

A check takes a Keeper, which opens one kind of store and can kill what keeps
the cells. Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from hotline.core.values import sha256
from hotline.transport.relay.store import Box, Creation, Outcome, Quota, RelayStore
from tests.transport.relay.rig import cell, later, new_box

SMALL = Quota(cells=8, octets=10_000_000)
RECIPIENT, SENDER, STRANGER = b"r" * 32, b"s" * 32, b"x" * 32


class Keeper(Protocol):
    """Opens stores over the same cells, again and again, and closes them in the end."""

    async def open(self) -> RelayStore:
        """Open a store with the quota SMALL."""

    async def open_full(self) -> RelayStore:
        """Open a store whose disk, or limit, has no room for a further cell."""

    async def kill_while_putting(self, way: str) -> tuple[Box, list[bytes]]:
        """Put cells from many tasks and kill the keeper amid them; return what was durable.

        Args:
            way: "random", "before" or "after" a commit, or "power" cut.
        """


async def make_box(store: RelayStore) -> Box:
    box = Box(new_box(), RECIPIENT, SENDER)
    assert await store.create(box, new_box() * 2) is Creation.MADE
    return box


async def put(store: RelayStore, box: Box, body: bytes, sender: bytes = SENDER) -> Outcome:
    return await store.put(box.id, sender, sha256(body), body, later())


async def bodies(store: RelayStore, box: Box, after: int = 0) -> list[bytes]:
    found: list[bytes] = []
    while page := await store.fetch(box.id, after, 100):
        found += [held.body for held in page]
        after = page[-1].position
    return found


async def check_cells_come_back_in_their_order(keeper: Keeper) -> None:
    store = await keeper.open()
    box, sent = await make_box(store), [cell() for _ in range(5)]
    for one in sent:
        assert await put(store, box, one) is Outcome.STORED
    page = await store.fetch(box.id, 0, 3)
    assert [held.body for held in page] == sent[:3]
    assert [held.id for held in page] == [sha256(one) for one in sent[:3]]
    assert all(held.expires_ms > later(0.9) for held in page)
    assert await bodies(store, box, page[1].position) == sent[2:]


async def check_largest_cell_comes_back_whole(keeper: Keeper) -> None:
    store = await keeper.open()
    box, large = await make_box(store), cell(61_000)
    assert await put(store, box, large) is Outcome.STORED
    assert await bodies(store, box) == [large]


async def check_cells_and_boxes_outlive_the_store(keeper: Keeper) -> None:
    store = await keeper.open()
    box, one = await make_box(store), cell()
    await put(store, box, one)
    await store.close()
    again = await keeper.open()
    assert await again.find(box.id) == box
    assert await bodies(again, box) == [one]


async def check_duplicate_is_kept_once(keeper: Keeper) -> None:
    store = await keeper.open()
    box, one = await make_box(store), cell()
    assert await put(store, box, one) is Outcome.STORED
    assert await put(store, box, one) is Outcome.DUPLICATE
    outcomes = await asyncio.gather(*(put(store, box, one) for _ in range(5)))
    assert set(outcomes) == {Outcome.DUPLICATE}
    assert await bodies(store, box) == [one]


async def check_same_cell_in_another_box_is_another_cell(keeper: Keeper) -> None:
    store = await keeper.open()
    first, second, one = await make_box(store), await make_box(store), cell()
    assert await put(store, first, one) is Outcome.STORED
    assert await put(store, second, one) is Outcome.STORED
    await store.consume(first.id, [sha256(one)])
    assert await bodies(store, second) == [one]


async def check_consumed_cell_does_not_come_back(keeper: Keeper) -> None:
    store = await keeper.open()
    box, sent = await make_box(store), [cell() for _ in range(3)]
    for one in sent:
        await put(store, box, one)
    assert await store.consume(box.id, [sha256(sent[0]), sha256(sent[2])]) == 2
    assert await store.consume(box.id, [sha256(sent[0])]) == 0
    assert await put(store, box, sent[0]) is Outcome.DUPLICATE
    assert await bodies(store, box) == [sent[1]]
    await store.close()
    assert await bodies(await keeper.open(), box) == [sent[1]]


async def check_full_box_refuses_the_new_and_keeps_the_old(keeper: Keeper) -> None:
    store = await keeper.open()
    box, sent = await make_box(store), [cell() for _ in range(SMALL.cells)]
    for one in sent:
        assert await put(store, box, one) is Outcome.STORED
    late = cell()
    assert await put(store, box, late) is Outcome.QUOTA
    assert await put(store, await make_box(store), cell()) is Outcome.STORED
    assert await bodies(store, box) == sent
    await store.consume(box.id, [sha256(sent[0])])
    assert await put(store, box, late) is Outcome.STORED
    assert await bodies(store, box) == [*sent[1:], late]


async def check_full_store_refuses_and_still_consumes(keeper: Keeper) -> None:
    store = await keeper.open()
    box, one = await make_box(store), cell()
    await put(store, box, one)
    await store.close()
    full = await keeper.open_full()
    assert await put(full, box, cell()) is Outcome.FULL
    health = await full.health()
    assert health.writable
    assert not health.taking
    assert await full.consume(box.id, [sha256(one)]) == 1
    assert await bodies(full, box) == []


async def check_box_takes_from_its_sender_only(keeper: Keeper) -> None:
    store = await keeper.open()
    box = await make_box(store)
    assert await put(store, box, cell(), STRANGER) is Outcome.NO_BOX
    assert await put(store, Box(new_box(), RECIPIENT, SENDER), cell()) is Outcome.NO_BOX
    assert await bodies(store, box) == []


async def check_creation_is_repeatable_and_a_token_makes_one_box(keeper: Keeper) -> None:
    store = await keeper.open()
    token, box = new_box() * 2, Box(new_box(), RECIPIENT, SENDER)
    assert await store.create(box, token) is Creation.MADE
    assert await store.create(box, token) is Creation.MADE
    assert await store.create(Box(new_box(), RECIPIENT, SENDER), token) is Creation.TAKEN
    other = Box(box.id, RECIPIENT, STRANGER)
    assert await store.create(other, token) is Creation.TAKEN
    assert await store.create(Box(new_box(), RECIPIENT, SENDER), token) is Creation.TAKEN
    unused = new_box() * 2
    assert await store.create(other, unused) is Creation.TAKEN
    assert await store.create(Box(new_box(), RECIPIENT, SENDER), unused) is Creation.MADE
    assert await store.find(box.id) == box


async def check_dropped_box_is_gone_and_its_token_free(keeper: Keeper) -> None:
    store = await keeper.open()
    token, box = new_box() * 2, Box(new_box(), RECIPIENT, SENDER)
    await store.create(box, token)
    await put(store, box, cell())
    assert await store.drop(box.id, later())
    assert not await store.drop(box.id, later())
    assert await store.find(box.id) is None
    assert await bodies(store, box) == []
    assert await put(store, box, cell()) is Outcome.NO_BOX
    assert await store.create(box, new_box() * 2) is Creation.TAKEN
    assert await store.create(Box(new_box(), RECIPIENT, SENDER), token) is Creation.MADE


async def check_expired_cell_is_named_once_and_gone(keeper: Keeper) -> None:
    store = await keeper.open()
    box, old, young = await make_box(store), cell(), cell()
    await store.put(box.id, SENDER, sha256(old), old, later(1))
    await store.put(box.id, SENDER, sha256(young), young, later(3))
    assert (box.id, sha256(old)) not in await store.expire(later(0.5))
    assert (box.id, sha256(old)) in await store.expire(later(2))
    assert (box.id, sha256(old)) not in await store.expire(later(2))
    assert await bodies(store, box) == [young]


async def check_arrival_is_told(keeper: Keeper) -> None:
    store, arrived = await keeper.open(), asyncio.Queue[bytes]()
    store.on_arrival(arrived.put_nowait)
    box = await make_box(store)
    await put(store, box, cell())
    async with asyncio.timeout(10):
        assert await arrived.get() == box.id


async def check_health_and_census_are_told(keeper: Keeper) -> None:
    store = await keeper.open()
    before = await store.census()
    box, one = await make_box(store), cell()
    await put(store, box, one)
    after = await store.census()
    assert (after.boxes, after.cells) == (before.boxes + 1, before.cells + 1)
    assert after.octets >= before.octets + len(one)
    health = await store.health()
    assert health.writable
    assert health.taking
    assert health.free_bytes > 0


async def _check_kill(keeper: Keeper, way: str) -> None:
    box, durable = await keeper.kill_while_putting(way)
    assert durable, "nothing was acknowledged before the kill"
    store = await keeper.open()
    found = await bodies(store, box)
    lost = [one for one in durable if one not in set(found)]
    assert not lost, f"{len(lost)} of {len(durable)} acknowledged cells are lost"
    assert len(found) == len(set(found)), "a cell came twice"


async def check_kill_at_any_moment_loses_nothing(keeper: Keeper) -> None:
    await _check_kill(keeper, "random")


async def check_kill_before_a_commit_loses_nothing(keeper: Keeper) -> None:
    await _check_kill(keeper, "before")


async def check_kill_after_a_commit_loses_nothing(keeper: Keeper) -> None:
    await _check_kill(keeper, "after")


async def check_power_cut_loses_nothing(keeper: Keeper) -> None:
    await _check_kill(keeper, "power")


Check = Callable[[Keeper], Awaitable[None]]
CHECKS: dict[str, Check] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}
