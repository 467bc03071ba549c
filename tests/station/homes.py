"""Homes that a test enrols step by step, without passphrases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.messages.catalogue import Catalogue
from hotline.core.values import Realm
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.sealing.card import Card, Route
from hotline.sealing.certificate import Certificate
from hotline.sealing.charter import default_policy
from hotline.sealing.enrol import RootKey, Subject
from hotline.station.arriving import check_file
from hotline.station.beginning import NewStation, begin_home
from hotline.station.cards import accept_card
from hotline.station.enrolling import (
    Wanted,
    complete_line,
    join_line,
    open_line_with,
)
from hotline.station.home import Home
from hotline.station.identity import own_card, ready_console
from hotline.station.officers import add_officer, unlock_root
from hotline.station.upkeep import Bench
from tests.fakes.ports import free_ports
from tests.station.months import no_passphrase

NOW_MS = 1_795_357_886_000
DAY_MS = 86_400_000
WANTED = Wanted("n-s", default_policy())
_PORTS = free_ports(4)
ROUTE = Route(host="127.0.0.1", port=_PORTS)
"""NORTH's; on a line of three it listens at the port after it, too."""

SOUTH_ROUTE = Route(host="127.0.0.1", port=_PORTS + 2)


def nothing(_name: str) -> None:
    """The new passphrase of an exercise key."""


def never(_card: Card) -> None:
    raise AssertionError("nobody should compare words here")


def agreed(_card: Card) -> None:
    """Two officers compared the words."""


@dataclass
class Place:
    """A station that is being enrolled; its clock stands until a test moves it."""

    home: Home
    catalogue: Catalogue
    now_ms: int = NOW_MS
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.home, lambda: self.now_ms, system_entropy, no_passphrase)

    @property
    def root_file(self) -> Path:
        return self.home.keys / "root.key"

    def root(self) -> RootKey:
        return unlock_root(self.bench, self.root_file)

    def card(self) -> bytes:
        console = ready_console(self.home, None, system_entropy)
        return own_card(self.home, console, self.bench.clock)

    def add(self, person: str, **about: str) -> Certificate:
        subject = Subject(person, name=f"Officer {person}", **about)
        return add_officer(self.bench, subject, nothing, self.root_file, self.catalogue)

    def opens(self, *peers: str, wanted: Wanted = WANTED) -> bytes:
        return open_line_with(self.bench, peers, wanted, self.root())

    def joins(self, opening: bytes) -> bytes:
        found = check_file(self.bench, opening, "open")
        return join_line(self.bench, found, self.root(), self.catalogue)

    def completes(self, *answers: bytes) -> tuple[str, ...]:
        """Complete a line; return whose answers are missing."""
        found = [check_file(self.bench, answer, "join") for answer in answers]
        return complete_line(self.bench, found, self.catalogue).missing


def place_at(path: Path) -> Place:
    """Return the place of a home that was made before, as a copy of a template is."""
    return Place(Home(path), load_catalogue(find_config()))


def begin(
    path: Path,
    station: str,
    realm: Realm = Realm.EXERCISE,
    route: Route | None = None,
    now_ms: int = NOW_MS,
) -> Place:
    """Make a home with one officer, named as the station in small letters and 1."""
    place = Place(Home(path), load_catalogue(find_config()), now_ms)
    clock = place.bench.clock
    new = NewStation(station, realm, route)
    begin_home(place.home, new, nothing, place.catalogue, clock, system_entropy)
    place.add(f"{station.lower()}1")
    return place


def begin_two(directory: Path, now_ms: int = NOW_MS) -> tuple[Place, Place]:
    """Make NORTH, which can be dialled, and SOUTH; each holds the other's card."""
    north = begin(directory / "north", "NORTH", route=ROUTE, now_ms=now_ms)
    south = begin(directory / "south", "SOUTH", now_ms=now_ms)
    accept_card(north.home, south.card(), agreed, north.bench.clock)
    accept_card(south.home, north.card(), agreed, south.bench.clock)
    return north, south


def begin_three(directory: Path, now_ms: int = NOW_MS) -> tuple[Place, Place, Place]:
    """Make NORTH and SOUTH, which can be dialled, and EAST; each holds the others' cards."""
    places = (
        begin(directory / "north", "NORTH", route=ROUTE, now_ms=now_ms),
        begin(directory / "south", "SOUTH", route=SOUTH_ROUTE, now_ms=now_ms),
        begin(directory / "east", "EAST", now_ms=now_ms),
    )
    exchange_cards(*places)
    return places


def exchange_cards(*places: Place) -> None:
    """Have the officers of each station compare the words of every other one."""
    cards = [place.card() for place in places]
    for place in places:
        for other, card in zip(places, cards, strict=True):
            if other is not place:
                accept_card(place.home, card, agreed, place.bench.clock)


def enrol(directory: Path, now_ms: int = NOW_MS) -> tuple[Place, Place]:
    """Set a whole line up."""
    north, south = begin_two(directory, now_ms)
    north.completes(south.joins(north.opens("SOUTH")))
    return north, south
