"""Two homes whose line was amended by hand, ready to change over."""

from __future__ import annotations

from pathlib import Path

from hotline.host.config import find_config
from hotline.host.packs import load_catalogue
from hotline.station.cards import accept_card
from hotline.station.home import Home
from hotline.station.wanting import Amendment, wanted_after
from tests.fakes.line import Place as Worked
from tests.station.homes import NOW_MS, Place, enrol, never

TWO = Amendment(two=["deesc/cease-propose"])


def exchange_cards(*places: Place) -> None:
    """Give each station the others' cards of now; nobody reads words."""
    cards = [place.card() for place in places]
    for place in places:
        for other, card in zip(places, cards, strict=True):
            if other is not place:
                accept_card(place.home, card, never, place.bench.clock)


def amends(place: Place, amendment: Amendment = TWO) -> bytes:
    """Open the line that follows the one of this place."""
    peers, wanted = wanted_after(place.home, amendment)
    return place.opens(*peers, wanted=wanted)


def amend(directory: Path, now_ms: int = NOW_MS) -> tuple[Place, Place]:
    """Set a line up, and a minute later one that follows it and waits."""
    north, south = enrol(directory, now_ms)
    north.now_ms = south.now_ms = now_ms + 60_000
    exchange_cards(north, south)
    north.completes(south.joins(amends(north)))
    return north, south


def places_in(directory: Path, now_ms: int) -> tuple[Place, Place]:
    """Return the two places whose homes lie in a directory."""
    catalogue = load_catalogue(find_config())
    north, south = (Place(Home(directory / one), catalogue, now_ms) for one in ("north", "south"))
    return north, south


def worked(place: Place) -> Worked:
    """Return the same home as a station that can be run."""
    name = place.home.path.name.upper()
    peer = "SOUTH" if name == "NORTH" else "NORTH"
    return Worked(name, f"{name.lower()}1", place.home, peer, place.bench.clock)
