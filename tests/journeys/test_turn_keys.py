"""Keys turn over while two stations speak over real sockets (docs/protocol.md §7.21 to §7.26)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotline.core.protocols.turn_keys import LIFE_MS, TURN_MS
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.sealing import items as its
from hotline.sealing.line_secret import DAY_MS
from hotline.sealing.turns import KEPT_MS
from hotline.station import handshaking, outgoing
from hotline.station import station as station_module
from tests.fakes.line import FakeLine, Place, wait_for

HELLOS = {"hello", "hello-answer", "hello-end"}


class Clock:
    """The time of day, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead_ms


def kids(place: Place) -> list[bytes]:
    """Return the key ids of the cells that a place sealed, in order."""
    return [cell[5:21] for cell in place.cells]


def lasting_kids(place: Place) -> set[bytes]:
    """Return the key ids of a place's keys on disk."""
    pair = place.pair
    stored = {key.key_id for key in pair.ours._stored.values()}
    return stored | {place.station.line.recovery.key_id}


async def met(line: FakeLine) -> None:
    await wait_for(lambda: all(place.pair.ready for place in line.places))


def received_once(place: Place, digests: list[str]) -> bool:
    found = [one.digest for one in place.recorded(ev.StatementReceived)]
    return sorted(found) == sorted(digests)


async def test_keys_turn_in_an_exchange_and_no_statement_goes_to_a_key_on_disk(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.places
        await met(line)
        digests: dict[str, list[str]] = {"NORTH": [], "SOUTH": []}
        for number in range(4):
            for place in line.places:
                text = f"{place.name} says {number}"
                digest = await place.say("conv/free-text", {}, text=text)
                await wait_for(lambda place=place, digest=digest: place.receipted(digest))
                digests[place.name].append(digest)
        for place, peer in ((north, south), (south, north)):
            statements = [
                one.packet.to_kid
                for one in peer.heard
                if any(isinstance(item, its.StatementItem) for item in one.packet.items)
            ]
            assert len(statements) == len(set(statements)) == 4
            assert not set(statements) & lasting_kids(peer)
            assert received_once(peer, digests[place.name])
        for place in line.places:
            await place.stop()
            await place.start()
        await line.up()
        await met(line)
        last = await south.say("conv/free-text", {}, text="after both were started again")
        await wait_for(lambda: south.receipted(last))
        await line.settled()
        found = await line.judged()
    assert (found.ok, found.statements, found.receipted) == (True, 9, 9)


async def test_nothing_but_the_handshake_goes_out_before_the_peer_has_proved_itself(
    tmp_path: Path,
) -> None:
    """Spec: docs/protocol.md §7.26"""
    async with FakeLine(tmp_path) as line:
        await met(line)
        await line.settled()
        for place in line.places:
            kinds = [{item.t for item in one.packet.items} for one in place.heard]
            assert kinds[0] <= HELLOS
            later = [kind for kind in kinds if not kind <= HELLOS]
            assert later, "and after it everything else"
            lasting = lasting_kids(place)
            assert all(
                {item.t for item in one.packet.items} <= HELLOS
                for one in place.heard
                if one.packet.to_kid in lasting
            )


async def test_both_stations_started_again_while_statements_wait(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.places
        await met(line)
        north.station._courier.open = _deaf  # type: ignore[method-assign]
        digests = [await south.say("conv/free-text", {}, text=f"to nobody {n}") for n in range(3)]
        sealed = len(kids(south))
        await wait_for(lambda: len(kids(south)) > sealed or south.situation.outbox)
        for place in line.places:
            await place.stop()
        for place in line.places:
            await place.start()
        await line.up()
        await wait_for(lambda: not south.situation.outbox)
        assert received_once(north, digests)
        await line.settled()
        assert (await line.judged()).ok


def _deaf(_cell: bytes) -> Any:
    from hotline.core.errors import PeerError

    raise PeerError("a cell does not open")


@pytest.mark.parametrize("deaf", ["NORTH", "SOUTH"])
async def test_statement_to_a_key_that_is_gone_is_sealed_anew_at_once(
    tmp_path: Path, deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.25"""
    # Only the NACK brings it there: no pause without a receipt is over by then.
    for module, name in ((outgoing, "RETRY_S"), (outgoing, "HOLD_S"), (handshaking, "ASK_AGAIN_S")):
        monkeypatch.setattr(module, name, 3600.0)
    line = FakeLine(tmp_path)
    hears, says = line.places if deaf == "NORTH" else line.places[::-1]
    hears.clock_ms = clock = Clock()
    async with line:
        await met(line)
        # By its clock all turn keys of the one are over; the other cannot know that.
        clock.ahead_ms = LIFE_MS
        digest = await says.say("conv/free-text", {}, text="to a key that is gone")
        await wait_for(lambda: says.receipted(digest))
        assert [nack.code for nack in says.heard_items(its.NackItem)] == ["unknown-key"]
        assert received_once(hears, [digest])


async def test_cells_to_unknown_keys_are_answered_once_a_second(tmp_path: Path) -> None:
    """Spec: docs/protocol.md §7.25"""
    async with FakeLine(tmp_path) as line:
        north, south = line.places
        await met(line)
        await line.settled()
        cell = bytearray(south.cells[-1])
        for number in range(30):
            cell[5:21] = number.to_bytes(16)
            await south.station.route.send(bytes(cell))
        await south.station.route.ping()
        assert north.station._refused.total() >= 30
        await wait_for(lambda: south.heard_items(its.NackItem))
        assert len(south.heard_items(its.NackItem)) <= 2
        assert not south.situation.outbox


async def test_nacks_in_a_flood_are_acted_upon_once_a_second_and_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.25"""
    monkeypatch.setattr(handshaking, "NACK_PAUSE_S", 3600.0)
    begun: list[str] = []
    async with FakeLine(tmp_path) as line:
        north, south = line.places
        await met(line)
        await line.settled()
        honest = south.station._say_all
        south.station._say_all = lambda peer: begun.append(peer) or honest(peer)  # type: ignore[method-assign,func-returns-value]
        for number in range(5):
            newest = south.pair.theirs._turn or south.pair.theirs.prekey
            north.inject(its.NackItem(code="unknown-key", detail="gone", kid=newest.key.key_id))
            await wait_for(lambda n=number: len(south.heard_items(its.NackItem)) > n)
            await wait_for(lambda: begun)
            await south.say("conv/free-text", {}, text=f"sealed to a newer one {number}")
            await south.station.route.ping()
        assert len(begun) == 1
        monkeypatch.setattr(handshaking, "NACK_PAUSE_S", 0.0)
        await wait_for(lambda: not south.pair.begins_anew)
        await wait_for(lambda: not south.situation.outbox)


async def test_station_whose_hellos_go_unanswered_speaks_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.26"""
    monkeypatch.setattr(outgoing, "HOLD_S", 0.2)
    monkeypatch.setattr(station_module, "TICK_S", 0.05)
    async with FakeLine(tmp_path, run=False) as line:
        north, south = line.places
        for place in line.places:
            place.station._settle_keys = lambda *_: None  # type: ignore[method-assign]
        north.run()
        await wait_for((north.directory / "listening.json").exists)
        south.run()
        await line.up()
        digest = await south.say("conv/free-text", {}, text="can anybody hear me")
        await wait_for(lambda: south.receipted(digest))
        assert not north.pair.ready
        assert received_once(north, [digest])


async def test_idle_line_gives_new_keys_after_ten_minutes_and_a_prekey_each_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.22, §7.24"""
    monkeypatch.setattr(station_module, "TICK_S", 0.02)
    monkeypatch.setattr(handshaking, "ASK_AGAIN_S", 0.05)
    clock = Clock()
    # At noon: ten minutes before midnight, the first wait would bring a prekey as well.
    clock.ahead_ms = DAY_MS * 3 // 2 - system_clock() % DAY_MS
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        await met(line)
        await line.settled()
        first = {place.name: lasting_kids(place) for place in line.places}

        def newer(known: dict[str, int]) -> bool:
            return all(one.pair.theirs.known > known[one.name] for one in line.places)

        for wait_ms in (TURN_MS, DAY_MS):
            known = {one.name: one.pair.theirs.known for one in line.places}
            clock.ahead_ms += wait_ms
            await wait_for(lambda known=known: newer(known))
        await wait_for(lambda: all(len(lasting_kids(place)) == 3 for place in line.places))
        await wait_for(
            lambda: all(
                any(one.replaced_ms for one in place.pair.ours.prekeys) for place in line.places
            )
        )
        clock.ahead_ms += KEPT_MS
        await wait_for(
            lambda: all(len(lasting_kids(place) & first[place.name]) == 1 for place in line.places)
        )
        digest = await north.say("conv/free-text", {}, text="four days later")
        await wait_for(lambda: north.receipted(digest))
        assert received_once(south, [digest])


async def test_link_that_breaks_again_and_again_loses_nothing(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.places
        digests = []
        for number in range(4):
            digests.append(await south.say("conv/free-text", {}, text=f"broken {number}"))
            await north.stop()
            await asyncio.sleep(0)
            await north.start()
            await line.up()
        await wait_for(lambda: not south.situation.outbox)
        assert received_once(north, digests)
