"""`hotline relay` as a process: killed, ended, looked at, and what its operator can read.

Spec: docs/transport.md §9.4, §9.8
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from hotline.cli.main import main
from hotline.core.errors import LinkError
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.traffic import Letters, dial
from tests.transport.rig import Papers, mint, until


@pytest.fixture(scope="module")
def relay_papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("papers"), "relay")


@pytest.fixture
def relay(tmp_path: Path, relay_papers: Papers) -> Iterator[RelayProcess]:
    process = RelayProcess(tmp_path, relay_papers).start()
    yield process
    if process.running is not None and process.running.poll() is None:
        process.kill()


async def made_letters(relay: RelayProcess) -> Letters:
    letters = Letters()
    await letters.make_box(relay.where, relay.token())
    return letters


async def test_relay_killed_again_and_again_loses_nothing(relay: RelayProcess) -> None:
    letters, chance = await made_letters(relay), random.Random(8)
    letters.write(300)
    work = [
        asyncio.create_task(letters.keep_putting(relay.where)),
        asyncio.create_task(letters.keep_taking(relay.where)),
    ]
    for kill in range(1, 3):
        goal = kill * 80 - chance.randrange(30)
        await until(lambda goal=goal: letters.put >= goal)
        await asyncio.to_thread(relay.kill)
        await asyncio.to_thread(relay.start)
    await until(lambda: len(letters.came) == len(letters.sent))
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    assert letters.order == letters.sent
    assert letters.again < len(letters.sent)


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
    await asyncio.to_thread(check_pages, relay)
    letters = await made_letters(relay)
    async with dial(relay.where, letters.box, letters.recipient) as mine:
        assert await asyncio.to_thread(relay.terminate) == 0
        assert isinstance(await mine.ended(), LinkError)
    assert [one["event"] for one in relay.said()] == ["store", "relay_started", "relay_stopped"]
    assert not (relay.home / "relay.db-wal").exists()


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
