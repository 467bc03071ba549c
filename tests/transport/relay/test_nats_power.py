"""The power goes under a NATS server: what it acknowledged is there, or was never durable.

The server's store lies on a small file system in a file. A copy of that file, made
while all of it is in use, holds what was synced and nothing that waited in a cache.
Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.transport.relay import nats_opening
from hotline.transport.relay.nats_opening import open_nats
from hotline.transport.relay.nats_store import NatsStore
from hotline.transport.relay.store import Outcome
from tests.transport.relay.conformance import bodies, make_box, put
from tests.transport.relay.nats_servers import NatsServer
from tests.transport.relay.rig import cell

CELLS = 100
DISK_BYTES = 64 << 20


class Disk:
    """A file with a file system in it, and the place where it is mounted."""

    def __init__(self, folder: Path, name: str) -> None:
        self.image, self.place = folder / f"{name}.img", folder / name

    def make(self) -> None:
        with self.image.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True, capture_output=True)

    def mount(self) -> None:
        self.place.mkdir(exist_ok=True)
        subprocess.run(
            ["mount", "-o", "loop", self.image, self.place], check=True, capture_output=True
        )

    def unmount(self) -> None:
        if self.place.is_mount():
            subprocess.run(["umount", self.place], check=True, timeout=30)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[tuple[Disk, Disk]]:
    """A disk that is in use, and one that a power cut leaves."""
    used, left = Disk(tmp_path, "used"), Disk(tmp_path, "left")
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        pytest.skip("only root with mkfs.ext4 can mount a disk to cut its power")
    used.make()
    try:
        used.mount()
    except subprocess.CalledProcessError:
        pytest.skip("this system lets not even root mount a file")
    yield used, left
    used.unmount()
    left.unmount()


async def open_store(server: NatsServer) -> NatsStore:
    return await open_nats(
        [server.url],
        [server.monitor],
        replicas=1,
        keep_s=86_400,
        cells_per_box=1_000,
        clock=time.monotonic,
        max_bytes=20_000_000,
    )


async def lost_in_a_power_cut(binary: str, disks: tuple[Disk, Disk], sync: str) -> int:
    """Put cells, copy the disk at once, start a server on the copy; count what is missing."""
    used, left = disks
    server = NatsServer(binary, used.place, sync=sync).start().wait()
    try:
        store = await open_store(server)
        box, sent = await make_box(store), [cell(1_000) for _ in range(CELLS)]
        outcomes = await asyncio.gather(*(put(store, box, one) for one in sent))
        assert set(outcomes) == {Outcome.STORED}
        await asyncio.to_thread(shutil.copyfile, used.image, left.image)
        await store.close()
    finally:
        server.kill()
    await asyncio.to_thread(left.mount)
    again = NatsServer(binary, left.place, sync=sync).start().wait()
    try:
        store = await open_store(again)
        found = set(await bodies(store, box))
        await store.close()
    finally:
        again.kill()
    return len([one for one in sent if one not in found])


async def test_server_that_a_relay_accepts_loses_nothing(
    binary: str, disks: tuple[Disk, Disk]
) -> None:
    assert await lost_in_a_power_cut(binary, disks, "sync_interval: always") == 0


async def test_server_that_a_relay_refuses_loses_what_it_acknowledged(
    binary: str, disks: tuple[Disk, Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: a relay without its checks, on a server as it comes."""
    monkeypatch.setattr(nats_opening, "_refuse", lambda _: None)
    assert await lost_in_a_power_cut(binary, disks, "") > 0
