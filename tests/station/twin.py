"""Two stations of which one has a spare console in the safe, set up once and copied by each test.

NORTH has the consoles `north` (1) and `spare` (2); SOUTH is the peer. Either NORTH or SOUTH
listens. All of it is without passphrases, on loopback.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.station.cards import accept_card
from hotline.station.home import Home, read_card, write_json
from hotline.station.identity import Listening
from hotline.station.spare_admitting import admit_spare
from hotline.station.spare_homes import NewSpare, begin_spare
from hotline.station.spare_sides import complete_spare
from hotline.station.spares import take_over
from hotline.station.upkeep import Bench
from tests.fakes.line import Place, wait_for
from tests.station import homes
from tests.station.months import no_passphrase

OFFICERS = ("north1", "north2")
LOOPBACK = Listening(host="127.0.0.1", port=0)


@dataclass
class Twin:
    """The homes, and a place to stand at each."""

    directory: Path
    north: Place = field(init=False)
    south: Place = field(init=False)
    spare: Place = field(init=False)

    def __post_init__(self) -> None:
        def place(name: str, person: str, peer: str, home: str) -> Place:
            return Place(name, person, Home(self.directory / home), peer)

        self.north = place("NORTH", "north1", "SOUTH", "north")
        self.spare = place("NORTH", "north1", "SOUTH", "spare")
        self.south = place("SOUTH", "south1", "NORTH", "south")

    def copy(self, directory: Path) -> Twin:
        shutil.copytree(self.directory, directory)
        return Twin(directory)

    def takes_over(self, *persons: str) -> None:
        packs = load_catalogue(find_config()).packs
        take_over(bench_of(self.spare), persons or OFFICERS, "the first site burns", packs)


def bench_of(place: Place) -> Bench:
    return Bench(place.home, place.clock_ms, system_entropy, no_passphrase)


def nearby(home: Home, *, listens: bool) -> None:
    """Let a home find others by where they listen now, on this machine, and take any port."""
    directory = home.only_line()
    card = read_card(directory)
    where = {("NORTH", 1): "../north", ("NORTH", 2): "../spare", ("SOUTH", 1): "../south"}

    def near(one: object) -> object:
        return one.model_copy(update={"home": where[one.station, one.endpoint]})  # type: ignore[attr-defined]

    near_by = {"peers": tuple(map(near, card.peers)), "spares": tuple(map(near, card.spares))}
    write_json(directory / "line.json", card.model_copy(update={**near_by, "port": 0}))
    assert card.listens is listens


def set_up(directory: Path, *, north_listens: bool = True) -> Twin:
    """Enrol a line, then a spare console of NORTH's: its keys are its own, nothing is copied."""
    now_ms, route = system_clock(), homes.ROUTE
    north = homes.begin(
        directory / "north", "NORTH", route=route if north_listens else None, now_ms=now_ms
    )
    south = homes.begin(
        directory / "south", "SOUTH", route=None if north_listens else route, now_ms=now_ms
    )
    north.add("north2")
    south.add("south2")
    for one, other in ((north, south), (south, north)):
        accept_card(one.home, other.card(), homes.agreed, one.bench.clock)
    north.completes(south.joins(north.opens("SOUTH")))
    accept_card(north.home, south.card(), homes.never, north.bench.clock)
    spare = Home(directory / "spare")
    new = NewSpare(spare, route, LOOPBACK) if north_listens else NewSpare(spare)
    opening = begin_spare(north.bench, new, homes.nothing, north.root_file, north.catalogue)
    answer = admit_spare(south.bench, opening, south.root_file)
    complete_spare(Bench(spare, north.bench.clock, system_entropy, no_passphrase), answer)
    for home, listens in ((north.home, True), (spare, True), (south.home, False)):
        nearby(home, listens=listens is north_listens)
    return Twin(directory)


async def settled(*places: Place) -> None:
    """Wait until all that these say is delivered and countersigned."""

    def quiet() -> bool:
        for place in places:
            if not place.station.settled:
                place.station.show_head()
        return all(place.station.settled for place in places)

    await wait_for(quiet)
