"""Two stations that can only dial, and relays between them: all arrives, once, in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.sealing import items as its
from hotline.sealing.line_secret import DAY_MS
from hotline.transport.relay.route import RelayRoute
from hotline.transport.relay.store import RelayStore
from tests.fakes.line import FakeLine, Place, wait_for
from tests.fakes.relayed import FAR_S, add, by_relay_alone, copied_line, new_tokens, relay_card
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.rig import Rig, open_sqlite, with_limits
from tests.transport.rig import Papers, mint


@pytest.fixture(scope="module")
def relay_papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("relay-papers"), "RELAY")


@pytest.fixture
def rig(tmp_path: Path, relay_papers: Papers) -> Rig:
    home = tmp_path / "relay"
    home.mkdir()
    # Both stations share this machine's address, and dial again at once.
    return with_limits(Rig(home, relay_papers), failures_per_minute=100_000)


async def both_add(line: FakeLine, rig: Rig) -> None:
    card = relay_card(*rig.address, rig.relay_key.public_key, rig.papers.der)
    for place in line.places:
        added = await add(place.home, card, new_tokens(rig.admission))
        assert not added.unreached


@contextlib.asynccontextmanager
async def closing(line: FakeLine) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for place in line.places:
            with contextlib.suppress(Exception):
                await place.stop()


async def say(place: Place, text: str, precedence: str = "") -> str:
    return await place.say("conv/free-text", {}, text=text, precedence=precedence)


def heard_in_order(place: Place, texts: list[str]) -> bool:
    states = place.situation.statements.values()
    inbound = [one.statement.text for one in states if one.statement.sender == place.peer]
    return inbound == texts


async def test_two_stations_that_can_only_dial_speak_by_a_relay_from_the_first_handshake_on(
    tmp_path: Path, rig: Rig
) -> None:
    line = copied_line(tmp_path)
    async with rig.running() as store, closing(line):
        await both_add(line, rig)
        await by_relay_alone(line)
        for number in range(3):
            for place in line.places:
                digest = await say(place, f"{place.name} {number}")
                await wait_for(lambda place=place, digest=digest: place.receipted(digest), FAR_S)  # type: ignore[misc]
        for place in line.places:
            assert heard_in_order(place, [f"{place.peer} {number}" for number in range(3)])
        await line.settled()
        held = await store.census()
        assert held.boxes == 2
        judged = await line.judged()
    assert judged.ok


async def test_station_that_was_off_gets_all_once_and_in_order_when_it_starts(
    tmp_path: Path, rig: Rig
) -> None:
    line = copied_line(tmp_path)
    north, south = line.places
    async with rig.running(), closing(line):
        await both_add(line, rig)
        await by_relay_alone(line)
        await line.settled()
        await south.stop()
        texts = [f"while you were away {number}" for number in range(4)]
        said = [await say(north, text) for text in texts]
        store = rig.premises.store  # type: ignore[union-attr]
        async with asyncio.timeout(FAR_S):
            while (await store.census()).cells < len(said):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        await south.start()
        await wait_for(lambda: all(north.receipted(one) for one in said), FAR_S)
        assert heard_in_order(south, texts)
        assert len(north.situation.statements) == len(said)
        judged = await line.judged()
    assert judged.ok


async def test_stations_that_are_never_on_together_deliver_by_a_relay_alone(
    tmp_path: Path, rig: Rig
) -> None:
    """What is left for a peer that is away opens with what it has on its disk, days later.

    Spec: docs/protocol.md §7.25, docs/transport.md §10.5
    """
    line = copied_line(tmp_path)
    north, south = line.places
    async with rig.running() as store, closing(line):
        await both_add(line, rig)
        await by_relay_alone(line)
        await line.settled()
        await south.stop()
        lasting, letters = north.pair.theirs.prekey.key.key_id, sealed_by(north, its.StatementItem)
        said = await say(north, "read this when you are back")
        # Soon it is sealed anew, to a key that does not end with the peer's memory.
        await held(store, south, lambda: [one for one in letters if one[5:21] == lasting])
        await north.stop()
        for place in line.places:
            place.clock_ms = lambda: system_clock() + 3 * DAY_MS
        await south.start()
        receipts = sealed_by(south, its.RecordItem)
        await wait_for(lambda: said in south.situation.statements, FAR_S)
        await held(store, north, lambda: receipts)
        await south.stop()
        await north.start()
        await wait_for(lambda: north.receipted(said), FAR_S)
        assert heard_in_order(south, ["read this when you are back"])


def sealed_by(place: Place, kind: type[its.Item]) -> list[bytes]:
    """Return what will hold the cells with such an item that a place seals."""
    courier, cells = place.station._courier, list[bytes]()
    sealing = courier.seal

    def seal(peer: str, items: Sequence[its.Item], **how: Any) -> bytes:
        cell = sealing(peer, items, **how)
        if any(isinstance(item, kind) for item in items):
            cells.append(cell)
        return cell

    courier.seal = seal  # type: ignore[method-assign]
    return cells


async def held(store: RelayStore, place: Place, wanted: Callable[[], list[bytes]]) -> None:
    """Wait until a relay holds one of these cells for a place."""
    route = place.station.route.routes["relay-a"]
    assert isinstance(route, RelayRoute)
    async with asyncio.timeout(FAR_S):
        while True:
            there = [one.body for one in await store.fetch(route._ours.box, 0, 1_000)]
            if set(there) & set(wanted()):
                return
            await asyncio.sleep(0.05)


async def test_relay_killed_in_the_middle_and_started_again_loses_nothing(
    tmp_path: Path, relay_papers: Papers
) -> None:
    line = copied_line(tmp_path)
    home = tmp_path / "relay"
    home.mkdir()
    tokens = new_tokens(home / "admission", 2)
    relay = RelayProcess(home, relay_papers).start()
    try:
        async with closing(line):
            card = relay_card("127.0.0.1", relay.port, relay.key, relay_papers.der)
            for place, token in zip(line.places, tokens, strict=True):
                await add(place.home, card, [token])
            await by_relay_alone(line)
            north, south = line.places
            texts = [f"number {number}" for number in range(6)]
            said = []
            for number, text in enumerate(texts):
                said.append(await say(north, text))
                if number == 2:
                    relay.kill()
                    await wait_for(lambda: not north.station.route.up, FAR_S)
            await asyncio.to_thread(relay.start)
            await wait_for(lambda: all(north.receipted(one) for one in said), FAR_S)
            assert heard_in_order(south, texts)
            judged = await line.judged()
        assert judged.ok
    finally:
        relay.kill()


async def test_disk_of_the_relay_lost_with_all_on_it_loses_nothing(
    tmp_path: Path, rig: Rig
) -> None:
    line = copied_line(tmp_path)
    north, south = line.places
    async with closing(line):
        async with rig.running():
            await both_add(line, rig)
            await by_relay_alone(line)
            await line.settled()
            await south.stop()
            said = [await say(north, f"lost with the disk {number}") for number in range(2)]
            store = rig.premises.store  # type: ignore[union-attr]
            async with asyncio.timeout(FAR_S):
                while (await store.census()).cells < len(said):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
        async with rig.running(open_sqlite(rig.home / "new-disk.db")):
            await south.start()
            await wait_for(lambda: all(north.receipted(one) for one in said), FAR_S)
            assert heard_in_order(south, [f"lost with the disk {number}" for number in range(2)])
            judged = await line.judged()
    assert judged.ok


async def test_another_relay_in_its_place_is_blocked_and_the_direct_route_goes_on(
    tmp_path: Path, rig: Rig
) -> None:
    line = copied_line(tmp_path)
    async with closing(line):
        async with rig.running():
            await both_add(line, rig)
        impostor = Rig(rig.home, mint(tmp_path, "IMPOSTOR"), rig.limits, relay_key=rig.relay_key)
        impostor.address = rig.address
        async with impostor.running():
            north, south = line.places
            await north.start()
            await wait_for((north.directory / "listening.json").exists)
            await south.start()
            digest = await say(south, "the direct route works")
            await wait_for(lambda: south.receipted(digest), FAR_S)
            await wait_for(
                lambda: (
                    all(
                        place.situation.routes[place.peer]["relay-a"].state == "BLOCKED"
                        for place in line.places
                        if "relay-a" in place.situation.routes[place.peer]
                    )
                    and all("relay-a" in one.situation.routes[one.peer] for one in line.places)
                ),
                FAR_S,
            )
            assert all(place.situation.links[place.peer].state == "UP" for place in line.places)
            assert any("relay-a" in fault for fault in north.station.faults)
            kinds = [one.kind for one in north.opened.ledger.of_kind(ev.RelayAdded.kind)]
            assert kinds == [ev.RelayAdded.kind]
