"""What hostile packets do to the intake: one bad item never silences or stops anything."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.items import encode_item, item_from_json
from hotline.station import outgoing
from tests.fakes.line import ENCOUNTER, FakeLine, wait_for

ROUNDS = 150


def damaged(value: Any, chance: random.Random) -> Any:
    """Return the item with one value somewhere changed, missing or added."""
    match value:
        case dict() if value:
            key = chance.choice(sorted(value))
            kind = chance.random()
            if kind < 0.1:
                return {k: v for k, v in value.items() if k != key}
            if kind < 0.2:
                return {**value, "x": 1}
            return {**value, key: damaged(value[key], chance)}
        case list() if value:
            place = chance.randrange(len(value))
            return [*value[:place], damaged(value[place], chance), *value[place + 1 :]]
        case str():
            flipped = chance.randrange(len(value) + 1)
            swap = chance.choice(["A", "0", "", "\u202e", "zz", "-1", '"'])
            return value[:flipped] + swap + value[flipped + 1 :]
        case int():
            return chance.choice([0, -1, 1, value + 1, 2**53 - 1, 2**53, "1", None, True])
        case _:
            return chance.choice([None, 0, "", [], {}])


class Raw:
    """An item that no model writes."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def model_dump(self, **_: Any) -> Any:
        return self.value


async def test_damaged_items_never_stop_the_station_or_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)
    chance = random.Random(7)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        held_back: list[its.Item] = []
        honest = south.station._receipt_items

        def keep(digest: str) -> list[its.Item]:
            held_back[:] = honest(digest)
            return []

        south.station._receipt_items = keep  # type: ignore[method-assign]
        said = await north.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: len(held_back) >= 2)
        good: list[its.Item] = [
            *held_back,
            south.item(),
            its.DisplayedItem(digest=Digest(bytes.fromhex(said)), at="2026-11-22T14:31:26.000Z"),
            its.RejectedItem(digest=Digest(bytes(32)), reason="no"),
            its.HeadConflictItem(origin=north.opened.line.origin, size=3),
            its.NackItem(code="gap", detail="x", ranges=((1, 2, 3),)),
        ]
        shapes = [json.loads(encode_item(item)) for item in good]
        for _ in range(ROUNDS):
            packet = [Raw(damaged(chance.choice(shapes), chance)) for _ in range(3)]
            south.inject(*packet)  # type: ignore[arg-type]
        await wait_for(south.station._outgoing._letters.empty)
        await south.station.route.ping()
        assert north.task is not None
        assert not north.task.done()
        assert not north.station.faults, north.station.faults
        assert north.reasons
        assert not north.receipted(said)
        south.station._receipt_items = honest  # type: ignore[method-assign]
        await wait_for(lambda: north.receipted(said))


def test_damage_is_mostly_noticed_by_the_items_themselves() -> None:
    chance = random.Random(3)
    shape = json.loads(encode_item(its.HeadConflictItem(origin="hotline/x", size=3)))
    refused = 0
    for _ in range(200):
        value = damaged(shape, chance)
        try:
            item = item_from_json(value)
            canonical.decode(encode_item(item), what="item", max_bytes=1000)
        except PeerError:
            refused += 1
    assert refused > 100


async def test_packet_with_one_fault_many_times_is_recorded_once(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        tests = [its.LineTestItem(serial=n, phrase="x") for n in range(20)]
        south.inject(*tests)
        await wait_for(lambda: north.reasons)
        south.inject(*tests)
        await south.station.route.ping()
        assert north.reasons == ["test: a packet brings one test, one echo or one query"]
        assert len(north.recorded(ev.StatementQuarantined)) == 1


async def test_many_statements_in_one_packet_are_each_taken(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        items = [south.item()]
        order = json.loads(items[0].order)
        from hotline.core.values import sha256

        payload = canonical.from_base64(order["payload"], what="payload")
        prev = sha256(canonical.pae(order["payloadType"], payload))
        items.append(south.item(seq=2, prev=prev))
        south.inject(*items, *items)
        await wait_for(lambda: len(north.situation.statements) == 2)
        assert not north.reasons
        # Each repeat was receipted again, none was recorded again.
        await wait_for(lambda: len(south.heard_items(its.RecordItem)) == 4)
        assert len(north.recorded(ev.StatementReceived)) == 2


async def test_session_cut_while_recording_leaves_the_station_running(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        for round_ in range(5):
            digest = await south.say("conv/free-text", {}, text=f"round {round_}")
            await wait_for(lambda digest=digest: north.holds(digest))
            session = north.direct._session  # type: ignore[attr-defined]
            if session is not None:
                session._socket.transport.abort()
            await line.up()
        await wait_for(lambda: not south.situation.outbox)
        assert north.task is not None
        assert not north.task.done()
        await asyncio.sleep(0)
