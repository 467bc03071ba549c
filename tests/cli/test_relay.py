"""`hotline relay` as a process: killed, ended, looked at, and what its operator can read.

Spec: docs/transport.md §9.4, §9.8
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from hotline.cli.main import main
from hotline.core.errors import LinkError
from hotline.core.values import sha256
from hotline.host.entropy import system_entropy
from hotline.sealing.cell import seal_cell
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.prekey import draw_prekey
from hotline.transport.relay.calling import open_mailboxes
from hotline.transport.relay.client import Mailboxes
from hotline.transport.relay.frames import NO_TOKEN
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.rig import cell, later, new_box, new_key
from tests.transport.rig import FAST, Papers, mint, until


@pytest.fixture(scope="module")
def relay_papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("papers"), "relay")


@pytest.fixture
def relay(tmp_path: Path, relay_papers: Papers) -> Iterator[RelayProcess]:
    process = RelayProcess(tmp_path, relay_papers).start()
    yield process
    if process.running is not None and process.running.poll() is None:
        process.kill()


@contextlib.asynccontextmanager
async def dial(
    relay: RelayProcess, box: bytes, key: Ed25519Signer, token: bytes = NO_TOKEN
) -> AsyncIterator[Mailboxes]:
    async with open_mailboxes(
        relay.where,
        box,
        key,
        token=token,
        verifier=verify_ed25519,
        entropy=system_entropy,
        timings=FAST,
    ) as mailboxes:
        yield mailboxes


async def made_box(relay: RelayProcess, north: Ed25519Signer, south: Ed25519Signer) -> bytes:
    box, token = new_box(), relay.token()
    async with dial(relay, box, north, token) as mine:
        await mine.create(box, south.public_key, token)
    return box


class Station:
    """A recipient as a ledger is one: each cell once, by its digest."""

    def __init__(self) -> None:
        self.came: Counter[bytes] = Counter()

    async def __call__(self, sealed: bytes) -> None:
        self.came[sealed] += 1


async def keep_putting(
    relay: RelayProcess, box: bytes, key: Ed25519Signer, waiting: list[bytes]
) -> None:
    """Do what an outbox does: the same bytes, until the relay has them."""
    while waiting:
        with contextlib.suppress(LinkError):
            async with dial(relay, box, key) as out:
                while waiting:
                    await out.put(box, waiting[0], later())
                    waiting.pop(0)
        await asyncio.sleep(0.02)


async def keep_taking(
    relay: RelayProcess, box: bytes, key: Ed25519Signer, station: Station
) -> None:
    while True:
        with contextlib.suppress(LinkError):
            async with dial(relay, box, key) as mine:
                await mine.subscribe(box, station)
                await mine.ended()
        await asyncio.sleep(0.02)


async def test_relay_killed_again_and_again_loses_nothing(relay: RelayProcess) -> None:
    north, south, station = new_key(), new_key(), Station()
    box, chance = await made_box(relay, north, south), random.Random(8)
    sent = [cell(500) for _ in range(300)]
    waiting = list(sent)
    work = [
        asyncio.create_task(keep_putting(relay, box, south, waiting)),
        asyncio.create_task(keep_taking(relay, box, north, station)),
    ]
    for kill in range(1, 3):
        goal = len(sent) - kill * 80 + chance.randrange(30)
        await until(lambda goal=goal: len(waiting) <= goal)
        await asyncio.to_thread(relay.kill)
        await asyncio.to_thread(relay.start)
    await until(lambda: len(station.came) == len(sent))
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    assert set(station.came) == set(sent)
    assert sum(station.came.values()) < 2 * len(sent)


def check_pages(relay: RelayProcess) -> None:
    assert relay.page("healthz") == (200, "ok\n")
    assert relay.page("elsewhere")[0] == 404
    status, page = relay.page("metrics")
    assert status == 200
    assert "\nhotline_relay_store_writable 1\n" in page
    assert "\nhotline_relay_held_boxes 0\n" in page
    assert 'hotline_relay_commit_seconds_bucket{le="+Inf"}' in page


async def test_relay_answers_its_operator_and_ends_cleanly_on_sigterm(
    relay: RelayProcess,
) -> None:
    north, south = new_key(), new_key()
    await asyncio.to_thread(check_pages, relay)
    box = await made_box(relay, north, south)
    async with dial(relay, box, north) as mine:
        assert await asyncio.to_thread(relay.terminate) == 0
        assert isinstance(await mine.ended(), LinkError)
    assert [one["event"] for one in relay.said()] == ["store", "relay_started", "relay_stopped"]
    assert not (relay.home / "relay.db-wal").exists()


async def test_operators_complete_view_shows_no_planted_word(relay: RelayProcess) -> None:
    """Files, log and metrics, with cells in the box and after they were taken."""
    north, south, station = new_key(), new_key(), Station()
    planted = (b"ARCTURUS-77", b"NORTHSTAR", b"SOUTHPOLE", b"LT AMUNDSEN")
    packet = b" ".join(planted) * 20
    line, secret = sha256(b"a line"), LineSecret(system_entropy(32), 0)
    sealed = seal_cell(
        packet,
        bytes(64),
        recipient=draw_prekey(system_entropy).public,
        line=line,
        secret=secret,
        day=0,
        entropy=system_entropy,
    )
    box, views = await made_box(relay, north, south), list[bytes]()
    async with dial(relay, box, south) as out:
        await out.put(box, sealed, later())
    views.append(await asyncio.to_thread(view_of, relay))
    assert sealed[:64] in views[0], "the view misses the store"
    async with dial(relay, box, north) as mine:
        await mine.subscribe(box, station)
        await until(lambda: station.came[sealed] == 1)
        await mine.ping()
    await asyncio.to_thread(relay.terminate)
    views.append(await asyncio.to_thread(view_of, relay))
    for view in views:
        for word in (*planted, bytes(line)):
            assert word not in view
            assert word.hex().encode() not in view
    spoken = relay.log.read_bytes() + views[0][views[0].rindex(b"# HELP hotline_relay_cells") :]
    for secret_id in (box, north.public_key, south.public_key, sha256(sealed)):
        assert secret_id.hex().encode() not in spoken
        assert secret_id not in spoken


def view_of(relay: RelayProcess) -> bytes:
    """All that stands in the relay's directory, and its metrics if it runs."""
    files = [one.read_bytes() for one in sorted(relay.home.iterdir()) if one.is_file()]
    assert relay.running is not None
    page = relay.page("metrics")[1] if relay.running.poll() is None else ""
    return b"\n".join([*files, page.encode()])


def lock_key(papers: Papers, path: Path) -> Path:
    path.write_bytes(
        papers.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
        )
    )
    return path


def test_relay_whose_key_wants_a_passphrase_asks_nobody_and_says_so(
    tmp_path: Path,
    relay_papers: Papers,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "admission").touch(0o600)
    cert = str(relay_papers.identity.certificate_path)
    key = str(lock_key(relay_papers, tmp_path / "locked.key"))
    fixed = ["--listen", "127.0.0.1:0", "--admission", "admission", "--free-floor", "0"]
    assert main(["relay", "--cert", cert, "--key", key, *fixed]) == 2
    assert "key cannot be loaded" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "words", "code"),
    [
        ({"--store": "postgres:x"}, "--store names no store", 2),
        ({"--store": "sqlite:missing/relay.db"}, "directory cannot be written", 2),
        ({"--listen": "nowhere"}, "--listen takes HOST:PORT", 2),
        ({"--admission": "missing"}, "admission file cannot be read", 2),
        ({"--cert": "missing.crt"}, "certificate", 2),
        ({"--store": "nats://127.0.0.1:9"}, "--nats-monitor", 2),
    ],
)
def test_relay_that_cannot_start_says_why_in_one_sentence(
    tmp_path: Path,
    relay_papers: Papers,
    changes: dict[str, str],
    words: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "admission").touch(0o600)
    options = {
        "--listen": "127.0.0.1:0",
        "--cert": str(relay_papers.identity.certificate_path),
        "--key": str(relay_papers.identity.key_path),
        "--admission": "admission",
        "--free-floor": "0",
    }
    flat = [word for option in (options | changes).items() for word in option]
    assert main(["relay", *flat]) == code
    said = capsys.readouterr().err.splitlines()
    assert words in said[-1]
    assert said[-1].startswith("hotline: ")
