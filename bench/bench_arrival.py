"""From an officer's signature to the other station's ledger: direct, by a relay, amid cuts.

Two stations with real homes, a process each, and `hotline relay` over SQLite as a third;
TLS on loopback. The time runs from before the signature until the other station has
recorded the statement, by the clock that both processes share. The floor is the bare
calls and commits that this cannot do without, one after the other, without a network;
floor and path take turns.

A cut is made in the middle of a route that is in use, at the moment at which a statement
is sent: by a reset, which both ends see, or by silence, which somebody has to notice.

    python bench/bench_arrival.py [--samples N] [--cuts N] [--silences N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import bench_statement_path as bare

from hotline.core.values import Realm
from hotline.desk.desk import OfficerDesk
from hotline.desk.opening import open_desk
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.sealing.enrol import Subject
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station.assembly import Machine, open_station
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from hotline.station.relay_setup import WantedRelay, add_relay
from hotline.station.relays import RelayCard
from hotline.station.station import Station
from hotline.station.upkeep import Bench, at_work
from hotline.transport.link import Timings

DIRECT, RELAY = "direct", "relay-a"
GOALS_MS = {DIRECT: 5.0, RELAY: 10.0}
RECORD = (*bare.SEND, *bare.RECEIVE[:6])
"""The bare calls up to the commit at the other station."""

WARM_UP = 20
REST_S = 0.05
LIMIT_S = 60.0
TIMINGS = Timings(backoff_cap_s=0.5)
"""Cuts follow one another closely here: whoever dials again does not wait half a minute."""

NORTH, SOUTH = "NORTH", "SOUTH"


class Gate:
    """Stands in the middle of one route: passes, resets, or goes silent."""

    def __init__(self, target: Callable[[], tuple[str, int]]) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._shut = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        """Listen on any free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let nobody in any more, and end what is open."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cut(self) -> None:
        """Reset everything that is open, and whoever comes."""
        self._shut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Keep everything open and pass nothing."""
        self._passing.clear()

    def heal(self) -> None:
        """Pass again; what was silent is reset, as after a change of routes."""
        if not self._passing.is_set():
            self.cut()
        self._shut = False
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            if not self._shut:
                await self._join(reader, writer)
        writer.transport.abort()
        self._writers.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        there, back = await asyncio.open_connection(*self._target())
        self._writers.add(back)
        ways = [asyncio.create_task(self._pass(*one)) for one in ((reader, back), (there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        back.transport.abort()
        self._writers.discard(back)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()


def found(folder: Path) -> dict[str, Home]:
    """Found an exercise line of two; SOUTH dials, as its card will say, through a gate."""
    homes = {name: Home(folder / name) for name in (NORTH, SOUTH)}
    found_line(
        [
            Founder(home, name, (Subject("officer", "Officer", "LT", "Duty officer"),))
            for name, home in homes.items()
        ],
        name="bench",
        realm=Realm.EXERCISE,
        catalogue=load_catalogue(find_config()),
        clock=system_clock,
        entropy=system_entropy,
    )
    return homes


def lead_through(home: Home, gate: Gate) -> None:
    """Have whoever dials call a gate in place of the listener."""
    card = home.only_line() / "line.json"
    told = json.loads(card.read_text())
    assert not told["listens"], "SOUTH dials"
    told["peers"][0] |= {"home": "", "host": "127.0.0.1", "port": gate.port}
    card.write_text(json.dumps(told))


def where_told(home: Home) -> tuple[str, int]:
    """Return where a station listens."""
    told = json.loads((home.only_line() / "listening.json").read_text())
    return told["host"], told["port"]


@contextlib.contextmanager
def relay_process(folder: Path, tokens: list[bytes]) -> Iterator[tuple[int, bytes, str]]:
    """Run `hotline relay`; give its port, its key and its certificate (PEM)."""
    made = make_tls_identity(station="RELAY", at_ms=system_clock(), entropy=system_entropy)
    (folder / "cert.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    (folder / "admission").touch(0o600)
    (folder / "admission").write_text("".join(one.hex() + "\n" for one in tokens))
    command = [
        *(sys.executable, "-m", "hotline", "relay", "--listen=127.0.0.1:0", "--free-floor=0"),
        *("--cert", folder / "cert.pem", "--key", folder / "key.pem", "--per-address=64"),
        *("--admission", folder / "admission", "--identity", folder / "relay.key"),
        f"--store=sqlite:{folder / 'relay.db'}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = b""
        for said in process.stderr:
            if b"relay_started" in said:
                break
        started = json.loads(said)
        yield started["port"], bytes.fromhex(started["key"]), made.certificate_pem.decode()
        process.kill()


def no_passphrase(name: str) -> str:
    raise AssertionError(f"{name} has none here")


async def add(home: Home, gate: Gate, key: bytes, certificate: str, token: bytes) -> None:
    """Add the relay, behind its gate, to a station's line."""
    card = RelayCard(host="127.0.0.1", port=gate.port, key=key.hex(), certificates=(certificate,))
    with at_work(Bench(home, system_clock, system_entropy, no_passphrase)) as work:
        added = await add_relay(work, WantedRelay(RELAY, card, 10, [token]), TIMINGS)
    assert not added.unreached


@dataclass
class Rig:
    """Our station, the other one's times, and the gates of both routes."""

    station: Station
    desk: OfficerDesk
    gates: dict[str, Gate]
    times: dict[str, float] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, told: asyncio.StreamReader) -> None:
        """Take what the other station prints: a digest, and when it was recorded."""
        while row := await told.readline():
            digest, at = row.split()
            self.times[digest.decode()] = float(at)
            self.came.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Poll until something holds."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():  # noqa: ASYNC110  routes tell nobody else
                await asyncio.sleep(0.005)

    async def until_up(self, *names: str) -> None:
        """Wait until just these routes are up."""
        await self.until(lambda: set(self.station.route.best) == set(names))

    async def arrival_s(self, serial: int, before: Callable[[], None] = lambda: None) -> float:
        """Send one statement; return the seconds until the other station has recorded it."""
        choice = next(one for one in self.desk.choices() if one.id == "conv/free-text")
        draft = self.desk.open_draft(choice)
        text = f"Statement {serial}: " + "both ships hold their course and speed. " * 5
        checked = self.desk.fill(draft.draft, fields={}, text=text, precedence="PRIORITY")
        before()
        began = time.perf_counter()
        digest = await self.desk.send(checked.draft, checked.code)
        async with asyncio.timeout(LIMIT_S):
            while digest not in self.times:
                self.came.clear()
                await self.came.wait()
        await self.until(lambda: bool(self.desk.situation.statements[digest].receipted))
        return self.times[digest] - began


@contextlib.asynccontextmanager
async def rigged(folder: Path) -> AsyncIterator[Rig]:
    """Set everything up: homes, relay, gates, both stations."""
    homes, tokens = found(folder), [os.urandom(32) for _ in range(2)]
    (folder / "relay").mkdir()
    with relay_process(folder / "relay", tokens) as (port, key, certificate):
        gates = {
            DIRECT: Gate(lambda: where_told(homes[NORTH])),
            RELAY: Gate(lambda: ("127.0.0.1", port)),
        }
        for gate in gates.values():
            await gate.open()
        lead_through(homes[SOUTH], gates[DIRECT])
        for home, token in zip(homes.values(), tokens, strict=True):
            await add(home, gates[RELAY], key, certificate, token)
        async with working(homes, gates) as rig:
            yield rig
        for gate in gates.values():
            await gate.close()


@contextlib.asynccontextmanager
async def working(homes: dict[str, Home], gates: dict[str, Gate]) -> AsyncIterator[Rig]:
    machine = Machine(find_config(), system_clock, system_entropy)
    station, _ = open_station(homes[NORTH], machine, passphrase=None, timings=TIMINGS)
    desk = open_desk(
        station,
        homes[NORTH],
        "officer",
        config=machine.config,
        passphrase=None,
        clock=system_clock,
        entropy=system_entropy,
    )
    peer = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--peer", str(homes[SOUTH].path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert peer.stdout is not None
    assert peer.stdin is not None
    rig = Rig(station, desk, gates)
    tasks = [asyncio.create_task(station.run()), asyncio.create_task(rig.read(peer.stdout))]
    try:
        await rig.until_up(DIRECT, RELAY)
        yield rig
    finally:
        peer.stdin.close()
        await peer.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await station.close()


async def stand_by(home: Home) -> None:
    """Be the other station: print each statement that is recorded, until input ends."""
    machine = Machine(find_config(), system_clock, system_entropy)
    station, _ = open_station(home, machine, passphrase=None, timings=TIMINGS)
    told = 0

    def recorded() -> None:
        nonlocal told
        now = time.perf_counter()
        statements = list(station.situation.statements)
        for digest in statements[told:]:
            os.write(1, f"{digest} {now:.6f}\n".encode())
        told = len(statements)

    station.subscribe(recorded)
    run = asyncio.create_task(station.run())
    await asyncio.to_thread(sys.stdin.read)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await station.close()


async def by(rig: Rig, name: str, floors: bare.Floors, samples: int) -> dict[str, float]:
    """Measure with one route alone."""
    for other, gate in rig.gates.items():
        gate.heal() if other == name else gate.cut()
    await rig.until_up(name)
    taken, floor = [], []
    for serial in range(samples + WARM_UP):
        taken.append(await rig.arrival_s(serial) * 1e3)
        await asyncio.sleep(REST_S)
        began = time.perf_counter()
        floors.share(RECORD)
        floor.append((time.perf_counter() - began) * 1e3)
    found, least = taken[WARM_UP:], statistics.median(floor[WARM_UP:])
    return {
        "p50_ms": round(statistics.median(found), 2),
        "p95_ms": round(statistics.quantiles(found, n=20)[-1], 2),
        "floor_p50_ms": round(least, 2),
        "ratio": round(statistics.median(found) / least, 2),
    }


async def failovers(rig: Rig, times: int, how: Callable[[Gate], None]) -> dict[str, float]:
    """Break the route in use as a statement is sent, again and again."""
    taken = []
    for serial in range(times):
        for gate in rig.gates.values():
            gate.heal()
        await rig.until_up(DIRECT, RELAY)
        gate = rig.gates[rig.station.route.best[0]]
        taken.append(await rig.arrival_s(serial, lambda gate=gate: how(gate)))  # type: ignore[misc]
    return {
        "p50_s": round(statistics.median(taken), 3),
        "p95_s": round(statistics.quantiles(taken, n=20)[-1], 3) if times > 1 else taken[0],
    }


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Measure arrivals by each route, then failovers."""
    (folder / "floors").mkdir()
    floors = bare.Floors(folder / "floors")
    async with rigged(folder) as rig:
        ways = {name: await by(rig, name, floors, options.samples) for name in (DIRECT, RELAY)}
        resets = await failovers(rig, options.cuts, Gate.cut)
        silences = await failovers(rig, options.silences, Gate.silence)
    return {"load": os.getloadavg()[0], **ways, "reset": resets, "silence": silences}


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--silences", type=int, default=6)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(stand_by(Home(options.peer)))
        return
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        figures = asyncio.run(measure(Path(name), options))
    print("signed to the other ledger   p50 / p95 ms      floor p50 ms   ratio   goal p50 ms")
    for name, goal in GOALS_MS.items():
        way = figures[name]
        assert isinstance(way, dict)
        missed = "  missed" if way["p50_ms"] > goal else ""
        print(
            f"{name:<24} {way['p50_ms']:>9.2f} / {way['p95_ms']:<10.2f}"
            f" {way['floor_p50_ms']:>10.2f} {way['ratio']:>7.2f} {goal:>13.0f}{missed}"
        )
    for name, times in (("reset", options.cuts), ("silence", options.silences)):
        way = figures[name]
        assert isinstance(way, dict)
        print(
            f"failover after a {name:<8} p50 {way['p50_s']} s, p95 {way['p95_s']} s ({times} times)"
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
