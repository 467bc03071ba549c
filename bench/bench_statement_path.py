"""Send → durable on both sides → receipt verified, against its floors.

Two stations with real homes, a process each, real TLS on loopback. The clock runs
from the officer's signature to the moment at which the sender's ledger holds
the verified receipt.

The floor is the same path with everything taken away that a design could do
without: bare library calls, bare durable commits, and one bare websocket round
trip between the same two processes, in the order in which the path needs them.
Floor and path take turns, so that a noisy machine slows both.

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

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

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
from hotline.station.running import until
from hotline.transport.link import Timings

GOAL = 1.5
WARM_UP = 20
REST_S = 0.03
STATEMENT_BYTES = 12_288
"""A padded packet with a signed statement, its order and a head."""

STATEMENT_ROWS_BYTES, RECEIPT_ROWS_BYTES = 8_000, 2_500
"""What the rows of one commit hold: entries, the sealed statement, nodes, the head."""

SEND = (
    "hybrid sign",  # the officer
    "hybrid verify",  # the station, of its own desk, before it records
    *["ed25519 sign"] * 3,  # order, head, packet
    "statement commit",
    "head commit",
    "cell seal",
)
RECEIVE = (
    "cell open",
    *["ed25519 verify"] * 3,  # packet, order, head
    "hybrid verify",
    "statement commit",
    "head commit",
    *["ed25519 sign"] * 3,  # head, cosignature, packet
    "cell seal",
)
RECEIPT = (
    "cell open",
    *["ed25519 verify"] * 3,  # packet, head, cosignature
    "ed25519 sign",  # head
    "receipt commit",
    "head commit",
)
"""What the path cannot do without, in its order, at its three places."""


def _database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=1"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE row(idx INTEGER PRIMARY KEY, bytes BLOB) STRICT")
    return database


class Floors:
    """Bare calls of everything that the path needs, each timed."""

    def __init__(self, directory: Path) -> None:
        """Prepare keys, a cell and a database file in `directory`."""
        hybrid = HybridSigner(draw_hybrid_seeds(system_entropy))
        ed25519 = Ed25519Signer(system_entropy(32))
        statement, note = b"x" * 1200, b"x" * 300
        signature, ed_signature = hybrid.sign(statement), ed25519.sign(note)
        self._prekey = draw_prekey(system_entropy)
        self._key = mac(b"k" * 32, b"header")
        self._plain = b"x" * STATEMENT_BYTES
        inner = seal_xchacha(self._key, system_entropy(24), self._plain, b"header")
        self._cell = _HPKE.encrypt(inner, self._prekey.public.handle, b"info")
        self._db = _database(directory / "floor.db")
        self._heads = _database(directory / "heads.db")
        self._heads.execute("INSERT INTO row(bytes) VALUES (x'00')")
        self._calls: dict[str, Callable[[], object]] = {
            "hybrid sign": lambda: hybrid.sign(statement),
            "hybrid verify": lambda: hybrid.public_key.verify(statement, signature),
            "ed25519 sign": lambda: ed25519.sign(note),
            "ed25519 verify": lambda: verify_ed25519(ed25519.public_key, note, ed_signature),
            "cell seal": self._seal,
            "cell open": self._open,
            "statement commit": lambda: self._commit(STATEMENT_ROWS_BYTES),
            "receipt commit": lambda: self._commit(RECEIPT_ROWS_BYTES),
            "head commit": self._swap,
        }
        self.taken: dict[str, list[float]] = {name: [] for name in self._calls}

    def share(self, names: tuple[str, ...]) -> None:
        """Make these calls, one after the other."""
        for name in names:
            began = time.perf_counter()
            self._calls[name]()
            self.taken[name].append((time.perf_counter() - began) * 1e6)

    def _seal(self) -> None:
        inner = seal_xchacha(self._key, system_entropy(24), self._plain, b"header")
        _HPKE.encrypt(inner, self._prekey.public.handle, b"info")

    def _open(self) -> None:
        open_xchacha(self._key, _HPKE.decrypt(self._cell, self._prekey.handle, b"info"), b"header")

    def _commit(self, size: int) -> None:
        """Insert as many bytes as the ledger does there."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO row(bytes) VALUES (?)", (bytes(size),))
        self._db.execute("COMMIT")

    def _swap(self) -> None:
        """Release a head: the second of two ordered commits, in a file of its own."""
        self._heads.execute("BEGIN IMMEDIATE")
        self._heads.execute("UPDATE row SET bytes = ?", (system_entropy(40),))
        self._heads.execute("COMMIT")


class BareLine:
    """A bare websocket over TLS 1.3: the receiver's share in one process, ours in another."""

    def __init__(self, directory: Path) -> None:
        """Use the certificate in `directory`, making it where there is none."""
        self._told = directory / "bare.port"
        certificate, key = directory / "floor.pem", directory / "floor.key"
        if not certificate.exists():
            tls = make_tls_identity(station="FLOOR", at_ms=system_clock(), entropy=system_entropy)
            key.write_bytes(tls.key_pem)
            certificate.write_bytes(tls.certificate_pem)
        self._certificate, self._key, self._directory = certificate, key, directory

    async def serve(self) -> None:
        """Do the receiver's share for each message and send it back, until cancelled."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)

        (self._directory / "receiver").mkdir()
        floors = Floors(self._directory / "receiver")

        async def answer(socket: ServerConnection) -> None:
            async for message in socket:
                floors.share(RECEIVE)
                await socket.send(message)

        async with serve(answer, "127.0.0.1", 0, ssl=context, compression=None) as server:
            part = self._told.with_suffix(".part")
            part.write_text(str(next(iter(server.sockets)).getsockname()[1]))
            part.rename(self._told)
            await server.serve_forever()

    async def connect(self) -> ClientConnection:
        """Return a connection to the server in the other process."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self._certificate)
        async with asyncio.timeout(30):
            while not self._told.exists():  # noqa: ASYNC110  another process tells
                await asyncio.sleep(0.05)
        url = f"wss://127.0.0.1:{self._told.read_text()}"
        return await connect(url, ssl=context, compression=None)


async def bare_path_ms(socket: ClientConnection, floors: Floors) -> float:
    """Go the path bare; return milliseconds."""
    began = time.perf_counter()
    floors.share(SEND)
    await socket.send(bytes(STATEMENT_BYTES + 1201))
    await socket.recv()
    floors.share(RECEIPT)
    return (time.perf_counter() - began) * 1e3


async def one(desk: OfficerDesk, serial: int) -> float:
    """Send one statement; return milliseconds from signature to verified receipt."""
    choice = next(one for one in desk.choices() if one.id == "conv/free-text")
    draft = desk.open_draft(choice)
    text = f"Statement {serial}: " + "both ships hold their course and speed. " * 5
    checked = desk.fill(draft.draft, fields={}, text=text, precedence="PRIORITY")
    began = time.perf_counter()
    digest = await desk.send(checked.draft, checked.code)
    await until(desk.station, lambda: bool(desk.situation.statements[digest].receipted))
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
    bare = BareLine(directory)
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
    socket = await bare.connect()
    floors = Floors(directory)
    await until(station, lambda: station.route.up)
    taken, bare_taken = [], []
    for serial in range(samples + WARM_UP):
        path_ms = await one(desk, serial)
        # The last cosignature goes out after the receipt: it belongs to no sample.
        await asyncio.sleep(REST_S)
        bare_ms = await bare_path_ms(socket, floors)
        await asyncio.sleep(REST_S)
        if serial >= WARM_UP:
            taken.append(path_ms)
            bare_taken.append(bare_ms)
    await socket.close()
    if peer.stdin is not None:
        peer.stdin.close()
    await peer.wait()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await station.close()
    return report(taken, bare_taken, floors)


async def stand_by(home: Home) -> None:
    """Be the other station until standard input ends."""
    machine = Machine(find_config(), system_clock, system_entropy)
    station, _ = open_station(home, machine, passphrase=None, timings=Timings())
    runs = [
        asyncio.create_task(station.run()),
        asyncio.create_task(BareLine(home.path.parent).serve()),
    ]
    await asyncio.to_thread(sys.stdin.read)
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    await station.close()


def report(taken: list[float], bare: list[float], floors: Floors) -> dict[str, object]:
    """Return figures in milliseconds, and the ratio of medians."""
    path = (*SEND, *RECEIVE, *RECEIPT)
    return {
        "samples": len(taken),
        "path_p50_ms": round(statistics.median(taken), 3),
        "path_p95_ms": round(statistics.quantiles(taken, n=20)[-1], 3),
        "floor_p50_ms": round(statistics.median(bare), 3),
        "floor_p95_ms": round(statistics.quantiles(bare, n=20)[-1], 3),
        "ratio": round(statistics.median(taken) / statistics.median(bare), 3),
        "goal": GOAL,
        "calls": {
            name: {"count": path.count(name), "median_us": round(statistics.median(values), 1)}
            for name, values in floors.taken.items()
        },
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
    print("call                    count   median us")
    for name, call in figures["calls"].items():  # type: ignore[attr-defined]
        print(f"{name:<22} {call['count']:>6} {call['median_us']:>11.1f}")
    print(f"floor p50 / p95        {figures['floor_p50_ms']:>9} / {figures['floor_p95_ms']} ms")
    print(f"path  p50 / p95        {figures['path_p50_ms']:>9} / {figures['path_p95_ms']} ms")
    print(f"ratio of the medians   {figures['ratio']:>9}  (goal <= {GOAL})")
    text = json.dumps(figures)
    if options.json:
        options.json.write_text(text + "\n")
    else:
        print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
