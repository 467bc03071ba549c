"""A direct link beside a bare `websockets` echo: round trip, and cells a second one way.

Two processes on loopback. The floor is the library alone, with the same TLS
contexts (1.3, both certificates, no compression) and the same sizes; the link adds
frames, one writer with a bound on each send, the taking of cells one at a time, and
what finds a peer that went silent. Floor and link take turns.

    python bench/bench_link.py [--samples N] [--cells N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from hotline.core.values import sha256
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.tls_identity import make_tls_identity
from hotline.transport.allowance import Allowance
from hotline.transport.dialer import Dialer
from hotline.transport.greeting import party_id
from hotline.transport.listener import Listener
from hotline.transport.proof import Party
from hotline.transport.tls import (
    PinnedPeer,
    TlsIdentity,
    client_context,
    pinned,
    server_context,
)

SIZES = (4_096, 20_480)
ECHO, COUNT, LAST = b"e", b"c", b"l"
"""First byte of a cell: it comes back; it is counted; it comes back when it was taken."""

WARM_UP = 50
UNLIMITED = Allowance(frames_per_s=1e9, burst=60_000)
"""What a session costs is measured, not how it is slowed down."""

Say = Callable[[bytes], Awaitable[None]]


def papers(folder: Path, name: str) -> TlsIdentity:
    """Make a certificate and its key as files."""
    made = make_tls_identity(station=name, at_ms=system_clock(), entropy=system_entropy)
    (folder / f"{name}.pem").write_bytes(made.certificate_pem)
    (folder / f"{name}.key").write_bytes(made.key_pem)
    return identity_of(folder, name)


def identity_of(folder: Path, name: str) -> TlsIdentity:
    return TlsIdentity(folder / f"{name}.pem", folder / f"{name}.key")


def peer_of(folder: Path, name: str) -> PinnedPeer:
    return pinned(ssl.PEM_cert_to_DER_cert((folder / f"{name}.pem").read_text()))


def party_of(ours: str, theirs: str) -> Party:
    """Return who one end is to the other; the console keys are known to both."""
    consoles = {name: Ed25519Signer(sha256(name.encode())) for name in (ours, theirs)}
    known = consoles[theirs].public_key
    return Party(
        ours=party_id("EXERCISE", bytes(32), ours),
        theirs=party_id("EXERCISE", bytes(32), theirs),
        signer=consoles[ours],
        recognises=lambda key, _: key == known,
        verifier=verify_ed25519,
        entropy=system_entropy,
    )


async def on_state(*_: str) -> None:
    """Nobody looks at the state here."""


def on_fault(fault: Exception) -> None:
    raise fault


async def serve_both(folder: Path) -> None:
    """Be the other end of both: print two ports, answer until standard input ends."""
    identity, peer = identity_of(folder, "NORTH"), peer_of(folder, "SOUTH")
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def take(cell: bytes) -> None:
        if cell[:1] != COUNT:
            await listener.send(cell)

    async def answer(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                if message[:1] != COUNT:
                    await socket.send(message)

    listener = Listener(
        "direct",
        host="127.0.0.1",
        port=0,
        bound=lambda _, port: bound.set_result(port),
        identity=identity,
        peer=peer,
        party=party_of("NORTH", "SOUTH"),
        allowed=UNLIMITED,
        on_cell=take,
        on_state=on_state,
        on_fault=on_fault,
        clock=time.monotonic,
    )
    running = asyncio.create_task(listener.run())
    context = server_context(identity, peer)
    async with serve(answer, "127.0.0.1", 0, ssl=context, compression=None) as bare:
        port = next(iter(bare.sockets)).getsockname()[1]
        os.write(1, f"{await bound} {port}\n".encode())
        await asyncio.to_thread(sys.stdin.read)
    await listener.close()
    await running


@dataclass
class End:
    """Our end of a link or of a bare connection: says cells, hears what comes back."""

    say: Say
    heard: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def round_trip_ms(self, size: int) -> float:
        """Send one cell and wait until it is back."""
        cell = ECHO + os.urandom(size - 1)
        began = time.perf_counter()
        await self.say(cell)
        await self.heard.get()
        return (time.perf_counter() - began) * 1e3

    async def per_s(self, size: int, cells: int) -> float:
        """Send many one way; return how many a second the other end took."""
        body = os.urandom(size - 1)
        began = time.perf_counter()
        for _ in range(cells):
            await self.say(COUNT + body)
        await self.say(LAST + body)
        await self.heard.get()
        return (cells + 1) / (time.perf_counter() - began)


@contextlib.asynccontextmanager
async def linked(folder: Path, port: int) -> AsyncIterator[End]:
    """Open the link."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    dialer = Dialer(
        "direct",
        where=lambda: ("127.0.0.1", port),
        identity=identity_of(folder, "SOUTH"),
        peer=peer_of(folder, "NORTH"),
        party=party_of("SOUTH", "NORTH"),
        allowed=UNLIMITED,
        on_cell=heard.put,
        on_state=on_state,
        on_fault=on_fault,
        clock=time.monotonic,
        chance=lambda: 1.0,
    )
    running = asyncio.create_task(dialer.run())
    async with asyncio.timeout(30):
        while not dialer.up:  # noqa: ASYNC110  the state has no event
            await asyncio.sleep(0.01)
    yield End(dialer.send, heard)
    await dialer.close()
    await running


@contextlib.asynccontextmanager
async def bare(folder: Path, port: int) -> AsyncIterator[End]:
    """Open the bare connection."""
    context = client_context(identity_of(folder, "SOUTH"), peer_of(folder, "NORTH"))
    async with connect(f"wss://127.0.0.1:{port}", ssl=context, compression=None) as socket:
        end = End(socket.send)
        reading = asyncio.create_task(read_on(socket, end))
        yield end
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def read_on(socket: ClientConnection, end: End) -> None:
    async for message in socket:
        assert isinstance(message, bytes)
        await end.heard.put(message)


@dataclass
class Taken:
    """What one end took, of one size."""

    trips_ms: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return medians, and the tail of the round trips."""
        return {
            "rtt_p50_ms": round(statistics.median(self.trips_ms), 3),
            "rtt_p99_ms": round(statistics.quantiles(self.trips_ms, n=100)[98], 3),
            "per_s": round(statistics.median(self.per_s)),
        }


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Let floor and link take turns; return figures by size."""
    papers(folder, "NORTH"), papers(folder, "SOUTH")
    peer = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--serve", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert peer.stdout is not None
    assert peer.stdin is not None
    link_port, bare_port = map(int, (await peer.stdout.readline()).split())
    found: dict[str, object] = {"load": os.getloadavg()[0]}
    try:
        async with linked(folder, link_port) as link, bare(folder, bare_port) as floor:
            for size in SIZES:
                found[str(size)] = await one_size(link, floor, size, options)
    finally:
        peer.stdin.close()
        await peer.wait()
    return found


async def one_size(
    link: End, floor: End, size: int, options: argparse.Namespace
) -> dict[str, object]:
    both = {"link": (link, Taken()), "floor": (floor, Taken())}
    for turn in range(options.rounds):
        # Who goes first changes, so that neither always finds the other's leavings.
        for name in sorted(both, reverse=bool(turn % 2)):
            end, taken = both[name]
            for _ in range(WARM_UP):
                await end.round_trip_ms(size)
            taken.trips_ms += [await end.round_trip_ms(size) for _ in range(options.samples)]
            taken.per_s.append(await end.per_s(size, options.cells))
    figures = {name: taken.figures() for name, (_, taken) in both.items()}
    return {
        **figures,
        "rtt_ratio": round(figures["link"]["rtt_p50_ms"] / figures["floor"]["rtt_p50_ms"], 2),
        "per_s_ratio": round(figures["floor"]["per_s"] / figures["link"]["per_s"], 2),
    }


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--cells", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve_both(options.serve))
        return
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        found = asyncio.run(measure(Path(name), options))
    print("bytes    round trip p50 / p99 ms: link, floor       cells/s: link, floor")
    for size in SIZES:
        one = found[str(size)]
        link, floor = one["link"], one["floor"]  # type: ignore[index]
        print(
            f"{size:>6}   {link['rtt_p50_ms']:.3f} / {link['rtt_p99_ms']:.3f},"
            f" {floor['rtt_p50_ms']:.3f} / {floor['rtt_p99_ms']:.3f}"
            f" (ratio {one['rtt_ratio']:.2f})"  # type: ignore[index]
            f"   {link['per_s']}, {floor['per_s']} (ratio {one['per_s_ratio']:.2f})"  # type: ignore[index]
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
