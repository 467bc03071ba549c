"""Two homes become three, and three become two: said, receipted, changed over, verified.

EXERCISE homes that were enrolled by hand, over real sockets.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.review.reviewing import review_ledgers
from hotline.station.changing import change_over
from hotline.station.home import read_card, write_json
from hotline.station.parting import end_line, notice_of
from hotline.station.wanting import Amendment
from tests.fakes.group import FakeGroup
from tests.fakes.line import Place, wait_for
from tests.station.amended import amends
from tests.station.homes import SOUTH_ROUTE, begin, enrol, exchange_cards
from tests.station.homes import Place as Enrolled
from tests.station.test_members import gather


@contextlib.asynccontextmanager
async def at_work(*enrolled: Enrolled) -> AsyncIterator[list[Place]]:
    """Run the stations of these homes until all links are up; the system chooses the ports."""
    names = [one.home.path.name.upper() for one in enrolled]
    places = []
    for one, name in zip(enrolled, names, strict=True):
        directory = one.home.only_line()
        card = read_card(directory)
        peers = tuple(
            peer.model_copy(update={"home": f"../{peer.station.lower()}", "port": 0})
            for peer in card.peers
        )
        write_json(directory / "line.json", card.model_copy(update={"port": 0, "peers": peers}))
        other = next(peer for peer in names if peer != name)
        places.append(Place(name, f"{name.lower()}1", one.home, other, system_clock))
    try:
        for place in places:
            await place.start()
        await wait_for(
            lambda: all(
                FakeGroup.linked(one, other) for one in places for other in places if one != other
            )
        )
        yield places
    finally:
        for place in places:
            await place.stop()


async def said(place: Place, text: str, *others: Place) -> str:
    """Say something, and wait until every other station has receipted it."""
    digest = await place.say("conv/free-text", {}, text=text)
    await wait_for(lambda: not place.state(digest).unreceipted)
    assert place.state(digest).receipted == {other.name for other in others}
    return digest


def today(*enrolled: Enrolled) -> None:
    """Set the ceremony's clocks to now; give each station the others' cards of now."""
    for one in enrolled:
        one.now_ms = system_clock()
    exchange_cards(*enrolled)


async def test_two_stations_become_three_and_three_become_two(tmp_path: Path) -> None:
    began_ms = system_clock() - 60_000
    north, south = enrol(tmp_path, began_ms)
    east = begin(tmp_path / "east", "EAST", route=SOUTH_ROUTE, now_ms=began_ms)
    async with at_work(north, south) as (n, s):
        first = await said(n, "on the line of two", s)

    today(north, south, east)
    gather(north, south, east, opening=amends(north, Amendment(add=["EAST"])))
    for one in (north, south):
        # What was said on the line of two awaits an answer there.
        change_over(one.bench, leave=True)
    async with at_work(north, south, east) as (n, s, e):
        second = await said(n, "to both others", s, e)
        third = await said(e, "of the one that joined", n, s)
        assert not e.holds(first)
        assert not e.recorded(ev.LineContinued)
        assert len(n.recorded(ev.LineContinued)) == 1
        assert e.state(second).statement.to == ("SOUTH", "EAST")
    reviewed = review_ledgers(east.home.path, None)
    assert reviewed.ok, reviewed.lines()
    assert "as of a station that joined" in "\n".join(reviewed.lines())

    today(north, south, east)
    gather(south, east, opening=amends(south, Amendment(remove=["NORTH"])))
    notice = notice_of(east.home).encoded
    for one in (south, east):
        change_over(one.bench, leave=True)
    end_line(north.bench, notice)
    async with at_work(south, east) as (s, e):
        fourth = await said(e, "without the one that left", s)
        assert not s.holds(third)
        with pytest.raises(OperatorError, match="closed this line in favour of"):
            check_not_worked(north)
    assert fourth
    for one, lines in ((north, 2), (south, 3), (east, 2)):
        reviewed = review_ledgers(one.home.path, None)
        assert reviewed.ok, reviewed.lines()
        assert len(list(one.home.lines.iterdir())) == lines


def check_not_worked(place: Enrolled) -> None:
    """Open a station as its console does."""
    from hotline.host.config import find_config
    from hotline.host.entropy import system_entropy
    from hotline.station.assembly import Machine, open_station
    from tests.fakes.line import FAST

    machine = Machine(find_config(), system_clock, system_entropy)
    open_station(place.home, machine, passphrase=None, timings=FAST)
