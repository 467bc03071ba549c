"""Whoever kills stations: lives of two of them that end at a point or at any moment, and the sum.

    figures = asyncio.run(campaign(tmp_path, founded, deaths_at_every_point(), nursery))
    print(figures)
    assert figures.kept

One of two stations dies while both speak; it is opened again, doomed anew, while the
other lives on. In the end both are closed and their records judged against each other
and against what the stations said they had recorded. Spec: docs/ledger.md §18.1
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from hotline.core.errors import HotlineError
from hotline.ledger.reconcile import reconcile
from hotline.station.home import Home, read_card, write_json
from hotline.station.routes import ROUTE_NAME
from tests.fakes.deaths import ANY, Death, Figures
from tests.fakes.line import Place
from tests.fakes.mortal import Order, encode_order
from tests.fakes.netem import Netem, Network, encode_network
from tests.fakes.ports import free_port
from tests.fakes.promises import judge, read_record
from tests.fakes.stormy import PEERS, PERSONS
from tests.fakes.stormy_relay import RELAY, move_relay

ROOT = Path(__file__).parents[2]
DEADLINE_S, PATIENCE_S = 30.0, 150.0
"""The longer one is for a bad network, on which the waits are the product's own."""
LONGEST_LIFE_S = 0.25
SAID_IN_A_LIFE = 2
SAY_AGAIN_S = 2.0
DEATHS_BETWEEN_CALMS = 8
ADDRESSES = {"NORTH": "10.77.0.1", "SOUTH": "10.77.0.2"}
"""On a bad network."""


class Nursery:
    """The warm parent of the stations; with a shim its disk can forget what was not synced.

    Args:
        before: Words in front of the program, that let it do more.
    """

    def __init__(self, shim: Path | None = None, before: Sequence[str] = ()) -> None:
        self._control, theirs = socket.socketpair()
        preload = {"LD_PRELOAD": str(shim)} if shim else {}
        self._parent = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.fakes.mortal", str(theirs.fileno())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **preload},
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        self.forgets = shim is not None

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._parent.wait(DEADLINE_S)

    def bear(self, order: Order) -> tuple[int, socket.socket]:
        """Fork a station; return its process id and the socket to it."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [encode_order(order)], [theirs.fileno()])
        ours.setblocking(False)
        return int(self._control.recv(32)), ours


@dataclass
class Life:
    """One station from its birth to its end, as it tells of itself."""

    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    changed: asyncio.Event
    said: list[str] = field(default_factory=list)
    under_way: int = 1
    failed: str = ""
    listening: asyncio.Task[None] = field(init=False)
    born: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.born = asyncio.get_running_loop().create_future()
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            while (line := await self.reader.readline()).endswith(b"\n"):
                self._hear(json.loads(line))
                self.changed.set()
        self.writer.close()
        self.changed.set()

    def _hear(self, told: dict[str, object]) -> None:
        if not self.born.done():
            self.born.set_result(None)
        match told:
            case {"said": str(digest)}:
                self.said.append(digest)
            case {"outbox": int(outbox), "gaps": int(gaps)}:
                self.under_way = outbox + gaps
            case {"failed": str(why)}:
                self.failed = why

    @property
    def busy(self) -> bool:
        """Whether something is still under way; one that is gone will not do it any more."""
        return self.under_way > 0 and not self.over

    @property
    def over(self) -> bool:
        return self.listening.done()

    def ask(self, **what: object) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(json.dumps(what).encode() + b"\n")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Pair:
    """The homes of both stations and whoever lives in them now."""

    def __init__(
        self,
        directory: Path,
        founded: Path,
        nursery: Nursery,
        netem: Netem | None = None,
        routes: Sequence[str] = (ROUTE_NAME,),
    ) -> None:
        """Copy the homes of `founded`.

        Args:
            netem: The bad network between them; None for loopback.
            routes: Those that are worked; the relay lives where one of them goes by it.
        """
        self._patience_s = PATIENCE_S if netem else DEADLINE_S
        self._routes, self._relay_port = tuple(routes), free_port()
        self.names = (*((RELAY,) if RELAY in routes else ()), *PERSONS)
        self.directory, self._nursery, self._netem = directory, nursery, netem
        shutil.copytree(founded, directory, dirs_exist_ok=True)
        self.places = {
            name: Place(name, PERSONS[name], Home(directory / name), PEERS[name])
            for name in PERSONS
        }
        host, port, north = ADDRESSES["NORTH"] if netem else "127.0.0.1", free_port(), "NORTH"
        listening = self.places[north].directory
        write_json(listening / "listening.json", {"host": host, "port": port})
        write_json(listening / "line.json", read_card(listening).model_copy(update={"host": host}))
        self.places["SOUTH"].reach(host, port)
        if RELAY in routes:
            for place in self.places.values():
                move_relay(place.directory, "127.0.0.1", self._relay_port)
        self.lives: dict[str, Life] = {}
        self.changed = asyncio.Event()
        self.figures = Figures()
        self.acknowledged: dict[str, set[str]] = {name: set() for name in self.names}

    async def __aenter__(self) -> Pair:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for life in self.lives.values():
            life.kill()
            await life.listening

    async def bear(self, name: str, death: Death | None = None) -> Life:
        """Open a home, in a new process, with its death in it if it dies at a point."""
        doom = death if death and death.point != ANY else None
        durable = self._forgetful(name) if death and death.power else None
        order = Order(
            home=str(self.directory / name),
            name=name,
            point=doom.point if doom else "",
            side=doom.side if doom else "before",
            nth=doom.nth if doom else 1,
            mutant=death.mutant if death else "",
            durable=str(durable or ""),
            network=self._network(name),
            routes=self._routes,
            port=self._relay_port,
        )
        pid, wire = self._nursery.bear(order)
        if self._netem:
            wire.settimeout(DEADLINE_S)
            self._netem.take(name, wire)
            wire.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=wire)
        self.lives[name] = life = Life(pid, reader, writer, self.changed)
        return life

    def _network(self, name: str) -> dict[str, object]:
        netem = self._netem
        return encode_network(Network(ADDRESSES[name], netem.shape)) if netem else {}

    def _forgetful(self, name: str) -> Path:
        """Return where the disk of a station keeps what was synced; it begins as the home is."""
        assert self._nursery.forgets
        durable = self.directory / f"{name}-durable"
        shutil.rmtree(durable, ignore_errors=True)
        shutil.copytree(self.directory / name, durable)
        return durable

    async def die(self, death: Death, chance: random.Random) -> None:
        """Let both speak until the victim is dead; what it left is its home from then on."""
        self.end(death.victim)
        await self._heard_out(death.victim)
        for name in self.names:
            if name not in self.lives and name != death.victim:
                await self.bear(name)
        victim = await self.bear(death.victim, death)
        self.all_say(SAID_IN_A_LIFE)
        if death.point == ANY:
            await asyncio.wait([victim.listening, victim.born], return_when="FIRST_COMPLETED")
            await asyncio.sleep(chance.uniform(0, LONGEST_LIFE_S))
            victim.kill()
        for _ in range(int(DEADLINE_S / SAY_AGAIN_S)):
            if not victim.over:
                await asyncio.wait([victim.listening], timeout=SAY_AGAIN_S)
                self.all_say(1)
        if not victim.over:
            self.figures.halted.append(f"it never came to {death.words}")
            victim.kill()
        self.figures.deaths[death.words] += 1
        if death.power:
            home = self.directory / death.victim
            shutil.rmtree(home)
            (self.directory / f"{death.victim}-durable").rename(home)
        await self._heard_out(death.victim)

    def end(self, name: str) -> None:
        """Kill a station where it stands, if it lives."""
        life = self.lives.get(name)
        if life is not None and not life.over:
            life.kill()
            self.figures.deaths[ANY] += 1

    async def _heard_out(self, name: str) -> None:
        """Take what a life that is over said to the sum."""
        life = self.lives.pop(name, None)
        if life is not None:
            await life.listening
            self.acknowledged[name] |= set(life.said)
            if life.failed:
                self.figures.halted.append(life.failed)

    def all_say(self, count: int) -> None:
        for life in self.lives.values():
            life.ask(say=count)

    async def settle(self, mutants: dict[str, str]) -> None:
        """Let both live, and one more statement each way pass; wait until nothing is under way.

        Args:
            mutants: Whoever is wrong stays so.
        """
        for name in self.names:
            if name not in self.lives:
                await self.bear(name, Death(name, ANY, mutant=mutants.get(name, "")))
        self.all_say(1)
        lives = list(self.lives.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while any(life.busy for life in lives):
                    if any(life.failed for life in lives):
                        return
                    self.changed.clear()
                    await self.changed.wait()
                return
        self.figures.halted.append("something was still under way")

    async def close(self) -> None:
        """Close both in good order."""
        for name, life in tuple(self.lives.items()):
            life.ask(close=True)
            await asyncio.wait([life.listening], timeout=DEADLINE_S)
            await self._heard_out(name)

    async def judge(self) -> Figures:
        """Open both homes and judge the records, against each other and against what was said."""
        records = {}
        try:
            for name, place in self.places.items():
                await place.start(run=False)
                records[name] = read_record(place.opened.ledger)
                await place.station.close()
            files = [place.directory / "ledger.db" for place in self.places.values()]
            verdicts = [place.verdict() for place in self.places.values()]
            faults = [str(fault) for verdict in verdicts for fault in verdict.faults]
            found = reconcile(verdicts[0], files[0], verdicts[1], files[1])
        except HotlineError as error:
            self.figures.halted.append(error.sentence())
            return self.figures
        self.figures.halted += faults or ([] if found.ok else ["the ledgers differ"])
        for name, peer in PEERS.items():
            self.figures.account.add(judge(records[name], records[peer]))
            self.figures.forgotten += len(self.acknowledged[name] - set(records[name].sent))
            self.figures.acknowledged += len(self.acknowledged[name])
        return self.figures


async def campaign(
    directory: Path,
    founded: Path,
    nursery: Nursery,
    deaths: Iterable[Death],
    seed: int = 0,
    routes: Sequence[str] = (ROUTE_NAME,),
) -> Figures:
    """Let stations die one death after another; return what came of it all."""
    chance, mutants = random.Random(seed), dict[str, str]()
    async with Pair(directory, founded, nursery, routes=routes) as pair:
        for number, death in enumerate(deaths):
            if number and number % DEATHS_BETWEEN_CALMS == 0:
                await pair.settle(mutants)
            mutants[death.victim] = death.mutant
            await pair.die(death, chance)
            if pair.figures.halted:
                break
        await pair.settle(mutants)
        await pair.close()
        return await pair.judge()
