"""A file of 16 MiB from one station to another, beside its bytes over a bare websocket.

Two stations with real homes on loopback, the receiver in a process of its own. The
clock runs from the sender's record of the statement to its record that the peer holds the
file: asked for piece by piece, sealed, signed, put on the disk, compared with what
was signed. The floor sends the same pieces over the same TLS without anything else, each
answered by a few bytes before the next one goes, as the receiver's questions do;
a second floor sends them in a row. Floors and path take turns.

    python bench/bench_attachments.py [--mib N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from hotline.core.values import Realm
from hotline.desk.desk import OfficerDesk
from hotline.desk.opening import open_desk
from hotline.desk.views import TemplateChoice
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.sealing.attachment_items import PIECE_BYTES
from hotline.sealing.enrol import Subject
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station.assembly import Machine, open_station
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from hotline.station.running import running, until
from hotline.transport.link import Timings
from hotline.transport.tls import (
    PinnedPeer,
    TlsIdentity,
    client_context,
    pinned,
    server_context,
)

MIB = 1024 * 1024
PATIENCE_S = 300


def found(folder: Path) -> tuple[Home, Home]:
    """Found an exercise line between two homes."""
    homes = Home(folder / "NORTH"), Home(folder / "SOUTH")
    found_line(
        [Founder(home, home.path.name, (Subject("ramos", "A. Ramos"),)) for home in homes],
        name="bench",
        realm=Realm.EXERCISE,
        catalogue=load_catalogue(find_config()),
        clock=system_clock,
        entropy=system_entropy,
    )
    return homes


async def path_s(desk: OfficerDesk, file: Path) -> float:
    """Return how long a file takes until the record says that the peer holds it."""
    choice = TemplateChoice("conv/free-text", "", "", "", "ROUTINE", None, None, "")
    view = desk.open_draft(choice)
    desk.fill(view.draft, fields={}, text="a file", precedence="ROUTINE")
    await desk.attach(view.draft, str(file))
    began = time.perf_counter()
    digest = await desk.send(view.draft, "")
    held = desk.situation.attachments[digest, 0]
    async with asyncio.timeout(PATIENCE_S):
        await until(desk.station, lambda: bool(held.there))
    if "".join(held.there.values()):
        raise SystemExit(f"the file was not taken: {held.there}")
    return time.perf_counter() - began


class Floor:
    """A bare websocket with the same TLS, and a process at its other end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("NORTH", "SOUTH"):
            made = make_tls_identity(station=name, at_ms=system_clock(), entropy=system_entropy)
            (folder / f"{name}.pem").write_bytes(made.certificate_pem)
            (folder / f"{name}.key").write_bytes(made.key_pem)

    def papers(self, ours: str, theirs: str) -> tuple[TlsIdentity, PinnedPeer]:
        """Return our identity and what the other end must show."""
        pem = (self.folder / f"{theirs}.pem").read_text()
        identity = TlsIdentity(self.folder / f"{ours}.pem", self.folder / f"{ours}.key")
        return identity, pinned(ssl.PEM_cert_to_DER_cert(pem))

    async def serve(self) -> None:
        """Be the other end: answer each piece, or the last one only."""

        async def answer(socket: ServerConnection) -> None:
            async for message in socket:
                if message[:1] == b"e":
                    await socket.send(b"next")

        context = server_context(*self.papers("NORTH", "SOUTH"))
        async with serve(answer, "127.0.0.1", 0, ssl=context, compression=None) as server:
            print(next(iter(server.sockets)).getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)

    async def seconds(self, port: int, size: int, *, each: bool) -> float:
        """Return how long `size` bytes take, each piece answered or only the last."""
        context = client_context(*self.papers("SOUTH", "NORTH"))
        url = f"wss://127.0.0.1:{port}/"
        async with connect(url, ssl=context, compression=None, proxy=None) as socket:
            pieces, body = size // PIECE_BYTES, bytes(PIECE_BYTES - 1)
            began = time.perf_counter()
            for number in range(pieces):
                answered = each or number == pieces - 1
                await socket.send((b"e" if answered else b"c") + body)
                if answered:
                    await socket.recv()
            return time.perf_counter() - began


async def measure(folder: Path, mib: int, rounds: int) -> dict[str, float]:
    north, south = found(folder)
    file = folder / "image.png"
    file.write_bytes(system_entropy(mib * MIB))
    machine = Machine(find_config(), system_clock, system_entropy)
    station, _ = open_station(north, machine, passphrase=None, timings=Timings())
    floor, spent = Floor(folder), {"path": [], "answered": [], "row": []}  # type: ignore[var-annotated]
    command = [sys.executable, "-m", "hotline", "inbox", str(south.path), "--wait", "600"]
    bare = [sys.executable, __file__, "--serve", str(folder)]
    with subprocess.Popen(bare, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:  # noqa: ASYNC220
        assert echo.stdout is not None
        port = int(echo.stdout.readline())
        try:
            async with running(station):
                desk = open_desk(
                    station,
                    north,
                    "ramos",
                    config=machine.config,
                    passphrase=None,
                    clock=machine.clock,
                    entropy=machine.entropy,
                )
                for _ in range(rounds):
                    spent["answered"].append(await floor.seconds(port, mib * MIB, each=True))
                    spent["row"].append(await floor.seconds(port, mib * MIB, each=False))
                    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as receiver:  # noqa: ASYNC220
                        await until(station, lambda: station.up)
                        spent["path"].append(await path_s(desk, file))
                        receiver.kill()
                    await until(station, lambda: not station.up)
        finally:
            await station.close()
            echo.kill()
    return {name: statistics.median(found) for name, found in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        floor = Floor.__new__(Floor)
        floor.folder = asked.serve
        asyncio.run(floor.serve())
        return
    with tempfile.TemporaryDirectory() as folder:
        took = asyncio.run(measure(Path(folder), asked.mib, asked.rounds))
    ratios = {name: took["path"] / took[name] for name in ("answered", "row")}
    print(f"{asked.mib} MiB, median of {asked.rounds}:")
    print(f"  station to station, held and recorded  {asked.mib / took['path']:8.2f} MiB/s")
    print(f"  bare, each piece answered              {asked.mib / took['answered']:8.2f} MiB/s")
    print(f"  bare, in a row                         {asked.mib / took['row']:8.2f} MiB/s")
    print(f"  ratio to each piece answered {ratios['answered']:.1f}, to a row {ratios['row']:.1f}")
    if asked.json:
        asked.json.write_text(json.dumps({"seconds": took, "ratios": ratios}))


if __name__ == "__main__":
    main()
