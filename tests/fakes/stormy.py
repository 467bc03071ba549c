"""Two real stations on a network that fails on command: sockets, TLS, SQLite, all in one process.

    with hurried():                                  # waits of seconds become some milliseconds
        async with StormyLine(tmp_path, founded) as line:
            await line.say("SOUTH", 3)
            line.wires["SOUTH", DIRECT].next("drop")     # a cell, above TLS
            line.proxies[DIRECT].spoil("corrupt")        # bytes, below it
            await line.restart("NORTH", crash=True)
            account = await line.healed()            # heal, wait, judge
            assert account.kept, account

NORTH listens, SOUTH dials through a proxy; where there is a relay, both dial it through
another one. The homes are copies of `founded`, which is made once; the line may go on
after it was judged, and is judged anew from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import pytest

from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.gaps import standing_gaps
from hotline.core.messages.statement import encode_statement
from hotline.core.protocols import flights
from hotline.core.values import Precedence, Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.ledger.reader import LedgerReader
from hotline.ledger.reconcile import reconcile
from hotline.sealing.enrol import Subject
from hotline.station import asking, bundle, handshaking, lanes, outgoing, station
from hotline.station.footing import PlanRoutes
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, write_json
from hotline.station.routes import LISTENING, ROUTE_NAME
from hotline.transport.relay import redialing
from tests.fakes.faulty import Wire, faulty
from tests.fakes.line import Place, catalogue, wait_for
from tests.fakes.ports import free_port
from tests.fakes.promises import Account, judge, read_record
from tests.fakes.proxy import FaultProxy
from tests.fakes.stormy_relay import RELAY, RestartedRelay, move_relay

PERSONS = {"NORTH": "ramos", "SOUTH": "niven"}
PEERS = {"NORTH": "SOUTH", "SOUTH": "NORTH"}
HEALED_WITHIN_S = 30.0
WAITS = {
    (station, "TICK_S"): 0.05,
    (outgoing, "RETRY_S"): 0.1,
    (outgoing, "MAX_RETRY_S"): 1.0,
    (outgoing, "REFUSED_PAUSE_S"): 0.05,
    (outgoing, "HOLD_S"): 0.1,
    (bundle, "BEAT_S"): 0.1,
    (lanes, "CONFIRM_S"): 0.1,
    (lanes, "WAIT_S"): 2.0,
    (handshaking, "ASK_AGAIN_S"): 0.1,
    (handshaking, "NACK_PAUSE_S"): 0.05,
    (redialing, "ABSENT_BASE_S"): 0.05,
    (flights, "KEPT_S"): 1.0,
    (asking, "GRACE_S"): 0.05,
    (asking, "ASK_AGAIN_S"): 0.2,
    (asking, "FILL_PAUSE_S"): 0.05,
}
"""Waits of a station that are shortened, so that a loss is found out in a moment."""


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Shorten what a station waits for."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), seconds in WAITS.items():
            patch.setattr(module, name, seconds)
        yield


def found(directory: Path) -> Path:
    """Set a line up, once; every `StormyLine` works on a copy."""
    found_line(
        [
            Founder(Home(directory / name), name, (Subject(person, person.title()),))
            for name, person in PERSONS.items()
        ],
        name="north-south",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=system_clock,
        entropy=system_entropy,
    )
    return directory


class StormyLine:
    """Two places, a wire in each direction of each route, and a proxy on each route.

    Attributes:
        wires: By the station that sends and the route.
        proxies: By the route.
        went_back: Where a delivery state was seen to go back; must stay empty.
        acknowledged: What `say` returned: recorded, so nothing may lose it.
    """

    def __init__(
        self, directory: Path, founded: Path, routes: Sequence[str] = (ROUTE_NAME,)
    ) -> None:
        """Copy the homes of `founded`, and its relay where a route goes by that."""
        shutil.copytree(founded, directory, dirs_exist_ok=True)
        self.routes = tuple(routes)
        self.wires = {(name, route): Wire() for name in PERSONS for route in routes}
        self.places = {name: self._place(directory, name) for name in PERSONS}
        self.relay = RestartedRelay(directory / RELAY) if RELAY in routes else None
        self.proxies = {route: FaultProxy(self._target(route)) for route in routes}
        self.went_back: list[str] = []
        self.acknowledged: set[str] = set()
        self._reached: dict[tuple[str, str, str], Delivery] = {}
        self._judged = dict.fromkeys(PERSONS, 0)

    def _place(self, directory: Path, name: str) -> Place:
        def planned(plan: PlanRoutes) -> PlanRoutes:
            worked = faulty(plan, lambda route: self.wires[name, route])
            return lambda peer: [one for one in worked(peer) if one.name in self.routes]

        return Place(name, PERSONS[name], Home(directory / name), PEERS[name], planned=planned)

    def _target(self, route: str) -> Callable[[], tuple[str, int]]:
        if self.relay is not None and route == RELAY:
            return self.relay.address
        return self.places["NORTH"].listening

    async def __aenter__(self) -> StormyLine:
        for proxy in self.proxies.values():
            await proxy.__aenter__()
        if ROUTE_NAME in self.routes:
            self.places["SOUTH"].reach(*self.proxies[ROUTE_NAME].address)
        if self.relay is not None:
            await self.relay.start()
            for place in self.places.values():
                move_relay(place.directory, *self.proxies[RELAY].address)
        while not await self._listens():
            # Another program took the port between the look at it and its use.
            await self.places["NORTH"].stop()
        await self._start("SOUTH")
        return self

    async def _listens(self) -> bool:
        """Start NORTH at a port that no connection is given while its listener restarts."""
        listening = {"host": "127.0.0.1", "port": free_port()}
        write_json(self.places["NORTH"].directory / LISTENING, listening)
        await self._start("NORTH")
        task = self.places["NORTH"].task
        return task is not None and not task.done()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for place in self.places.values():
            with contextlib.suppress(Exception):
                await place.stop()
        await self._leave()

    async def _leave(self) -> None:
        for proxy in self.proxies.values():
            await proxy.__aexit__(None, None, None)
        if self.relay is not None:
            await self.relay.stop()

    # --- what officers do ---------------------------------------------------------------------

    async def say(self, name: str, count: int = 1, precedence: str = "PRIORITY") -> None:
        """Let a station record so many statements; they are on their way when it returns."""
        place = self.places[name]
        for _ in range(count):
            statement = place.statement(precedence=Precedence(precedence))
            digest = await place.station.submit(place.sign(encode_statement(statement)))
            self.acknowledged.add(digest)

    async def display(self, name: str) -> None:
        """Show an officer everything that came."""
        place = self.places[name]
        for state in tuple(place.situation.statements.values()):
            if not state.outbound and state.least < Delivery.DISPLAYED:
                await place.station.displayed(state.digest, "Duty officer")

    # --- what goes wrong ------------------------------------------------------------------------

    async def restart(self, name: str, *, crash: bool = False) -> None:
        """Close a station and open it again, in good order or as after kill -9."""
        if crash:
            await self.crash(name)
        else:
            await self.places[name].stop()
        await self._start(name)

    async def _start(self, name: str) -> None:
        place = self.places[name]
        await place.start(run=False)
        listening = place.directory / LISTENING
        listening.unlink(missing_ok=True)
        place.run()
        if name == "NORTH" and ROUTE_NAME in self.routes:
            await wait_for(lambda: listening.exists() or (place.task and place.task.done()))
        self._watch(place)
        place.station.subscribe(lambda: self._watch(place))

    async def crash(self, name: str) -> None:
        """Let go of everything without any of what a close does for the record."""
        place = self.places[name]
        running, journal = place.station, place.station._kept.journal
        task, place.task = place.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        running._recorder._writer.shutdown(wait=True)
        for ledger in (place.opened.ledger, journal._ledger if journal else None):
            if ledger is not None:
                LedgerReader.close(ledger)
                ledger._heads.close()
        running._past.close()

    def _watch(self, place: Place) -> None:
        """Note a delivery state that is lower than it was, at any time, across restarts."""
        for state in place.situation.statements.values():
            for at, step in state.reached.items():
                key = (place.name, state.digest, at)
                if step < self._reached.get(key, Delivery.QUEUED):
                    self.went_back.append(f"{key} from {self._reached[key]} to {step}")
                self._reached[key] = step

    # --- what has to be so ----------------------------------------------------------------------

    async def healed(self) -> Account:
        """Heal everything, wait until nothing is under way, and judge what came of it."""
        for proxy in self.proxies.values():
            proxy.heal()
        await wait_for(self._quiet, HEALED_WITHIN_S)
        records = {
            name: read_record(place.opened.ledger, self._judged[name])
            for name, place in self.places.items()
        }
        account = Account()
        for name, peer in PEERS.items():
            account.add(judge(records[name], records[peer]))
            assert self.acknowledged <= {*self._sent("NORTH"), *self._sent("SOUTH")}
        for name, place in self.places.items():
            account.gaps += len(standing_gaps(place.situation))
            self._judged[name] = place.opened.ledger.size
        return account

    async def verified(self) -> None:
        """Close both stations; verify both ledgers whole, then one against the other."""
        places = tuple(self.places.values())
        for place in places:
            await place.stop()
        await self._leave()
        verdicts = [place.verdict() for place in places]
        assert all(verdict.ok for verdict in verdicts), verdicts
        files = [place.directory / "ledger.db" for place in places]
        found = reconcile(verdicts[0], files[0], verdicts[1], files[1])
        assert found.ok, found

    def _sent(self, name: str) -> list[str]:
        statements = self.places[name].situation.statements
        return [state.digest for state in statements.values() if state.outbound]

    def _quiet(self) -> bool:
        places = self.places.values()
        for place in places:
            if place.task is not None and place.task.done():
                place.task.result()
        return all(
            not place.situation.outbox and not standing_gaps(place.situation) for place in places
        )
