"""Two relays over one NATS server: stations may use either, whichever is there.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import verify_ed25519
from hotline.transport.relay.calling import open_mailboxes
from tests.transport.relay.nats_servers import NatsServer
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.rig import cell, later, new_box, new_key
from tests.transport.rig import FAST, Papers, until

CALL = {"verifier": verify_ed25519, "entropy": system_entropy, "timings": FAST}


@pytest.fixture
def relays(
    binary: str, tmp_path: Path, relay_papers: Papers
) -> Iterator[tuple[RelayProcess, RelayProcess]]:
    server = NatsServer(binary, tmp_path).start().wait()
    monitor = f"--nats-monitor=127.0.0.1:{server.http}"
    store = (f"--store={server.url}", monitor, "--nats-replicas=1")
    first = RelayProcess(tmp_path / "first", relay_papers, store)
    second = RelayProcess(tmp_path / "second", relay_papers, store)
    first.home.mkdir()
    second.home.mkdir()
    first.start()
    first.token()
    for shared in ("relay.key", "admission"):
        shutil.copy(first.home / shared, second.home / shared)
    yield first, second.start()
    for one in (first, second):
        one.kill()
    server.kill()


async def test_cell_put_at_one_relay_is_taken_at_another(
    relays: tuple[RelayProcess, RelayProcess],
) -> None:
    first, second = relays
    token = bytes.fromhex((first.home / "admission").read_text())
    north, south, box, came = new_key(), new_key(), new_box(), list[bytes]()

    async def take(sealed: bytes) -> None:
        came.append(sealed)

    assert first.key == second.key
    async with open_mailboxes(first.where, box, north, token=token, **CALL) as mine:
        await mine.create(box, south.public_key, token)
    async with (
        open_mailboxes(second.where, box, north, **CALL) as mine,
        open_mailboxes(first.where, box, south, **CALL) as out,
    ):
        await mine.subscribe(box, take)
        one = cell(1_000)
        await out.put(box, one, later())
        await until(lambda: came == [one])
        await out.put(box, one, later())
        await asyncio.gather(out.ping(), mine.ping())
    assert came == [one]
    await asyncio.to_thread(first.kill)
    async with (
        open_mailboxes(second.where, box, north, **CALL) as mine,
        open_mailboxes(second.where, box, south, **CALL) as out,
    ):
        await mine.subscribe(box, take)
        other = cell(1_000)
        await out.put(box, other, later())
        await until(lambda: came == [one, other])
