"""Two stations on real sockets: what a statement goes through, and what may break on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import StorageError
from hotline.core.exchange.delivery import Delivery
from hotline.core.records import events as ev
from hotline.station import outgoing
from tests.fakes.line import CEASE, ENCOUNTER, UNSAFE_ACT, FakeLine, Place, wait_for
from tests.fakes.proxy import FaultProxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


@contextmanager
def failing_disk(place: Place) -> Iterator[list[bool]]:
    """Let every append fail as a broken disk does; the list says how often it was tried."""
    tried: list[bool] = []

    def append(*_: Any, **__: Any) -> None:
        tried.append(True)
        raise StorageError("the disk refused")

    ledger, honest = place.opened.ledger, place.opened.ledger.append
    ledger.append = append  # type: ignore[method-assign]
    yield tried
    ledger.append = honest  # type: ignore[method-assign]


async def test_exchange_from_sending_to_closed_is_the_same_on_both_sides(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        assert south.state(digest).least is Delivery.DELIVERED
        await north.desk.displayed(digest)
        await wait_for(lambda: south.state(digest).least is Delivery.DISPLAYED)
        await north.desk.acknowledge(digest)
        await wait_for(lambda: south.state(digest).least is Delivery.READ)
        agreed = await north.desk.read_back(
            digest, {"position": "54-31.2N 011-02.5E", "course": "210", "speed": "12"}
        )
        assert agreed.agreed
        await wait_for(lambda: south.state(digest).least is Delivery.READ_BACK)
        incident = south.state(digest).statement.incident
        intent = {"what": "SLOW", "course": "045", "speed": "8", "keep_clear": "2", "until": "+30m"}
        await north.say("sea/intent", intent, answers=digest, incident=incident)
        await wait_for(lambda: south.state(digest).least is Delivery.ANSWERED)
        assert north.state(digest).least is Delivery.ANSWERED
        await line.settled()
        steps = [step.split(":")[0].split(" at ")[0] for _, step in south.state(digest).steps]
        assert steps == [
            "sent, number 1 of SOUTH",
            "DELIVERED",
            "DISPLAYED",
            "READ BY OFFICER",
            "READ BACK by NORTH",
            "dialogue answered",
        ]
        assert not north.reasons
        assert not south.reasons
        found = await line.judged()
    assert (found.ok, found.statements, found.receipted) == (True, 4, 4)
    assert not found.missing_tail


async def test_receipt_proves_itself_from_the_senders_ledger_alone(tmp_path: Path) -> None:
    from base64 import b64decode

    from hotline.core.records.checkpoint import parse_note
    from hotline.core.records.leaf import commitment, decode_leaf, leaf_hash
    from hotline.core.records.merkle import check_inclusion

    async with FakeLine(tmp_path) as line:
        digest = await line.south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: line.south.receipted(digest))
        (receipt,) = line.south.recorded(ev.ReceiptObtained)
        ledger, ours = line.south.opened.ledger, line.south.opened.line
        leaf = decode_leaf(b64decode(receipt.leaf))
        assert leaf.subject.hex() == digest
        assert leaf.commitment == commitment(
            bytes.fromhex(receipt.salt), b64decode(receipt.content)
        )
        cosigned = ledger.cosignature(receipt.our_size, ours.witness_of("NORTH"))
        assert cosigned is not None
        assert receipt.our_size > line.south.state(digest).index
        held = ledger.witnessed(ours.origin_of("NORTH"))
        assert held is not None
        head = parse_note(held.note).checkpoint
        proof = [bytes.fromhex(node) for node in receipt.proof]
        assert head.size == receipt.size
        assert check_inclusion(
            leaf_hash(b64decode(receipt.leaf)), receipt.index, receipt.size, head.root, proof
        )


async def test_link_cut_in_the_middle_delivers_everything_once(
    tmp_path: Path, impatient: None
) -> None:
    line = FakeLine(tmp_path)
    async with FaultProxy(line.north.listening) as proxy:
        line.south.reach(*proxy.address)
        async with line:
            north, south = line.north, line.south
            digests = [await south.say("sea/encounter", ENCOUNTER)]
            for allowance in (3_000, 11_000, 25_000):
                proxy.cut_after(allowance)
                digests.append(await south.say("conv/free-text", {}, text="during the cut"))
                digests.append(await north.say("conv/free-text", {}, text="the other way"))
                dropped = proxy.accepted
                await wait_for(lambda dropped=dropped: proxy.accepted > dropped)
            proxy.heal()
            await wait_for(lambda: not north.situation.outbox and not south.situation.outbox)
            for digest in digests:
                assert north.holds(digest)
                assert south.holds(digest)
            for place in line.places:
                received = [one.digest for one in place.recorded(ev.StatementReceived)]
                assert len(received) == len(set(received))
                assert not place.reasons
            await line.settled()
            found = await line.judged()
    assert (found.ok, found.statements, found.receipted) == (True, 7, 7)


async def test_black_hole_shows_no_receipt_until_it_heals(tmp_path: Path, impatient: None) -> None:
    line = FakeLine(tmp_path)
    async with FaultProxy(line.north.listening) as proxy:
        line.south.reach(*proxy.address)
        async with line:
            proxy.black_hole()
            digest = await line.south.say("sea/encounter", ENCOUNTER)
            assert line.south.state(digest).least is Delivery.QUEUED
            assert not line.north.holds(digest)
            proxy.heal()
            await wait_for(lambda: line.south.receipted(digest))
            assert line.south.state(digest).least is Delivery.DELIVERED
            assert len(line.north.recorded(ev.StatementReceived)) == 1


async def test_station_reopened_resends_what_was_not_receipted(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await north.stop()
        await wait_for(lambda: south.situation.links["NORTH"].state == "DOWN")
        digests = [await south.say("sea/encounter", ENCOUNTER)]
        digests.append(await south.say("conv/free-text", {}, text="said while alone"))
        await south.stop()
        await south.start()
        assert list(south.situation.outbox) == digests
        await north.start()
        await line.up()
        await wait_for(lambda: not south.situation.outbox)
        received = [one.digest for one in north.recorded(ev.StatementReceived)]
        assert received == digests
        await line.settled()
        found = await line.judged()
    assert (found.ok, found.statements, found.receipted) == (True, 2, 2)


async def test_receipt_lost_with_the_sender_is_given_again_and_nothing_is_doubled(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        # SOUTH dies after its statement left and before it hears the receipt.
        south.station._courier.open = _deaf  # type: ignore[method-assign]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: north.holds(digest))
        await south.stop()
        await south.start()
        assert not south.receipted(digest)
        await line.up()
        await wait_for(lambda: south.receipted(digest))
        assert len(north.recorded(ev.StatementReceived)) == 1
        assert len(south.recorded(ev.ReceiptObtained)) == 1


def _deaf(_cell: bytes) -> Any:
    from hotline.core.errors import PeerError

    raise PeerError("a cell does not open")


async def test_burst_from_both_sides_is_all_receipted_and_heads_settle(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:

        async def burst(place: Place) -> list[str]:
            says = (place.say("conv/free-text", {}, text=f"{place.name} {n}") for n in range(30))
            return list(await asyncio.gather(*says))

        await asyncio.gather(burst(line.north), burst(line.south))
        await wait_for(lambda: not any(place.situation.outbox for place in line.places))
        await line.settled()
        for place in line.places:
            assert not place.reasons
            assert not place.recorded(ev.HeadRefused)
            assert not place.recorded(ev.GapSeen)
            assert not place.station.faults
        found = await line.judged()
    assert (found.ok, found.statements, found.receipted) == (True, 60, 60)
    assert not found.missing_tail


async def test_settled_line_goes_quiet(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        digest = await line.south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: line.south.receipted(digest))
        await line.settled()
        lengths = [place.situation.length for place in line.places]
        spoken = [len(place.cells) for place in line.places]
        # Nothing acknowledges acknowledgements: each ping waits for all cells before it.
        for _ in range(3):
            for place in line.places:
                await place.station.route.ping()
        assert [place.situation.length for place in line.places] == lengths
        assert [len(place.cells) for place in line.places] == spoken


async def test_flash_overtakes_queued_routine(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await south.stop()
        await wait_for(lambda: north.situation.links["SOUTH"].state == "DOWN")
        routine = [
            await north.say("conv/free-text", {}, text=f"routine {n}", precedence="ROUTINE")
            for n in range(5)
        ]
        flash = await north.say("sea/unsafe-act", UNSAFE_ACT)
        await south.start()
        await wait_for(lambda: not north.situation.outbox)
        order = [one.digest for one in south.recorded(ev.StatementReceived)]
        assert order == [flash, *routine]
        gaps = south.recorded(ev.GapSeen)
        assert [(gap.first_seq, gap.last_seq) for gap in gaps] == [(1, 5)]
        assert not south.reasons


async def test_disk_failure_when_sending_sends_nothing_and_stops_the_station(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        spoken, length = len(south.cells), south.situation.length
        with failing_disk(south) as tried, pytest.raises(StorageError):
            await south.say("sea/encounter", ENCOUNTER)
        assert tried == [True]
        assert isinstance(await south.died(), StorageError)
        assert len(south.cells) == spoken
        assert south.situation.length == length
        assert not south.situation.statements
        assert not north.situation.statements
        # Nothing more is taken from it, not even when the disk is well again.
        with pytest.raises(StorageError):
            await south.say("sea/encounter", ENCOUNTER)


async def test_disk_failure_when_receiving_receipts_nothing_and_stops_the_station(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        spoken = len(north.cells)
        with failing_disk(north):
            digest = await south.say("sea/encounter", ENCOUNTER)
            assert isinstance(await north.died(), StorageError)
        assert len(north.cells) == spoken
        assert not south.receipted(digest)
        await north.stop()
        await north.start()
        assert not north.holds(digest)
        await wait_for(lambda: south.receipted(digest))


async def test_deescalation_crossing_over_the_wire_leaves_both_with_one_ladder(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        incident = south.state(digest).statement.incident
        assert incident is not None
        await asyncio.gather(
            north.say("deesc/cease-propose", CEASE, incident=incident),
            south.say("deesc/cease-propose", CEASE, incident=incident),
        )
        await line.settled()
        ladders = [place.situation.incidents[incident].ladder for place in line.places]
        assert ladders[0] == ladders[1]
        assert ladders[0].state == "PROPOSED"
        standing = ladders[0].standing
        assert standing is not None
        answering = north if standing.station == "SOUTH" else south
        await answering.say(
            "deesc/answer", {"answer": "ACCEPT"}, answers=standing.digest, incident=incident
        )
        await wait_for(
            lambda: all(
                place.situation.incidents[incident].ladder.state == "ACCEPTED"
                for place in line.places
            )
        )


async def test_receipt_whose_head_never_arrived_comes_again(
    tmp_path: Path, impatient: None
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        honest, lost = north.station._receipt_items, []

        def lose(digest: str) -> list[object]:
            lost.append(honest(digest))  # built, marked as shown, and then it never leaves
            north.station._receipt_items = honest  # type: ignore[method-assign]
            return []

        north.station._receipt_items = lose  # type: ignore[method-assign,assignment]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        assert lost
        assert not north.reasons
        assert not south.reasons
