"""Where the other station is dialled after a line was set up: by command, by card, by neither."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records import events as ev
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.sealing.card import Route
from hotline.station import rerouting
from hotline.station.assembly import Machine, open_station
from hotline.station.cards import accept_card
from hotline.station.home import read_card
from hotline.station.identity import read_identity, write_identity
from hotline.station.rerouting import listen_anew, reroute
from hotline.station.upkeep import at_work
from tests.fakes.line import FAST
from tests.station.amended import places_in
from tests.station.homes import NOW_MS, ROUTE, Place, enrol, never
from tests.station.test_enrolling import power_cut

ELSEWHERE = Route(host="north.example", port=4_711)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes with a line, which no test changes; SOUTH dials NORTH."""
    directory = tmp_path_factory.mktemp("routed")
    enrol(directory)
    return directory


@pytest.fixture
def two(made: Path, tmp_path: Path) -> tuple[Place, Place]:
    shutil.copytree(made, tmp_path / "two")
    return places_in(tmp_path / "two", NOW_MS + 60_000)


def dialled(place: Place) -> tuple[str, int]:
    (peer,) = read_card(place.home.only_line()).peers
    return peer.host, peer.port


def told(place: Place) -> list[tuple[str, str, int, str]]:
    with at_work(place.bench) as work:
        ledger = work.opened.ledger
        found = [ev.decode_event(one.kind, one.content) for one in ledger.of_kind(84)]
    return [
        (one.peer, one.host, one.port, one.before)
        for one in found
        if isinstance(one, ev.RouteChanged)
    ]


async def starts(place: Place) -> None:
    machine = Machine(find_config(), place.bench.clock, system_entropy)
    station, _ = open_station(place.home, machine, passphrase=None, timings=FAST)
    await station.close()


def moved_card(north: Place) -> bytes:
    """Return NORTH's card of now with another route."""
    identity = read_identity(north.home)
    write_identity(north.home, identity.model_copy(update={"route": ELSEWHERE}))
    return north.card()


def test_route_is_changed_by_command_and_recorded(two: tuple[Place, Place]) -> None:
    north, south = two
    with at_work(south.bench) as work:
        done = reroute(work, ELSEWHERE)
        assert (done.peer, done.now) == ("NORTH", "north.example:4711")
    assert dialled(south) == ("north.example", 4_711)
    assert told(south) == [("NORTH", "north.example", 4_711, f"127.0.0.1:{ROUTE.port}")]
    with at_work(south.bench) as work:
        with pytest.raises(OperatorError, match=r"reached at north\.example:4711 already"):
            reroute(work, ELSEWHERE)
        with pytest.raises(OperatorError, match="does not dial NOBODY"):
            reroute(work, ELSEWHERE, "NOBODY")
        with pytest.raises(OperatorError, match="does not listen for one other"):
            listen_anew(work)
    with at_work(north.bench) as work, pytest.raises(OperatorError, match="does not dial anybody"):
        reroute(work, ELSEWHERE)


async def test_newer_card_is_followed_at_the_next_start(two: tuple[Place, Place]) -> None:
    north, south = two
    accept_card(south.home, moved_card(north), never, south.bench.clock)
    assert dialled(south) == ("127.0.0.1", ROUTE.port)
    await starts(south)
    await starts(south)
    assert dialled(south) == ("north.example", 4_711)
    assert told(south) == [("NORTH", "north.example", 4_711, f"127.0.0.1:{ROUTE.port}")]


async def test_card_from_before_the_last_word_is_not_followed(two: tuple[Place, Place]) -> None:
    north, south = two
    accept_card(south.home, moved_card(north), never, south.bench.clock)
    south.now_ms += 60_000
    with at_work(south.bench) as work:
        reroute(work, Route(host="north.example", port=9))
    await starts(south)
    assert dialled(south) == ("north.example", 9)


async def test_card_of_before_the_line_and_one_that_is_spoiled_change_nothing(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    await starts(south)
    card = moved_card(north)
    spoiled = bytearray(card)
    spoiled[-40] ^= 1
    (south.home.path / "cards" / "NORTH.card").write_bytes(spoiled)
    await starts(south)
    (south.home.path / "cards" / "NORTH.card").write_bytes(b"junk\n\xff")
    await starts(south)
    assert dialled(south) == ("127.0.0.1", ROUTE.port)
    assert told(south) == []


def test_route_that_was_recorded_and_not_written_is_written_by_the_same_command(
    two: tuple[Place, Place],
) -> None:
    _, south = two
    with power_cut(rerouting, "write_json"), at_work(south.bench) as work:
        reroute(work, ELSEWHERE)
    assert dialled(south) == ("127.0.0.1", ROUTE.port)
    with at_work(south.bench) as work:
        reroute(work, ELSEWHERE)
    assert dialled(south) == ("north.example", 4_711)


async def test_route_of_a_card_that_was_recorded_and_not_written_is_written_at_the_next_start(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    accept_card(south.home, moved_card(north), never, south.bench.clock)
    with power_cut(rerouting, "write_json"):
        await starts(south)
    await starts(south)
    assert dialled(south) == ("north.example", 4_711)
    assert len(told(south)) == 1


def test_station_that_is_dialled_listens_where_its_card_says_now(
    two: tuple[Place, Place],
) -> None:
    north, _ = two
    directory = north.home.only_line()
    (directory / "listening.json").write_text(f'{{"host": "127.0.0.1", "port": {ROUTE.port}}}')
    with at_work(north.bench) as work, pytest.raises(OperatorError, match="already"):
        listen_anew(work)
    moved_card(north)
    with at_work(north.bench) as work:
        listen_anew(work)
    card = read_card(directory)
    assert (card.host, card.port) == ("north.example", 4_711)
    assert not (directory / "listening.json").exists()
    assert told(north) == [("NORTH", "north.example", 4_711, f"127.0.0.1:{ROUTE.port}")]
