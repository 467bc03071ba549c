"""Several routes to a peer as one, over routes that do what the test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from hotline.core.errors import InvariantError, LinkError
from hotline.core.protocols.route_health import RouteState
from hotline.station import bundle as module
from hotline.station import lanes
from hotline.station.bundle import Bundle, RoutePlan
from hotline.station.under_way import MAX_CELLS, MAX_CELLS_BYTES, UnderWay
from hotline.transport.route import OnCell, OnFault, OnState, Route
from tests.fakes.line import wait_for


@dataclass
class Wire:
    """A route in memory; the far end's reader has what is in `arrived`."""

    name: str
    stores: bool = False
    up: bool = False
    lossy: bool = False
    stuck: bool = False
    dumb: bool = False
    arrived: list[bytes] = field(default_factory=list)
    pings: int = 0
    on_cell: OnCell = field(init=False, repr=False)
    on_state: OnState = field(init=False, repr=False)
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def make(self, on_cell: OnCell, on_state: OnState, _fault: OnFault) -> Route:
        self.on_cell, self.on_state = on_cell, on_state
        return self

    async def turn(self, state: str) -> None:
        self.up = state == "UP"
        await self.on_state(state, "the test")

    async def run(self) -> None:
        await self.ended.wait()

    async def send(self, cell: bytes) -> None:
        if not self.up:
            raise LinkError("it is not up")
        while self.stuck:  # noqa: ASYNC110 - until the test or the bundle ends it
            await asyncio.sleep(0.005)
        if not self.lossy:
            self.arrived.append(cell)

    async def ping(self) -> float:
        self.pings += 1
        if not self.up or self.dumb:
            raise LinkError("no answer")
        return 0.001

    async def close(self) -> None:
        self.ended.set()


@dataclass
class Rig:
    bundle: Bundle
    wires: dict[str, Wire]
    heard: list[tuple[str, bytes]]
    told: list[tuple[str, str]]

    async def up(self, *names: str) -> None:
        for name in names:
            await self.wires[name].turn("UP")

    def arrived(self, name: str) -> list[bytes]:
        return self.wires[name].arrived


@contextlib.asynccontextmanager
async def rigged(*wires: Wire, run: bool = True) -> AsyncIterator[Rig]:
    heard: list[tuple[str, bytes]] = []
    told: list[tuple[str, str]] = []

    async def on_cell(cell: bytes) -> None:
        by = bundle.heard_by
        await asyncio.sleep(0)
        assert bundle.heard_by == by, "cells of one peer are taken one at a time"
        heard.append((by, cell))

    async def on_state(name: str, state: str, _reason: str) -> None:
        told.append((name, state))

    plans = [RoutePlan(wire.name, wire.make, priority) for priority, wire in enumerate(wires)]
    bundle = Bundle(plans, on_cell, on_state, lambda _: None)
    task = asyncio.create_task(bundle.run()) if run else None
    await asyncio.sleep(0)
    try:
        yield Rig(bundle, {wire.name: wire for wire in wires}, heard, told)
    finally:
        await bundle.close()
        if task is not None:
            await asyncio.wait_for(task, 5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.02)
    for name, value_s in (("CONFIRM_S", 0.05), ("PRESSING_S", 0.02), ("WAIT_S", 0.3)):
        monkeypatch.setattr(lanes, name, value_s)


def two() -> tuple[Wire, Wire]:
    return Wire("direct"), Wire("relay-a", stores=True)


async def test_cell_goes_by_the_preferred_route_and_only_there() -> None:
    """Spec: docs/transport.md §11.4"""
    async with rigged(*two()) as rig:
        await rig.up("relay-a", "direct")
        assert await rig.bundle.send(b"first") == ("relay-a",), "it was the first one up"
        assert rig.bundle.best == ("relay-a", "direct")
        assert not rig.arrived("direct")


async def test_without_a_route_a_cell_is_refused() -> None:
    async with rigged(*two()) as rig:
        assert not rig.bundle.up
        assert rig.bundle.best == ()
        for refused in (rig.bundle.send(b"cell"), rig.bundle.send_by("direct", b"cell")):
            with pytest.raises(LinkError):
                await refused
        await rig.up("direct")
        await rig.bundle.send(b"later")
        assert rig.arrived("direct") == [b"later"], "what was refused is its sender's to repeat"


async def test_urgent_cell_goes_by_the_two_best_at_once() -> None:
    """Spec: docs/transport.md §11.4"""
    third = Wire("third")
    async with rigged(*two(), third) as rig:
        await rig.up("direct", "relay-a", "third")
        names = await rig.bundle.send(b"flash", urgent=True)
        assert set(names) <= {"direct", "relay-a"}
        await wait_for(lambda: rig.arrived("relay-a"))
        assert rig.arrived("direct") == rig.arrived("relay-a") == [b"flash"]
        assert not third.arrived


async def test_urgent_cell_waits_for_no_route_that_is_stuck() -> None:
    direct, relay = two()
    async with rigged(direct, relay) as rig:
        await rig.up("direct", "relay-a")
        direct.stuck = True
        sending = asyncio.create_task(rig.bundle.send(b"flash", urgent=True))
        assert set(await sending) == {"direct", "relay-a"}
        assert relay.arrived == [b"flash"]
        await wait_for(lambda: rig.bundle.health("direct").state is RouteState.DEGRADED)


async def test_route_that_does_not_take_a_cell_in_time_gives_way() -> None:
    """Spec: docs/transport.md §11.3, §11.4"""
    direct, other = Wire("direct"), Wire("other")
    async with rigged(direct, other) as rig:
        await rig.up("direct", "other")
        direct.stuck = True
        assert await rig.bundle.send(b"cell") == ("other",)
        assert rig.bundle.best == ("other", "direct")


async def test_route_is_brought_what_another_one_may_have_lost_in_order() -> None:
    """Spec: docs/transport.md §11.5"""
    direct, other = Wire("direct", dumb=True), Wire("other")
    async with rigged(direct, other, run=False) as rig:
        await rig.up("direct", "other")
        direct.lossy = True
        for cell in (b"certificate", b"move 1"):
            await rig.bundle.send(cell)
        await rig.bundle.send(b"flash", urgent=True)
        await wait_for(lambda: len(other.arrived) == 3)
        assert other.arrived == [b"certificate", b"move 1", b"flash"]


async def test_broken_route_hands_what_it_carried_to_the_next_at_once() -> None:
    """Spec: docs/transport.md §11.5"""
    direct, other = Wire("direct", dumb=True), Wire("other")
    async with rigged(direct, other) as rig:
        await rig.up("direct", "other")
        direct.lossy = True
        await rig.bundle.send(b"first")
        await rig.bundle.send(b"second")
        await direct.turn("DOWN")
        await wait_for(lambda: len(other.arrived) == 2)
        assert other.arrived == [b"first", b"second"]


async def test_what_a_pong_confirmed_is_not_brought_again() -> None:
    """Spec: docs/transport.md §11.5"""
    direct, other = Wire("direct"), Wire("other")
    async with rigged(direct, other) as rig:
        await rig.up("direct", "other")
        await rig.bundle.send(b"first")
        await rig.bundle.ping_by("direct")
        await rig.bundle.send(b"second")
        await direct.turn("DOWN")
        await wait_for(lambda: other.arrived)
        assert other.arrived == [b"second"]


async def test_what_a_relay_acknowledged_is_not_brought_again() -> None:
    direct, relay = two()
    async with rigged(direct, relay) as rig:
        await rig.up("relay-a")
        await rig.bundle.send(b"kept")
        await rig.up("direct")
        await relay.turn("DOWN")
        await rig.bundle.send(b"direct")
        assert direct.arrived == [b"direct"]


async def test_new_session_of_a_route_is_brought_what_the_old_one_had() -> None:
    direct, other = Wire("direct", dumb=True), Wire("other", dumb=True)
    async with rigged(direct, other, run=False) as rig:
        await rig.up("direct")
        direct.lossy = True
        await rig.bundle.send(b"lost")
        await direct.turn("DOWN")
        direct.lossy = False
        await direct.turn("UP")
        await rig.bundle.send(b"next")
        assert direct.arrived == [b"lost", b"next"]
        rig.bundle.forget()
        await rig.up("other")
        await rig.bundle.send_by("other", b"new")
        assert other.arrived == [b"new"]


async def test_route_that_does_not_answer_is_left_and_comes_back_after_good_answers() -> None:
    """Spec: docs/transport.md §11.3"""
    direct, other = Wire("direct"), Wire("other")
    async with rigged(direct, other) as rig:
        await rig.up("direct", "other")
        await wait_for(lambda: direct.pings and other.pings)
        direct.dumb = True
        await rig.bundle.send(b"before")
        await wait_for(lambda: rig.bundle.health("direct").state is RouteState.DEGRADED)
        assert rig.bundle.health("direct").missed
        await wait_for(lambda: rig.bundle.best == ("other", "direct"))
        assert await rig.bundle.send(b"after") == ("other",)
        direct.dumb = False
        await wait_for(lambda: rig.bundle.health("direct").state is RouteState.UP)
        assert rig.bundle.best[0] == "other", "it has not been better for long"


async def test_lone_route_is_used_however_it_is() -> None:
    direct = Wire("direct", dumb=True)
    async with rigged(direct) as rig:
        await rig.up("direct")
        await wait_for(lambda: rig.bundle.health("direct").missed > 1)
        assert await rig.bundle.send(b"cell") == ("direct",)


async def test_cells_of_all_routes_are_taken_one_at_a_time_and_states_are_told() -> None:
    """Spec: docs/transport.md §11.1"""
    direct, relay = two()
    async with rigged(direct, relay) as rig:
        await rig.up("direct", "relay-a")
        await asyncio.gather(
            *(wire.on_cell(b"%d" % n) for n in range(5) for wire in rig.wires.values())
        )
        assert len(rig.heard) == 10
        assert {by for by, _ in rig.heard} == {"direct", "relay-a"}
        await relay.turn("DOWN")
        assert rig.told == [("direct", "UP"), ("relay-a", "UP"), ("relay-a", "DOWN")]


async def test_only_the_peer_itself_counts_as_heard() -> None:
    direct, relay = two()
    async with rigged(direct, relay, run=False) as rig:
        await rig.up("direct", "relay-a")
        await rig.bundle.ping_by("relay-a")
        assert rig.bundle.heard_s == float("-inf"), "a relay's answer is not the peer's"
        await relay.on_cell(b"cell")
        by_cell = rig.bundle.heard_s
        assert by_cell > 0
        await rig.bundle.ping_by("direct")
        assert rig.bundle.heard_s >= by_cell
        assert rig.bundle.health("relay-a").last_heard_s is not None


async def test_two_routes_of_one_name_are_refused() -> None:
    for wires in ((), (Wire("direct"), Wire("direct"))):
        with pytest.raises(InvariantError):
            async with rigged(*wires):
                pass


def test_cells_under_way_are_bounded() -> None:
    """Spec: docs/transport.md §11.5"""
    under_way = UnderWay()
    for number in range(MAX_CELLS + 10):
        under_way.add(b"%d" % number)
    assert len(under_way) == MAX_CELLS
    assert under_way.missing_at("any")[0].cell == b"10"
    for _ in range(3):
        under_way.add(bytes(MAX_CELLS_BYTES // 2))
    assert len(under_way) == 2
    assert under_way.pressing
    under_way.clear()
    assert not under_way.pressing
