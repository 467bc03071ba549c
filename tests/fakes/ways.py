"""A second way between the two stations of a FakeLine: another link, or a depot.

    line = FakeLine(tmp_path, run=False)
    second = SecondLink(line)            # a listener at NORTH, a dialer at SOUTH, a proxy between
    depot = Depot(line, "relay-a")       # keeps cells for a station that is not there
    async with second.proxy, line: ...

Add them before the line starts. A depot is a relay of one process: it takes a cell once,
hands it out until the station has taken it, and knows nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hotline.core.errors import LinkError
from hotline.host.clock import monotonic_s
from hotline.sealing.certificate import FIRST_ENDPOINT
from hotline.station.bundle import RoutePlan
from hotline.station.calling_in import party_towards
from hotline.station.footing import PlanRoutes
from hotline.station.routes import _certificate_of
from hotline.transport.dialer import Dialer
from hotline.transport.listener import Listener
from hotline.transport.route import OnCell, OnFault, OnState, Route
from hotline.transport.tls import PinnedPeer, TlsIdentity, pinned
from tests.fakes.line import FAST, FakeLine, Place
from tests.fakes.proxy import FaultProxy


def add_route(place: Place, plan: Callable[[Place], RoutePlan]) -> None:
    """Give a place one more route from its next start on."""
    before = place.planned

    def planned(plans: PlanRoutes) -> PlanRoutes:
        return lambda peer: [*before(plans)(peer), plan(place)]

    place.planned = planned


class SecondLink:
    """A link beside the direct one, with a fault proxy in it."""

    def __init__(self, line: FakeLine, name: str = "second", priority: int = 1) -> None:
        self._bound: list[tuple[str, int]] = []
        self.proxy = FaultProxy(lambda: self._bound[-1])
        self.name = name
        add_route(line.north, lambda at: RoutePlan(name, self._listener(at), priority))
        add_route(line.south, lambda at: RoutePlan(name, self._dialer(at), priority))

    def _keys(self, place: Place) -> tuple[TlsIdentity, PinnedPeer]:
        tls = place.home.path / "tls"
        peer = pinned(_certificate_of(place.opened.card.peers[0]))
        return TlsIdentity(tls / "cert.pem", tls / "key.pem"), peer

    def _listener(self, place: Place) -> Callable[[OnCell, OnState, OnFault], Route]:
        def make(on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
            identity, peer = self._keys(place)
            return Listener(
                self.name,
                host="127.0.0.1",
                port=0,
                bound=lambda host, port: self._bound.append((host, port)),
                identity=identity,
                peer=peer,
                party=party_towards(place.opened.line, place.peer, (FIRST_ENDPOINT,)),
                on_cell=on_cell,
                on_state=on_state,
                on_fault=on_fault,
                clock=monotonic_s,
                timings=FAST,
            )

        return make

    def _where(self) -> tuple[str, int]:
        if not self._bound:
            raise LinkError("nobody listens yet")
        return self.proxy.address

    def _dialer(self, place: Place) -> Callable[[OnCell, OnState, OnFault], Route]:
        def make(on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
            identity, peer = self._keys(place)
            return Dialer(
                self.name,
                where=self._where,
                identity=identity,
                peer=peer,
                party=party_towards(place.opened.line, place.peer, (FIRST_ENDPOINT,)),
                on_cell=on_cell,
                on_state=on_state,
                on_fault=on_fault,
                clock=monotonic_s,
                chance=lambda: 1.0,
                timings=FAST,
            )

        return make


class Depot:
    """Keeps cells for either station of a line.

    Attributes:
        boxes: What waits for each station, by its name.
        put: Every cell that was handed in, with its receiver, repeats too.
    """

    def __init__(self, line: FakeLine, name: str, priority: int = 10) -> None:
        self.boxes: dict[str, list[bytes]] = {place.name: [] for place in line.places}
        self.put: list[tuple[str, bytes]] = []
        self._consumed: set[bytes] = set()
        self.news = asyncio.Condition()
        for place in line.places:
            add_route(place, lambda at: RoutePlan(name, self._route(name, at), priority))

    def _route(self, name: str, place: Place) -> Callable[[OnCell, OnState, OnFault], Route]:
        def make(on_cell: OnCell, on_state: OnState, _fault: OnFault) -> Route:
            return _Way(name, self, place.name, place.peer, on_cell, on_state)

        return make

    async def take_in(self, receiver: str, cell: bytes) -> None:
        """Keep a cell, once."""
        async with self.news:
            self.put.append((receiver, cell))
            if cell not in self.boxes[receiver] and cell not in self._consumed:
                self.boxes[receiver].append(cell)
            self.news.notify_all()

    def consume(self, receiver: str, cell: bytes) -> None:
        """Forget a cell that its station has taken."""
        self.boxes[receiver].remove(cell)
        self._consumed.add(cell)


class _Way:
    """One station's route by the depot."""

    stores = True

    def __init__(
        self, name: str, depot: Depot, ours: str, peer: str, on_cell: OnCell, on_state: OnState
    ) -> None:
        self.name, self._depot, self._ours, self._peer = name, depot, ours, peer
        self._on_cell, self._on_state = on_cell, on_state
        self.up = False
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        self._task = asyncio.create_task(self._hand_out())
        try:
            await asyncio.wait([self._task])
        finally:
            self._task.cancel()
            self.up = False

    async def _hand_out(self) -> None:
        self.up = True
        await self._on_state("UP", "the depot answers")
        box = self._depot.boxes[self._ours]
        while True:
            async with self._depot.news:
                await self._depot.news.wait_for(lambda: box)
            cell = box[0]
            await self._on_cell(cell)
            self._depot.consume(self._ours, cell)

    async def send(self, cell: bytes) -> None:
        if not self.up:
            raise LinkError("the depot is not open")
        await self._depot.take_in(self._peer, cell)

    async def ping(self) -> float:
        if not self.up:
            raise LinkError("the depot is not open")
        return 0.001

    async def close(self) -> None:
        self.up = False
        if self._task is not None:
            self._task.cancel()
