"""Two real stations with more than one way between them: cuts, silence, absence."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotline.core.exchange.delivery import Delivery
from hotline.core.protocols.route_health import RouteState
from hotline.core.records import events as ev
from hotline.sealing import items as its
from hotline.station import bundle, handshaking, lanes, outgoing
from tests.fakes.line import CEASE, UNSAFE_ACT, FakeLine, Place, wait_for
from tests.fakes.proxy import FaultProxy
from tests.fakes.ways import Depot, SecondLink

PATIENT_S = 30.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.5)
    monkeypatch.setattr(outgoing, "HOLD_S", 0.5)
    monkeypatch.setattr(bundle, "BEAT_S", 0.05)
    for name, value_s in (("CONFIRM_S", 0.1), ("WAIT_S", 0.5)):
        monkeypatch.setattr(lanes, name, value_s)


@dataclass
class Ways:
    """A line whose stations have two links; each has a proxy in it."""

    line: FakeLine
    first: FaultProxy
    second: FaultProxy

    @property
    def places(self) -> tuple[Place, Place]:
        return self.line.north, self.line.south


@contextlib.asynccontextmanager
async def two_links(directory: Path) -> AsyncIterator[Ways]:
    line = FakeLine(directory, run=False)
    second = SecondLink(line)
    first = FaultProxy(line.north.listening)
    async with first, second.proxy:
        line.south.reach(*first.address)
        async with line:
            for place in line.places:
                place.run()
            await both_up(line)
            yield Ways(line, first, second.proxy)


async def both_up(line: FakeLine) -> None:
    await wait_for(
        lambda: all(
            {one.state for one in place.situation.routes.get(place.peer, {}).values()} == {"UP"}
            and len(place.station.route.best) == len(place.station.route.routes)
            for place in line.places
        ),
        PATIENT_S,
    )


def watched(place: Place) -> list[str]:
    """Return a list that gets a line for each state of a statement that went back."""
    before: dict[str, Delivery] = {}
    back: list[str] = []

    def look() -> None:
        for digest, state in place.situation.statements.items():
            if state.least < before.get(digest, state.least):
                back.append(f"{state.token} went back to {state.least.name}")
            before[digest] = state.least

    place.station.subscribe(look)
    return back


async def agree(line: FakeLine, *digests: str) -> None:
    """Wait until all is delivered; everything stands once, in order, and nothing was refused."""
    north, south = line.places
    for digest in digests:
        sender, receiver = (north, south) if digest in north.situation.outbox else (south, north)
        assert digest in sender.situation.statements
        await wait_for(lambda: not sender.situation.outbox, PATIENT_S)  # noqa: B023 - awaited here
        await wait_for(lambda: receiver.holds(digest), PATIENT_S)  # noqa: B023 - awaited here
    for place in line.places:
        received = place.recorded(ev.StatementReceived)
        assert len({one.digest for one in received}) == len(received)
        assert sorted(one.order.seq for one in received) == list(range(1, len(received) + 1))
        assert not place.reasons
        assert not place.recorded(ev.StatementQuarantined)
        assert not place.recorded(ev.RejectionReceived)
        assert not place.recorded(ev.RevocationsRefused)
        assert not place.recorded(ev.HeadRefused)


async def test_statements_survive_cuts_of_either_route_in_order(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.2, §11.5"""
    async with two_links(tmp_path) as ways:
        back = [watched(place) for place in ways.places]
        digests = []
        for round_ in range(6):
            for place in ways.places:
                said = await place.say("conv/free-text", {}, text=f"round {round_}")
                digests.append(said)
            (ways.first, ways.second)[round_ % 2].cut_after(2_000)
        await agree(ways.line, *digests)
        for place in ways.places:
            # Only GapSeen that was filled may stand: what is missing is asked for.
            assert not [gap for gap in place.situation.gaps.values() if gap.missing]
        assert back == [[], []]
        report = await ways.line.judged()
        assert report.ok, report


async def test_route_that_is_gone_is_left_and_the_link_stays_up(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.2"""
    async with two_links(tmp_path) as ways:
        north, south = ways.places
        hellos = len(north.heard)
        ways.first.refuse()
        await wait_for(lambda: south.situation.routes["NORTH"]["direct"].state == "DOWN", PATIENT_S)
        digest = await south.say("conv/free-text", {}, text="by the other way")
        await agree(ways.line, digest)
        for place in ways.places:
            assert place.situation.links[place.peer].state == "UP"
        ways.first.heal()
        await both_up(ways.line)
        began = [one for one in north.heard[hellos:] if one.packet.items[0].t == "hello"]
        assert not began, "nobody was started again: nothing begins anew"


async def test_silent_route_is_left_without_a_word_from_the_network(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.3, docs/protocol.md §7.37"""
    async with two_links(tmp_path) as ways:
        north, south = ways.places
        ways.first.black_hole()
        digests = [await south.say("conv/free-text", {}, text="into the hole")]
        digests.append(await north.say("conv/free-text", {}, text="and back"))
        await agree(ways.line, *digests)
        assert south.station.route.health("direct").state is not RouteState.UP
        assert south.station.route.best[0] == "second"


async def test_flash_goes_by_both_routes_and_stands_once(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.4, docs/protocol.md §7.37"""
    async with two_links(tmp_path) as ways:
        north, south = ways.places
        await ways.line.settled()
        took: Counter[tuple[str, bytes]] = Counter()
        honest = north.station.route._on_cell

        async def taking(cell: bytes) -> None:
            took[north.station.route.heard_by, cell] += 1
            await honest(cell)

        north.station.route._on_cell = taking
        digest = await south.say("sea/unsafe-act", UNSAFE_ACT, precedence="FLASH")
        await agree(ways.line, digest)
        (flash,) = (cell for cell in south.cells if took["direct", cell] and took["second", cell])
        assert took["direct", flash] == took["second", flash] == 1
        assert len(north.recorded(ev.StatementReceived)) == 1
        assert not north.station._refused, "a copy is no replay"
        incident = south.state(digest).statement.incident
        back = await north.say("deesc/cease-propose", CEASE, incident=incident)
        await agree(ways.line, back)


async def test_flash_arrives_by_the_other_route_when_one_is_a_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/transport.md §11.4"""
    async with two_links(tmp_path) as ways:
        north, south = ways.places
        # Neither a ping nor a pause without a receipt finds the hole out: both had it at once.
        monkeypatch.setattr(lanes, "WAIT_S", 600.0)
        monkeypatch.setattr(outgoing, "RETRY_S", 600.0)
        ways.first.black_hole()
        digest = await south.say("sea/unsafe-act", UNSAFE_ACT, precedence="FLASH")
        await wait_for(lambda: north.holds(digest), PATIENT_S)
        assert south.station.route.best[0] == "direct"
        ways.first.heal()
        await agree(ways.line, digest)


async def test_receipt_that_was_lost_is_said_again_for_a_new_cell(tmp_path: Path) -> None:
    """Spec: docs/protocol.md §7.37"""
    async with two_links(tmp_path) as ways:
        north, south = ways.places
        await ways.line.settled()
        honest, lost = north.station._put_receipt, list[str]()

        def losing(digest: str) -> None:
            lost.append(digest)
            if len(lost) > 1:
                honest(digest)

        north.station._put_receipt = losing  # type: ignore[method-assign]
        digest = await south.say("conv/free-text", {}, text="once more")
        await wait_for(lambda: south.receipted(digest), PATIENT_S)
        assert lost.count(digest) > 1
        assert len(north.recorded(ev.StatementReceived)) == 1
        assert len([one for one in north.heard if one.packet.items[0].t == "statement"]) > 1


# --- a depot: a relay's behaviour without a relay -------------------------------------------------


@contextlib.asynccontextmanager
async def with_depot(directory: Path) -> AsyncIterator[tuple[FakeLine, Depot]]:
    line = FakeLine(directory, run=False)
    depot = Depot(line, "relay-a")
    async with line:
        for place in line.places:
            place.run()
        await both_up(line)
        yield line, depot


async def test_statement_waits_with_a_relay_for_a_station_that_was_off(tmp_path: Path) -> None:
    """Neither station is there while the other one is. Spec: docs/protocol.md §7.38"""
    async with with_depot(tmp_path) as (line, depot):
        north, south = line.places
        await line.settled()
        await north.stop()
        await wait_for(lambda: south.station.route.best == ("relay-a",), PATIENT_S)
        digest = await south.say("conv/free-text", {}, text="for when you are back")
        await wait_for(lambda: south.station.sending(digest) == "relay-a: relayed", PATIENT_S)
        assert south.state(digest).least is Delivery.QUEUED, "a relay's word is no evidence"
        await wait_for(lambda: not south.pair.ready)
        kept = len(depot.boxes["NORTH"])
        await south.stop()
        await north.start()
        assert kept
        honest, before = north.station._receipt_items, list[int]()

        def receipt(digest: str) -> Sequence[its.Item]:
            before.append(len(depot.put))
            return honest(digest)

        north.station._receipt_items = receipt  # type: ignore[method-assign]
        await wait_for(lambda: before and len(depot.put) > before[0], PATIENT_S)
        assert north.holds(digest)
        await north.stop()
        await south.start()
        await wait_for(lambda: south.receipted(digest), PATIENT_S)


async def test_mailbox_of_an_absent_peer_is_not_filled_with_questions(tmp_path: Path) -> None:
    """Spec: docs/protocol.md §7.38"""
    async with with_depot(tmp_path) as (line, _depot):
        north, south = line.places
        await line.settled()
        await north.stop()
        await wait_for(lambda: south.station.route.best == ("relay-a",), PATIENT_S)
        pauses = []
        for vain in (0, 1, 5, 40):
            south.pair.asked_in_vain = vain
            pauses.append(south.station._ask_pause_s("NORTH"))
        assert pauses == [2.0, 4.0, 64.0, handshaking.MAX_ASK_S]


async def test_route_by_a_relay_alone_carries_a_whole_exchange(tmp_path: Path) -> None:
    async with with_depot(tmp_path) as (line, _depot):
        north, south = line.places
        await line.settled()
        await south.direct.close()
        await wait_for(lambda: north.station.route.best == ("relay-a",), PATIENT_S)
        digest = await south.say("sea/unsafe-act", UNSAFE_ACT)
        await wait_for(lambda: south.receipted(digest), PATIENT_S)
        await north.desk.displayed(digest)
        await wait_for(lambda: south.state(digest).least is Delivery.DISPLAYED, PATIENT_S)
        incident = south.state(digest).statement.incident
        back = await north.say("deesc/cease-propose", CEASE, incident=incident)
        await wait_for(lambda: north.receipted(back), PATIENT_S)
        await wait_for(lambda: north.pair.ready and south.pair.ready, PATIENT_S)


async def test_start_records_routes_as_down_and_those_no_more_as_gone(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.2"""
    async with with_depot(tmp_path) as (line, _depot):
        _, south = line.places
        await line.settled()
        south.station.leave()
        await south.stop()
        south.planned = lambda plans: plans
        await south.start()
        wanted = {("relay-a", "GONE"), ("direct", "DOWN")}
        await wait_for(
            lambda: wanted <= {(one.route, one.state) for one in south.recorded(ev.LinkChanged)},
            PATIENT_S,
        )
        assert set(south.situation.routes["NORTH"]) == {"direct"}
