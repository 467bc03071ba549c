"""Send → durable on both sides → receipt verified, against the sum of its floors.

Two stations with real homes, a process each, real TLS on loopback. The clock runs
from the officer's signature to the moment at which the sender's ledger holds
the verified receipt. The floors are what no design on this path can leave out:
bare library calls and bare durable commits, measured in the same run, between
the samples, so that a noisy machine slows both.

    python bench/bench_statement_path.py [--samples N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from hotline.core.values import Realm
from hotline.desk.desk import OfficerDesk
from hotline.desk.opening import open_desk
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.sealing.aead import mac, open_xchacha, seal_xchacha
from hotline.sealing.cell import _HPKE
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.enrol import Subject
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.prekey import draw_prekey
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station.assembly import Machine, open_station
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from hotline.station.station import Station
from hotline.transport.link import Timings

GOAL = 1.5
WARM_UP = 20
STATEMENT_BYTES, RECEIPT_BYTES = 8_192, 8_192
"""Padded packets: a signed statement with its order and head; a receipt with its head."""

# How often the path does each thing, and why.
COUNTS = {
    "hybrid sign": 1,  # the officer
    "hybrid verify": 1,  # the receiver
    "ed25519 sign": 7,  # order, 2 packets, 3 heads, 1 cosignature
    "ed25519 verify": 6,  # order, 2 packets, 2 heads, 1 cosignature
    "cell seal": 2,
    "cell open": 2,
    "durable commit": 6,  # ledger and head.db: sent, received, receipted
    "websocket round trip": 1,
}


def median_us(call: Callable[[], object], times: int = 200) -> float:
    """Return the median of `times` calls in microseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1e6)
    return statistics.median(taken)


class Floors:
    """Bare calls of everything in COUNTS; `sample` measures each once more."""

    def __init__(self, directory: Path) -> None:
        self._hybrid = HybridSigner(draw_hybrid_seeds(system_entropy))
        self._signature = self._hybrid.sign(b"x" * 1200)
        self._ed = Ed25519Signer(system_entropy(32))
        self._ed_signature = self._ed.sign(b"x" * 300)
        self._prekey = draw_prekey(system_entropy)
        self._key = mac(b"k" * 32, b"header")
        self._plain = b"x" * STATEMENT_BYTES
        self._inner = seal_xchacha(self._key, system_entropy(24), self._plain, b"header")
        self._cell = _HPKE.encrypt(self._inner, self._prekey.public.handle, b"info")
        self._db = sqlite3.connect(directory / "floor.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=1"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE row(idx INTEGER PRIMARY KEY, bytes BLOB) STRICT")
        self.taken: dict[str, list[float]] = {name: [] for name in COUNTS}

    def sample(self, round_trip_us: float) -> None:
        calls: dict[str, Callable[[], object]] = {
            "hybrid sign": lambda: self._hybrid.sign(self._plain[:1200]),
            "hybrid verify": lambda: self._hybrid.public_key.verify(
                self._plain[:1200], self._signature
            ),
            "ed25519 sign": lambda: self._ed.sign(b"x" * 300),
            "ed25519 verify": lambda: verify_ed25519(
                self._ed.public_key, b"x" * 300, self._ed_signature
            ),
            "cell seal": self._seal,
            "cell open": self._open,
            "durable commit": self._commit,
        }
        for name, call in calls.items():
            self.taken[name].append(median_us(call, 5))
        self.taken["websocket round trip"].append(round_trip_us)

    def _seal(self) -> None:
        inner = seal_xchacha(self._key, system_entropy(24), self._plain, b"header")
        _HPKE.encrypt(inner, self._prekey.public.handle, b"info")

    def _open(self) -> None:
        open_xchacha(self._key, _HPKE.decrypt(self._cell, self._prekey.handle, b"info"), b"header")

    def _commit(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO row(bytes) VALUES (?)", (self._plain[:1000],))
        self._db.execute("COMMIT")

    def medians(self) -> dict[str, float]:
        return {name: statistics.median(values) for name, values in self.taken.items()}


class Echo:
    """A bare websocket echo over TLS 1.3: the floor of one round trip."""

    def __init__(self, directory: Path) -> None:
        tls = make_tls_identity(station="FLOOR", at_ms=system_clock(), entropy=system_entropy)
        certificate, key = directory / "floor.pem", directory / "floor.key"
        certificate.write_bytes(tls.certificate_pem)
        key.write_bytes(tls.key_pem)
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(certificate, key)
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.check_hostname = False
        self._client.load_verify_locations(certificate)

    async def run(self, ready: asyncio.Future[Callable[[], object]], end: asyncio.Event) -> None:
        async def echo(socket: object) -> None:
            async for message in socket:  # type: ignore[attr-defined]
                await socket.send(message)  # type: ignore[attr-defined]

        async with serve(echo, "127.0.0.1", 0, ssl=self._server, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            url = f"wss://127.0.0.1:{port}"
            async with connect(url, ssl=self._client, compression=None) as client:
                cell = bytes(STATEMENT_BYTES + 1201)

                async def round_trip() -> float:
                    taken = []
                    for _ in range(5):
                        began = time.perf_counter()
                        await client.send(cell)
                        await client.recv()
                        taken.append((time.perf_counter() - began) * 1e6)
                    return statistics.median(taken)

                ready.set_result(round_trip)
                await end.wait()


async def receipted(station: Station, digest: str) -> None:
    """Return when the sender's ledger holds the verified receipt."""
    changed = asyncio.Event()
    stop = station.subscribe(changed.set)
    try:
        while not station.situation.statements[digest].receipted:
            changed.clear()
            await changed.wait()
    finally:
        stop()


async def one(desk: OfficerDesk, serial: int) -> float:
    """Send one statement; return milliseconds from signature to verified receipt."""
    choice = next(one for one in desk.choices() if one.id == "conv/free-text")
    draft = desk.open_draft(choice)
    text = f"Statement {serial}: " + "both ships hold their course and speed. " * 5
    checked = desk.fill(draft.draft, fields={}, text=text, precedence="PRIORITY")
    began = time.perf_counter()
    digest = await desk.send(checked.draft, checked.code)
    await receipted(desk.station, digest)
    return (time.perf_counter() - began) * 1e3


async def measure(directory: Path, samples: int) -> dict[str, object]:
    """Run the path `samples` times with the floors in between."""
    machine = Machine(find_config(), system_clock, system_entropy)
    homes = {name: Home(directory / name) for name in ("NORTH", "SOUTH")}
    found_line(
        [
            Founder(home, name, (Subject("officer", "Officer", "LT", "Duty officer"),))
            for name, home in homes.items()
        ],
        name="bench",
        realm=Realm.EXERCISE,
        catalogue=load_catalogue(machine.config),
        clock=system_clock,
        entropy=system_entropy,
    )
    station, _ = open_station(homes["NORTH"], machine, passphrase=None, timings=Timings())
    run = asyncio.create_task(station.run())
    peer = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--peer", str(homes["SOUTH"].path), stdin=asyncio.subprocess.PIPE
    )
    desk = open_desk(
        station,
        homes["NORTH"],
        "officer",
        config=machine.config,
        passphrase=None,
        clock=system_clock,
        entropy=system_entropy,
    )
    ready: asyncio.Future[Callable[[], object]] = asyncio.get_running_loop().create_future()
    end = asyncio.Event()
    echo = asyncio.create_task(Echo(directory).run(ready, end))
    round_trip = await ready
    floors = Floors(directory)
    while not station.route.up:
        await asyncio.sleep(0.05)
    taken = []
    for serial in range(samples + WARM_UP):
        path_ms = await one(desk, serial)
        if serial >= WARM_UP:
            taken.append(path_ms)
            floors.sample(await round_trip())  # type: ignore[misc]
    end.set()
    await echo
    if peer.stdin is not None:
        peer.stdin.close()
    await peer.wait()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await station.close()
    return report(taken, floors.medians())


async def stand_by(home: Home) -> None:
    """Be the other station until standard input ends."""
    machine = Machine(find_config(), system_clock, system_entropy)
    station, _ = open_station(home, machine, passphrase=None, timings=Timings())
    run = asyncio.create_task(station.run())
    await asyncio.to_thread(sys.stdin.read)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await station.close()


def report(taken: list[float], floors: dict[str, float]) -> dict[str, object]:
    """Return figures in milliseconds, and the ratio of medians."""
    floor_ms = sum(floors[name] * count for name, count in COUNTS.items()) / 1000
    p50 = statistics.median(taken)
    p95 = statistics.quantiles(taken, n=20)[-1]
    return {
        "samples": len(taken),
        "p50_ms": round(p50, 3),
        "p95_ms": round(p95, 3),
        "floor_ms": round(floor_ms, 3),
        "ratio": round(p50 / floor_ms, 3),
        "goal": GOAL,
        "floors_us": {name: round(value, 1) for name, value in floors.items()},
        "counts": COUNTS,
    }


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(stand_by(Home(options.peer)))
        return
    with tempfile.TemporaryDirectory() as directory:
        figures = asyncio.run(measure(Path(directory), options.samples))
    print("floor                   count   median us")
    floors = figures["floors_us"]
    for name, count in COUNTS.items():
        print(f"{name:<22} {count:>6} {floors[name]:>11.1f}")  # type: ignore[index]
    print(f"sum of floors          {figures['floor_ms']:>17} ms")
    print(f"path p50 / p95         {figures['p50_ms']:>9} / {figures['p95_ms']} ms")
    print(f"ratio p50 / floors     {figures['ratio']:>17}  (goal <= {GOAL})")
    text = json.dumps(figures)
    if options.json:
        options.json.write_text(text + "\n")
    else:
        print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
