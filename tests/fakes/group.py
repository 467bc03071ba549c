"""Three stations with one line between them, over real sockets, in one process.

    async with FakeGroup(tmp_path) as group:
        digest = await group.north.say("sea/encounter", ENCOUNTER)
        await group.delivered(digest)

NORTH listens for both others, SOUTH for EAST. A place is one of tests.fakes.line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.sealing import items as its
from hotline.sealing.enrol import Subject
from hotline.station.founding import Founder
from hotline.station.home import Home
from tests.fakes.founded import found_or_copy
from tests.fakes.line import Place, catalogue, wait_for

OFFICERS = {
    "NORTH": Subject("ramos", "A. Ramos", "LT", "Duty officer"),
    "SOUTH": Subject("niven", "K. Niven", "LCDR", "Watch officer"),
    "EAST": Subject("okafor", "C. Okafor", "CDR", "Watch commander"),
}
DEPUTIES = {
    "NORTH": Subject("vega", "B. Vega", "CDR", "Commander"),
    "SOUTH": Subject("sorel", "M. Sorel", "CDR", "Commander"),
    "EAST": Subject("lindt", "P. Lindt", "CDR", "Commander"),
}
NAMES = tuple(OFFICERS)


def found(
    directory: Path, clock: Callable[[], int] = system_clock, *, deputies: bool = False
) -> dict[str, Home]:
    """Make the homes of NORTH, SOUTH and EAST with one line between them."""
    homes = {name: Home(directory / name) for name in NAMES}
    found_or_copy(
        [
            Founder(homes[name], name, (OFFICERS[name], *[DEPUTIES[name]] * deputies))
            for name in NAMES
        ],
        name="north-south-east",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=clock,
    )
    return homes


class FakeGroup:
    """A line of three places; the context closes whatever still runs."""

    def __init__(
        self,
        directory: Path,
        *,
        run: bool = True,
        clock: Callable[[], int] = system_clock,
        deputies: bool = False,
    ) -> None:
        """Found the line; `deputies`: each station has a second officer."""
        homes = found(directory, clock, deputies=deputies)
        self._run = run
        self.north, self.south, self.east = self.places = tuple(
            Place(
                name,
                OFFICERS[name].person,
                homes[name],
                next(other for other in NAMES if other != name),
                clock,
            )
            for name in NAMES
        )

    async def __aenter__(self) -> FakeGroup:
        for place in self.places:
            await place.start(run=self._run)
        if self._run:
            await self.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for place in self.places:
            with contextlib.suppress(Exception):
                await place.stop()

    @staticmethod
    def linked(place: Place, peer: Place) -> bool:
        """Return whether a place says that its link to another one is up."""
        link = place.situation.links.get(peer.name)
        return place.station.routes[peer.name].up and link is not None and link.state == "UP"

    async def up(self, *places: Place) -> None:
        """Wait until all of them, or all of `places`, say that the links between them are up."""
        among = places or self.places
        await wait_for(
            lambda: all(
                self.linked(one, other) for one in among for other in among if one is not other
            )
        )

    async def delivered(self, digest: str) -> None:
        """Wait until its sender holds a receipt of every other station."""
        await wait_for(
            lambda: any(
                place.holds(digest)
                and place.state(digest).outbound
                and not place.state(digest).unreceipted
                for place in self.places
            )
        )

    async def settled(self, *places: Place) -> None:
        """Wait until all is delivered and all that was recorded is countersigned by all."""
        among = places or self.places

        def quiet() -> bool:
            for place in among:
                if not place.station.settled:
                    place.station.show_head()
            return all(place.station.settled for place in among)

        await wait_for(quiet)


def put(place: Place, peer: str, *items: its.Item) -> None:
    """Send one peer a packet with a place's real keys: what no honest station says."""
    place.station._outgoings[peer].put(lambda: items)


async def pinged(place: Place, peer: Place) -> None:
    """Wait until a peer took every cell that a place sent it."""
    async with asyncio.timeout(10):
        letters = place.station._outgoings[peer.name]._letters
        while not letters.empty():  # noqa: ASYNC110 - a queue tells nobody that it ran empty
            await asyncio.sleep(0.005)
        await place.station.routes[peer.name].ping()
        await place.station.routes[peer.name].ping()
