"""A seat at a station: the station of a home runs while an officer sits at its desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hotline.core.errors import OperatorError
from hotline.desk.desk import OfficerDesk
from hotline.desk.opening import open_desk
from hotline.station.assembly import Machine, open_station
from hotline.station.home import Home, officers_of
from hotline.station.running import running, settle_for_a_while
from hotline.station.station import Station
from hotline.station.upkeep import Bench, station_stopped
from hotline.transport.link import Timings


@dataclass(slots=True)
class Unlocked:
    """Who sits down, and what opens the keys; asked for before anything runs.

    Not frozen: a passphrase is given away once, so that a desk that is locked later has none.

    Attributes:
        person: None: nobody sits there, the station runs alone.
        console, officer: Passphrases; None only for EXERCISE.
    """

    person: str | None
    console: str | None = field(repr=False)
    officer: str | None = field(default=None, repr=False)

    def take_officers(self) -> str | None:
        """Return the officer's passphrase and forget it.

        Spec: docs/enrolment.md §13.1
        """
        taken, self.officer = self.officer, None
        return taken


def unlock(bench: Bench, person: str | None, *, seated: bool = True) -> Unlocked:
    """Ask for the passphrases of console.key and of the officer's key.

    Args:
        person: The officer; None: the only one whose key is in the home.
        seated: Whether an officer sits down at all.
    Raises:
        OperatorError: no officer here, or which one is open.
    """
    home = bench.home
    home.only_line()
    if not seated:
        return Unlocked(None, bench.passphrase(home.keys / "console.key"))
    chosen = person or _only_officer(home)
    console = bench.passphrase(home.keys / "console.key")
    officers = home.officer(chosen)
    unlocked = Unlocked(chosen, console, bench.passphrase(officers))
    bench.forget(officers)
    return unlocked


def _only_officer(home: Home) -> str:
    found = officers_of(home)
    if not found:
        raise OperatorError(
            f"{home.path.name} holds no officer's key", hint="make one with hotline officer add"
        )
    if len(found) > 1:
        raise OperatorError(
            f"several officers have keys here: {', '.join(found)}",
            hint="say which with --officer",
        )
    return found[0]


@asynccontextmanager
async def opened_station(
    home: Home, unlocked: Unlocked, machine: Machine
) -> AsyncIterator[Station]:
    """Open a home's station while the context lasts; its line is not worked.

    Raises:
        OperatorError, IntegrityError, StorageError: it cannot be opened.
    """
    with station_stopped():
        station, _ = open_station(home, machine, passphrase=unlocked.console, timings=Timings())
    try:
        yield station
    finally:
        await station.close()


@asynccontextmanager
async def at_station(home: Home, unlocked: Unlocked, machine: Machine) -> AsyncIterator[Station]:
    """Run a home's station alone while the context lasts; end it in good order.

    Raises:
        OperatorError, IntegrityError, StorageError, LinkError: it cannot be opened or run.
    """
    async with opened_station(home, unlocked, machine) as station, running(station):
        yield station
        await settle_for_a_while(station)


@asynccontextmanager
async def at_desk(home: Home, unlocked: Unlocked, machine: Machine) -> AsyncIterator[OfficerDesk]:
    """Run a home's station with an officer at its desk while the context lasts.

    Raises:
        OperatorError, IntegrityError, StorageError, LinkError: as `at_station`, or the
            officer's key does not open.
    """
    if unlocked.person is None:
        raise OperatorError("nobody sits at this desk", hint="say who with --officer")
    async with at_station(home, unlocked, machine) as station:
        desk = open_desk(
            station,
            home,
            unlocked.person,
            config=machine.config,
            passphrase=unlocked.take_officers(),
            clock=machine.clock,
            entropy=machine.entropy,
        )
        await desk.sign_on()
        yield desk
