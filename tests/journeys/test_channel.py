"""A watch of two officers: machines test the line, then people do; then nobody is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.exchange.fold import fold
from hotline.core.protocols.channel import ChannelTimes, Colour
from hotline.core.records import events as ev
from hotline.station import station as station_module
from tests.fakes.line import UNSAFE_ACT, FakeLine, Place, wait_for

MINUTE_MS = 60_000
TIMES = ChannelTimes()
PHRASE = "Harbour lights at nine"


class Clock:
    """The time of day at both stations; it stands until the journey goes on."""

    def __init__(self) -> None:
        self.now_ms = 1_795_305_660_000  # 2026-11-22T00:01:00Z

    def __call__(self) -> int:
        return self.now_ms


def alarm(place: Place) -> str:
    return place.desk.watch().alarm


def owed(place: Place) -> list[str]:
    return [row.label for row in place.desk.watch().deadlines if row.word == "test F3"]


async def time_passes(line: FakeLine, clock: Clock, *spans_ms: int) -> None:
    """Let each span pass, then wait until each station has passed one more test."""
    for number, span_ms in enumerate(spans_ms, start=1):
        clock.now_ms += span_ms
        for place in line.places:

            def passed(place: Place = place, number: int = number) -> bool:
                found = place.situation.channels.get((place.peer, "direct"))
                return found is not None and len(found.results) == number and found.misses == 0

            await wait_for(passed)


async def test_watch_with_tests_by_machines_and_people_and_a_flash_that_nobody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_module, "TICK_S", 0.01)
    clock = Clock()
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        assert north.desk.watch().status.link_word == "UP untested"
        hour_ms = TIMES.interval_ms + TIMES.jitter_ms
        await time_passes(line, clock, TIMES.settle_ms, hour_ms, 6 * hour_ms)
        (link,) = north.desk.links()
        assert (link.word, link.colour) == ("UP", Colour.GREEN)
        assert link.lines[0] == "Channel tests today: 3 of 3."
        await wait_for(lambda: "answers in" in north.desk.links()[0].routes[0].lines[1])
        words = [row.state_word for row in north.desk.timeline(0, 100)]
        assert [word for word in words if word.startswith("TEST")] == ["TESTS 3 of 3"]

        # The people: one asks, the other one reads it and types it back.
        assert owed(north) == ["SOUTH"]
        assert owed(south) == ["NORTH"]
        (choice,) = [one for one in north.desk.choices() if one.id == "link/test"]
        assert choice.number == "LINK-01"
        asked = await north.say("link/test", {"serial": "1", "phrase": PHRASE})
        await wait_for(lambda: south.holds(asked))
        await south.desk.acknowledge(asked)
        message = south.desk.message(asked)
        assert message is not None
        assert [one.id for one in message.replies][:1] == ["link/echo"]
        heard = {"reference": asked, "heard": PHRASE.upper()}
        await south.say("link/echo", heard, answers=asked)
        await wait_for(lambda: not owed(north))
        assert not owed(south)

        # A FLASH that nobody reads: the sender is told so, and the other console repeats it.
        flash = await north.say("sea/unsafe-act", UNSAFE_ACT)
        await wait_for(lambda: north.receipted(flash))
        clock.now_ms += 5 * MINUTE_MS
        await wait_for(lambda: "AT PEER, NOT READ: USE VOICE" in alarm(north))
        await wait_for(lambda: "NORTH ASKS" in alarm(south))
        assert south.desk.watch().rings
        shown = [row.state_word for row in north.desk.timeline(0, 100) if row.digest == flash]
        assert shown == ["AT PEER, NOT READ"]
        await south.desk.acknowledge(flash)
        await wait_for(lambda: not alarm(north))
        assert not alarm(south)

        # What is durable is folded a moment later.
        await line.settled()
        for place in line.places:
            assert fold(place.happenings()) == place.situation
            assert len(place.recorded(ev.ChannelTestEchoed)) == 3
        assert (await line.judged()).ok


async def test_officer_is_told_apart_a_link_that_is_down_and_a_desk_where_nobody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_module, "TICK_S", 0.01)
    clock = Clock()
    async with FakeLine(tmp_path, clock=clock) as line:
        north, south = line.places
        await time_passes(line, clock, TIMES.settle_ms)
        there = await north.say("sea/unsafe-act", UNSAFE_ACT)
        await wait_for(lambda: north.receipted(there))
        await south.stop()
        await wait_for(lambda: north.situation.links["SOUTH"].state == "DOWN")
        here = await north.say("sea/unsafe-act", UNSAFE_ACT)
        clock.now_ms += 2 * MINUTE_MS
        await wait_for(lambda: north.state(here).queried)
        words = {row.digest: row.state_word for row in north.desk.timeline(0, 100)}
        assert words[there] == "AT PEER, NOT READ"
        assert words[here] == "LINK DOWN"
        titles = [one.title for one in north.desk.alarms()]
        assert any(title.startswith("LINK DOWN: nothing reaches SOUTH") for title in titles)
        (link,) = north.desk.links()
        assert (link.word.split()[0], link.colour) == ("DOWN", Colour.RED)
        assert link.means.startswith("Nothing goes out.")
        assert link.routes[0].lines[0].startswith("not up since")
        await south.start()
        await wait_for(lambda: north.receipted(here))
        assert north.desk.timeline(0, 100)[-1].state_word != "LINK DOWN"
