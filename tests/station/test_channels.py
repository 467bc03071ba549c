"""Channel tests and queries between two real stations; only their clock is ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.exchange import channels
from hotline.core.exchange.channels import watched
from hotline.core.exchange.tested import RouteTests
from hotline.core.protocols.channel import Channel, ChannelTimes, Colour, colour
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem
from hotline.station import station as station_module
from tests.fakes.line import UNSAFE_ACT, FakeLine, Place, wait_for

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TIMES = ChannelTimes()
MAX_FLOOD = 8


class Clock:
    """The time of day at both stations; it stands until a test moves it."""

    def __init__(self) -> None:
        self.now_ms = 1_795_348_800_000  # 2026-11-22T12:00:00Z

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station_module, "TICK_S", 0.01)


def route_tests(place: Place) -> RouteTests:
    return place.situation.channels.get((place.peer, "direct"), RouteTests())


def passed(place: Place, serial: int) -> Callable[[], bool]:
    return lambda: route_tests(place).serial == serial and not route_tests(place).waiting


def colour_of(place: Place) -> Colour:
    return colour(TIMES, [watched(place.situation, place.peer, "direct")], place.clock_ms())


async def test_each_station_tests_its_route_after_it_came_up_and_then_hourly(
    tmp_path: Path, clock: Clock
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        assert all(colour_of(place) is Colour.AMBER for place in line.places)
        clock.now_ms += TIMES.settle_ms
        for place in line.places:
            await wait_for(passed(place, 1))
            assert route_tests(place).state is Channel.PASSED
            assert colour_of(place) is Colour.GREEN
        for serial in (2, 3):
            clock.now_ms += TIMES.interval_ms + TIMES.jitter_ms
            for place in line.places:
                await wait_for(passed(place, serial))
        for place in line.places:
            sent = place.recorded(ev.ChannelTestSent)
            answered = line.south if place is line.north else line.north
            heard = answered.recorded(ev.ChannelTestAnswered)
            assert [one.phrase for one in sent] == [one.phrase for one in heard]
            assert len({one.phrase for one in sent}) == 3
            assert [one.size > 0 for one in place.recorded(ev.ChannelTestEchoed)] == [True] * 3
            assert len(place.situation.timeline) == 2
        judged = await line.judged()
        assert judged.ok


async def test_station_tests_anew_after_its_own_start(tmp_path: Path, clock: Clock) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        clock.now_ms += TIMES.settle_ms
        for place in line.places:
            await wait_for(passed(place, 1))
        await line.south.stop()
        clock.now_ms += 5 * MINUTE_MS
        await line.south.start()
        await line.up()
        clock.now_ms += TIMES.settle_ms
        for place in line.places:
            await wait_for(passed(place, 2))


async def test_peer_that_answers_nothing_goes_by_degraded_to_down_and_an_echo_mends_it(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        honest = type(south.station)._answer_tests
        monkeypatch.setattr(south.station, "_answer_tests", lambda *_: None)
        for misses, state in enumerate(("MISSED1", "MISSED2", "DEGRADED", "DOWN"), start=1):
            clock.now_ms += TIMES.again_ms * misses
            await wait_for(lambda misses=misses: route_tests(north).serial == misses)
            await wait_for(passed(south, 1))
            clock.now_ms += TIMES.answer_ms
            await wait_for(lambda state=state: route_tests(north).state == state)
        assert colour_of(north) is Colour.RED
        assert colour_of(south) is not Colour.RED
        monkeypatch.setattr(south.station, "_answer_tests", honest.__get__(south.station))
        clock.now_ms += TIMES.again_ms * 4
        await wait_for(lambda: route_tests(north).state is Channel.PASSED)
        assert colour_of(north) is Colour.GREEN


async def test_route_that_is_down_misses_a_test_each_hour(tmp_path: Path, clock: Clock) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        await line.south.stop()
        north = line.north
        await wait_for(lambda: not north.station.route.up)
        await wait_for(lambda: north.situation.links["SOUTH"].state == "DOWN")
        clock.now_ms += TIMES.interval_ms + TIMES.jitter_ms
        await wait_for(lambda: route_tests(north).state is Channel.MISSED1)
        (missed,) = north.recorded(ev.ChannelTestMissed)
        assert (missed.serial, missed.why) == (0, "NOT UP")
        assert not north.recorded(ev.ChannelTestSent)


async def test_flood_of_tests_is_recorded_and_answered_up_to_its_bound(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        monkeypatch.setattr(channels, "MAX_HEARD_AN_HOUR", MAX_FLOOD)
        for serial in range(1, MAX_FLOOD + 20):
            south.inject(LineTestItem(serial=serial, phrase="flood"))
        said = await south.say("conv/free-text", {}, text="after the flood")
        await wait_for(lambda: south.receipted(said))
        assert len(north.recorded(ev.ChannelTestAnswered)) == MAX_FLOOD
        await wait_for(lambda: len(south.heard_items(LineEchoItem)) == MAX_FLOOD)


async def test_echo_that_comes_behind_a_newer_head_is_no_fault(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        await line.settled()
        north, south = line.places
        monkeypatch.setattr(south.station, "_answer_tests", lambda *_: None)
        clock.now_ms += TIMES.settle_ms
        await wait_for(lambda: route_tests(north).waiting)
        south.inject(LineEchoItem(serial=1, phrase=route_tests(north).phrase, size=1))
        await wait_for(passed(north, 1))
        assert not north.reasons


# --- acknowledgements ---------------------------------------------------------------------------


async def test_flash_that_nobody_reads_alarms_both_stations_and_ends_when_it_is_read(
    tmp_path: Path, clock: Clock
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        digest = await south.say("sea/unsafe-act", UNSAFE_ACT)
        await wait_for(lambda: south.receipted(digest))
        for step, minutes in enumerate((2, 3, 5), start=1):
            clock.now_ms += minutes * MINUTE_MS
            await wait_for(lambda step=step: south.state(digest).queried == {"NORTH": step})
            await wait_for(lambda step=step: north.state(digest).queried == {"NORTH": step})
        missing = south.recorded(ev.AcknowledgementMissing)
        assert [one.voice for one in missing] == [False, True, True]
        assert all(one.stands == "AT PEER, NOT READ" for one in missing)
        assert [one.step for one in north.heard_items(QueryItem)] == [1, 2, 3]
        await wait_for(lambda: south.recorded(ev.DeadlineMissed))
        await north.desk.acknowledge(digest)
        await wait_for(lambda: south.state(digest).read_by)
        clock.now_ms += HOUR_MS
        await south.station.note()
        assert len(south.recorded(ev.AcknowledgementMissing)) == 3


async def test_flash_that_cannot_leave_is_told_apart_and_asks_nobody(
    tmp_path: Path, clock: Clock
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        await line.north.stop()
        south = line.south
        await wait_for(lambda: south.situation.links["NORTH"].state == "DOWN")
        digest = await south.say("sea/unsafe-act", UNSAFE_ACT)
        clock.now_ms += 2 * MINUTE_MS
        await wait_for(lambda: south.state(digest).queried)
        (missing,) = south.recorded(ev.AcknowledgementMissing)
        assert (missing.stands, missing.queried) == ("LINK DOWN", False)


async def test_query_about_nothing_that_is_here_is_passed_over(
    tmp_path: Path, clock: Clock
) -> None:
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        south.inject(QueryItem(digest=Digest(bytes(32)), step=1))
        said = await south.say("conv/free-text", {}, text="afterwards")
        await wait_for(lambda: south.receipted(said))
        assert not north.recorded(ev.QueryReceived)
        assert not north.reasons
