"""Enqueue → deliver through a relay, and durable cells a second, against bare durable inserts.

A relay over SQLite in a process of its own, senders and recipients in this one,
TLS on loopback. The floor is SQLite alone with the same settings on the same
disk: one row of the cell's size for each commit, one after the other. A cell
counts as delivered when its recipient's callback has it; consuming it goes on
beside that, in the same store. The rate of one session is set free for this.

    python bench/bench_relay.py [--samples N] [--cells N] [--idle N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from hotline.core.values import sha256
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.tls_identity import make_tls_identity
from hotline.transport.relay.admission import Admission
from hotline.transport.relay.calling import RelayAddress, open_mailboxes
from hotline.transport.relay.client import Mailboxes
from hotline.transport.relay.limits import Limits
from hotline.transport.relay.metrics import Metrics
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.room import Room
from hotline.transport.relay.server import Relay
from hotline.transport.relay.sqlite_rows import open_file
from hotline.transport.relay.sqlite_store import SqliteStore
from hotline.transport.relay.store import Box, Quota
from hotline.transport.tls import TlsIdentity, pinned

GOAL_RATIO, GOAL_PER_S = 2.0, 1_000
CELL_BYTES = 4_096
PAIRS = 4
"""Mailboxes with a sender and a recipient each, in the test of throughput."""

WARM_UP = 50
KEEP_MS = 3_600_000
RELAY_KEY = Ed25519Signer(sha256(b"a relay's key that serves benchmarks only"))
FREE = replace(Limits(), frames_per_s=1e9, burst=10**9, strangers_per_address=64)


def key_of(name: str, number: int) -> Ed25519Signer:
    return Ed25519Signer(sha256(f"{name} {number}".encode()))


def box_of(number: int) -> Box:
    recipient, sender = key_of("recipient", number), key_of("sender", number)
    return Box(number.to_bytes(16), recipient.public_key, sender.public_key)


async def serve(folder: Path, boxes: int) -> None:
    """Be the relay: make the boxes, print the port, serve until killed."""
    metrics = Metrics()
    store = SqliteStore(
        folder / "relay.db",
        quota=Quota(cells=10**6, octets=1 << 40),
        room=Room(folder / "relay.db", floor_part=0.0),
        clock=time.monotonic,
        on_commit=metrics.on_commit,
    )
    for number in range(boxes):
        await store.create(box_of(number), number.to_bytes(32))
    premises = Premises(
        store=store,
        limits=FREE,
        metrics=metrics,
        admission=Admission(folder / "admission"),
        clock=system_clock,
        monotonic=time.monotonic,
        tell=lambda *_, **__: None,
    )
    relay = Relay(
        premises,
        host="127.0.0.1",
        port=0,
        bound=lambda _, port: os.write(1, b"%d\n" % port) and None,
        identity=TlsIdentity(folder / "cert.pem", folder / "key.pem"),
        signer=RELAY_KEY,
        verifier=verify_ed25519,
        entropy=system_entropy,
    )
    await relay.run()


@contextlib.contextmanager
def relay_process(folder: Path, boxes: int) -> Iterator[tuple[RelayAddress, int]]:
    """Run the relay; give its address and its process id."""
    made = make_tls_identity(station="RELAY", at_ms=system_clock(), entropy=system_entropy)
    (folder / "cert.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    (folder / "admission").touch(0o600)
    command = [sys.executable, __file__, "--serve", str(folder), "--idle", str(boxes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        shown = pinned(ssl.PEM_cert_to_DER_cert(made.certificate_pem.decode()))
        yield RelayAddress("127.0.0.1", port, RELAY_KEY.public_key, shown), process.pid
        process.kill()


def floor(folder: Path, cells: int) -> list[float]:
    """Return the seconds of each durable insert of one cell."""
    connection = open_file(folder / "floor.db", create=True)
    box, taken = os.urandom(16), []
    for number in range(cells + WARM_UP):
        body = os.urandom(CELL_BYTES)
        began = time.perf_counter()
        insert(connection, box, number, body)
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken[WARM_UP:]


def insert(connection: sqlite3.Connection, box: bytes, number: int, body: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO cell (box, id, expires_ms, body) VALUES (?, ?, ?, ?)",
        (box, number.to_bytes(32), 0, body),
    )
    connection.execute("COMMIT")


async def dial(stack: AsyncExitStack, where: RelayAddress, name: str, number: int) -> Mailboxes:
    opened = open_mailboxes(
        where,
        box_of(number).id,
        key_of(name, number),
        verifier=verify_ed25519,
        entropy=system_entropy,
    )
    return await stack.enter_async_context(opened)


class Recipient:
    """Notes when each cell came."""

    def __init__(self, wanted: int) -> None:
        self.came: dict[bytes, float] = {}
        self.wanted, self.all = wanted, asyncio.Event()

    async def __call__(self, sealed: bytes) -> None:
        """Take one cell."""
        self.came[sealed[:16]] = time.perf_counter()
        if len(self.came) == self.wanted:
            self.all.set()


async def latency(where: RelayAddress, samples: int) -> list[float]:
    """Put one cell after another; return the seconds from each put to its recipient."""
    taker, sent = Recipient(samples + WARM_UP), dict[bytes, float]()
    async with AsyncExitStack() as stack:
        mine = await dial(stack, where, "recipient", 0)
        out = await dial(stack, where, "sender", 0)
        await mine.subscribe(box_of(0).id, taker)
        for _ in range(samples + WARM_UP):
            one = os.urandom(CELL_BYTES)
            sent[one[:16]] = time.perf_counter()
            await out.put(box_of(0).id, one, system_clock() + KEEP_MS)
        await taker.all.wait()
    return [taker.came[one] - began for one, began in sent.items()][WARM_UP:]


async def throughput(where: RelayAddress, cells: int) -> float:
    """Return the cells a second that went through, all durable and all delivered."""
    each = cells // PAIRS
    async with AsyncExitStack() as stack:
        takers, senders = [], []
        for number in range(1, PAIRS + 1):
            taker = Recipient(each)
            mine = await dial(stack, where, "recipient", number)
            await mine.subscribe(box_of(number).id, taker)
            takers.append(taker)
            senders.append(await dial(stack, where, "sender", number))
        began = time.perf_counter()
        await asyncio.gather(
            *(
                sender.put(box_of(at).id, os.urandom(CELL_BYTES), system_clock() + KEEP_MS)
                for at, sender in enumerate(senders, start=1)
                for _ in range(each)
            )
        )
        await asyncio.gather(*(taker.all.wait() for taker in takers))
        return each * PAIRS / (time.perf_counter() - began)


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def idle(where: RelayAddress, pid: int, sessions: int) -> float:
    """Return the KiB that each of many idle sessions takes in the relay."""
    before = resident_kib(pid)
    async with AsyncExitStack() as stack:
        for number in range(sessions):
            await dial(stack, where, "recipient", number)
        return (resident_kib(pid) - before) / sessions


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    inserts = floor(folder, options.samples)
    with relay_process(folder, max(options.idle, PAIRS + 1)) as (where, pid):
        delays = await latency(where, options.samples)
        inserts += floor(folder, options.samples)
        per_s = await throughput(where, options.cells)
        inserts += floor(folder, options.samples)
        idle_kib = await idle(where, pid, options.idle)
    floor_per_s = len(inserts) / sum(inserts)
    return {
        "insert_p50_ms": statistics.median(inserts) * 1e3,
        "deliver_p50_ms": statistics.median(delays) * 1e3,
        "deliver_p99_ms": statistics.quantiles(delays, n=100)[98] * 1e3,
        "inserts_per_s": floor_per_s,
        "cells_per_s": per_s,
        "ratio": floor_per_s / per_s,
        "idle_kib": idle_kib,
    }


def main() -> None:
    """Measure, print the ratio, and say whether it is within the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--cells", type=int, default=8_000)
    parser.add_argument("--idle", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.serve:
        asyncio.run(serve(options.serve, options.idle))
        return
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        found = asyncio.run(measure(Path(name), options))
    print(
        f"enqueue to deliver: p50 {found['deliver_p50_ms']:.2f} ms,"
        f" p99 {found['deliver_p99_ms']:.2f} ms;"
        f" one durable insert: p50 {found['insert_p50_ms']:.2f} ms"
    )
    print(
        f"durable cells: {found['cells_per_s']:.0f}/s (goal {GOAL_PER_S});"
        f" bare durable inserts: {found['inserts_per_s']:.0f}/s;"
        f" ratio {found['ratio']:.2f} (goal {GOAL_RATIO})"
    )
    print(f"{options.idle} idle sessions: {found['idle_kib']:.0f} KiB each")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))
    if found["ratio"] > GOAL_RATIO or found["cells_per_s"] < GOAL_PER_S:
        print("the goal is missed")


if __name__ == "__main__":
    main()
