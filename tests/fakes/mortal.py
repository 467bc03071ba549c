"""A station in a process of its own that dies where it is told to, as by kill -9.

Children are forked from one warm parent (a `Nursery`), so that a life costs some
milliseconds and not the loading of a program. What a child may be told stands in
`Order`; it opens its home, runs the real station over real sockets, and dies by
`os._exit` when it comes to its crash point for the nth time:

    commit ...     a COMMIT of the ledger, by what it makes durable
    release        the swap in head.db, before a head leaves
    keys           line.key or announced.json is written
    send ...       a cell is handed to the socket, by what is in it

each `before` or `after`. The product knows nothing of this: the points are put around
its functions here. Whoever kills stands in tests/fakes/killing.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hotline.core.exchange.gaps import standing_gaps
from hotline.core.messages.statement import encode_statement
from hotline.core.records import events as ev
from hotline.ledger.store import Ledger
from hotline.station.footing import PlanRoutes
from hotline.station.home import Home
from hotline.station.line_keys import LineKeys
from hotline.station.routes import ROUTE_NAME
from hotline.transport.link import Timings
from hotline.transport.route import Route
from tests.fakes.faulty import rerouted
from tests.fakes.line import FAST, Place
from tests.fakes.mortal_mutants import MUTANTS
from tests.fakes.mortal_relay import live_as_relay
from tests.fakes.netem import decode_network, enter
from tests.fakes.stormy import PEERS, PERSONS, hurried
from tests.fakes.stormy_relay import RELAY

BY_KIND = {
    ev.StatementSent.kind: "sent",
    ev.StatementReceived.kind: "received",
    ev.ReceiptObtained.kind: "receipt",
    ev.LinkChanged.kind: "link",
}
BY_ITEM = {
    "StatementItem": "statement",
    "RecordItem": "receipt",
    "CosignatureItem": "countersignature",
    "HelloItem": "hello",
    "HelloAnswerItem": "hello",
    "HelloEndItem": "hello",
}
POINTS = (
    "commit sent",
    "commit received",
    "commit receipt",
    "commit link",
    "commit beside",
    "release",
    "keys",
    "send statement",
    "send receipt",
    "send hello",
)
SIDES = ("before", "after")
DIED = 9
MAX_ORDER_BYTES = 65_536


@dataclass(frozen=True)
class Order:
    """What a child is told.

    Attributes:
        point: Where it dies, "" for nowhere; `side`: before or after that.
        nth: The first time it comes there, or a later one.
        mutant: In what way it is wrong on purpose, "" for none.
        durable: Where a disk that forgets keeps what was synced, "" for an honest one.
        network: The bad network that it is on, see tests/fakes/netem.py; its waits are then
            those of the product, else shortened.
        routes: Those that it works, by name.
        port: Where it listens, if it is the relay.
    """

    home: str
    name: str
    point: str = ""
    side: str = "before"
    nth: int = 1
    mutant: str = ""
    durable: str = ""
    network: dict[str, Any] = field(default_factory=dict)
    routes: Sequence[str] = (ROUTE_NAME,)
    port: int = 0


class Doom:
    """Counts how often the child comes to its point."""

    def __init__(self, order: Order) -> None:
        self._order, self._left = order, order.nth

    def near(self, point: str, side: str) -> None:
        """Die here if it is the point."""
        if point and (point, side) == (self._order.point, self._order.side):
            self._left -= 1
            if not self._left:
                os._exit(DIED)

    def around(self, owner: Any, name: str, named: Callable[..., Collection[str]]) -> None:
        """Put points around a method; `named` says from its arguments which they are."""
        real = getattr(owner, name)

        def mortal(*given: Any, **more: Any) -> Any:
            points = named(*given)
            for point in points:
                self.near(point, "before")
            done = real(*given, **more)
            for point in points:
                self.near(point, "after")
            return done

        setattr(owner, name, mortal)


def _committed(_ledger: Ledger, batch: Any, *_beside: Any) -> set[str]:
    kinds = {entry.draft.kind for entry in batch.entries}
    named = {f"commit {BY_KIND[kind]}" for kind in kinds & BY_KIND.keys()}
    return named if kinds else {"commit beside"}


def _released(ledger: Ledger) -> set[str]:
    return {"release"} if ledger.released_size != ledger.size else set()


class MortalRoute:
    """A route with a point around each cell; what is in it the seal was asked."""

    def __init__(self, route: Route, doom: Doom, inside: dict[bytes, str]) -> None:
        self._route, self._doom, self._inside = route, doom, inside

    def __getattr__(self, name: str) -> Any:
        return getattr(self._route, name)

    async def send(self, cell: bytes) -> None:
        point = f"send {self._inside.pop(cell, 'other')}"
        self._doom.near(point, "before")
        await self._route.send(cell)
        self._doom.near(point, "after")


def _watch_seals(place: Place, inside: dict[bytes, str]) -> None:
    courier = place.station._courier
    sealing = courier.seal

    def seal(peer: str, items: Any) -> bytes:
        cell = sealing(peer, items)
        inside[cell] = BY_ITEM.get(type(items[0]).__name__, "other") if items else "other"
        return cell

    courier.seal = seal  # type: ignore[method-assign]


# --- the child -----------------------------------------------------------------------------


async def live(order: Order, wire: socket.socket) -> None:
    """Run the station; say what it recorded, and what is under way, until it dies."""
    doom, inside = Doom(order), dict[bytes, str]()
    if order.name == RELAY:
        await live_as_relay(Path(order.home), order.port, doom, wire)
        return

    def planned(plan: PlanRoutes) -> PlanRoutes:
        worked = rerouted(plan, lambda _peer, _name, route: MortalRoute(route, doom, inside))
        return lambda peer: [one for one in worked(peer) if one.name in order.routes]

    doom.around(Ledger, "_commit", _committed)
    doom.around(Ledger, "release", _released)
    doom.around(LineKeys, "keep", lambda *_: {"keys"})
    doom.around(LineKeys, "keep_announced", lambda *_: {"keys"})
    place = Place(
        order.name,
        PERSONS[order.name],
        Home(Path(order.home)),
        PEERS[order.name],
        timings=Timings() if order.network else FAST,
        planned=planned,
    )
    reader, writer = await asyncio.open_connection(sock=wire)

    def say(**what: Any) -> None:
        writer.write(json.dumps(what).encode() + b"\n")

    def tell() -> None:
        held = place.situation
        say(outbox=len(held.outbox), gaps=len(standing_gaps(held)))

    await place.start(run=False)
    _watch_seals(place, inside)
    place.station.subscribe(tell)
    place.run()
    assert place.task is not None
    place.task.add_done_callback(lambda task: say(failed=_plain(task)))
    tell()
    while line := await reader.readline():
        asked = json.loads(line)
        for _ in range(asked.get("say", 0)):
            statement = place.statement()
            digest = await place.station.submit(place.sign(encode_statement(statement)))
            say(said=digest)
        if "close" in asked:
            await place.stop()
            await writer.drain()
            return


def _plain(task: asyncio.Task[None]) -> str:
    """Return why a station stopped by itself; "" when it was asked to."""
    error = None if task.cancelled() else task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error) if error else ""


def _be_born(order: Order, wire: socket.socket) -> None:
    """Be a station from here on; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        if order.durable:
            os.environ["POWERCUT_FROM"], os.environ["POWERCUT_TO"] = order.home, order.durable
        if order.mutant:
            MUTANTS[order.mutant].apply()
        if order.network:
            enter(decode_network(order.network), wire)
            asyncio.run(live(order, wire))
        else:
            with hurried():
                asyncio.run(live(order, wire))
        code = 0
    except BaseException as error:
        wire.setblocking(True)
        wire.sendall(json.dumps({"failed": repr(error)}).encode() + b"\n")
    finally:
        os._exit(code)


# --- the warm parent -------------------------------------------------------------------------


def nurse(control: socket.socket) -> None:
    """Fork a child for each order that comes with a socket for it; say its process id."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        said, wires, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, 1)
        if not said:
            return
        wire = socket.socket(fileno=wires[0])
        child = os.fork()
        if not child:
            control.close()
            _be_born(Order(**json.loads(said)), wire)
        wire.close()
        control.send(str(child).encode())


def _reap(_signal: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def encode_order(order: Order) -> bytes:
    return json.dumps(asdict(order)).encode()


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])))
