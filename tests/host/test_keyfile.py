"""The key file: what opens it, what must not, and what a damaged one says."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, OperatorError, StorageError
from hotline.core.values import Realm
from hotline.host import keyfile
from hotline.host.clock import monotonic_s, system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import (
    MAX_FILE_BYTES,
    KeyFile,
    open_key_file,
    read_key_file,
    write_key_file,
)
from tests.fakes.quick_keys import stretched_slowly

SEEDS = {"console/ed25519": b"hush" * 8, "prekey": b"\1" * 32}
EXERCISE = KeyFile("NORTH", Realm.EXERCISE, SEEDS)
LIVE = KeyFile("NORTH", Realm.LIVE, SEEDS)


@pytest.fixture(scope="module", autouse=True)
def argon2id_itself() -> Iterator[None]:
    with stretched_slowly():
        yield


def write(path: Path, keys: KeyFile = EXERCISE, passphrase: str | None = None) -> Path:
    write_key_file(path, keys, passphrase, entropy=system_entropy)
    return path


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LIVE key file under the passphrase "café on deck"."""
    return write(tmp_path_factory.mktemp("keys") / "officer.key", LIVE, "caf\u00e9 on deck")


def test_key_file_opens_with_its_passphrase_in_any_unicode_form(locked: Path) -> None:
    assert read_key_file(locked, "cafe\u0301 on deck") == LIVE


def test_key_file_with_a_wrong_passphrase_is_refused_without_secrets(locked: Path) -> None:
    with pytest.raises(OperatorError, match="does not open") as caught:
        read_key_file(locked, "mistyped hunter2")
    shown = repr(caught.value) + caught.value.sentence()
    assert "hunter2" not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("passphrase", [None, ""])
def test_key_file_without_its_passphrase_is_refused(locked: Path, passphrase: str | None) -> None:
    with pytest.raises(OperatorError, match="passphrase"):
        read_key_file(locked, passphrase)


def test_key_file_on_disk_holds_no_seed_and_is_the_owners_alone(locked: Path) -> None:
    content = locked.read_bytes()
    body = base64.b64decode(content.splitlines()[1])
    assert b"hush" not in content
    assert b"hush" not in body
    assert stat.S_IMODE(locked.stat().st_mode) == 0o600
    assert os.listdir(locked.parent) == [locked.name]


def test_key_file_uses_argon2id_moderate_at_least(locked: Path) -> None:
    header = json.loads(locked.read_bytes().splitlines()[0])
    assert header["protection"] == "argon2id"
    assert header["operations"] >= 3
    assert header["memory_bytes"] >= 256 * 2**20


@pytest.mark.parametrize(
    "change",
    [
        {"operations": 1},
        {"operations": 17},
        {"memory_bytes": 8192},
        {"memory_bytes": 2**40},
        {"memory_bytes": True},
    ],
    ids=str,
)
def test_key_file_with_planted_parameters_is_refused_before_any_work(
    locked: Path, tmp_path: Path, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfile, "_derive", lambda *_: pytest.fail("worked"))
    with pytest.raises(OperatorError):
        read_key_file(edited(locked, tmp_path, change), "caf\u00e9 on deck")


def edited(source: Path, place: Path, change: dict[str, Any]) -> Path:
    header, body = source.read_bytes().splitlines()
    header = json.dumps(json.loads(header) | change, sort_keys=True, separators=(",", ":")).encode()
    target = place / "edited.key"
    target.write_bytes(header + b"\n" + body + b"\n")
    return target


@pytest.mark.parametrize("change", [{"station": "SOUTH"}, {"realm": "EXERCISE"}], ids=str)
def test_key_file_with_an_altered_header_does_not_open(
    locked: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(OperatorError, match="not a whole key file"):
        read_key_file(edited(locked, tmp_path, change), "caf\u00e9 on deck")


def test_live_key_file_without_protection_is_neither_written_nor_read(
    locked: Path, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError, match="LIVE"):
        write(tmp_path / "live.key", LIVE)
    assert not (tmp_path / "live.key").exists()
    plain = write(tmp_path / "plain.key")
    with pytest.raises(OperatorError, match="LIVE"):
        read_key_file(edited(plain, tmp_path, {"realm": "LIVE"}), None)
    with pytest.raises(OperatorError, match="LIVE"):
        read_key_file(edited(locked, tmp_path, {"protection": "none"}), "caf\u00e9 on deck")


def test_exercise_key_file_without_protection_opens_and_shows_nothing(tmp_path: Path) -> None:
    keys = read_key_file(write(tmp_path / "north.key"), None)
    assert keys == EXERCISE
    assert "hush" not in repr(keys)
    assert b"hush".hex() not in repr(keys)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"{}\nAAAA\n", b"junk", bytes(100), b"\xff\n\xff\n", b"[" * 90_000],
    ids=["empty", "lines", "object", "junk", "zeros", "bytes", "deep"],
)
def test_key_file_that_is_junk_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.key"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="not a whole key file"):
        read_key_file(path, "p")


def test_key_file_huge_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.key")
    path.write_bytes(path.read_bytes() + bytes(MAX_FILE_BYTES))
    with pytest.raises(OperatorError, match="not a whole key file"):
        read_key_file(path, None)


def test_key_file_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.key")
    whole = path.read_bytes()
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        with pytest.raises(OperatorError):
            read_key_file(path, None)


def test_key_file_missing_or_a_directory_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.key", tmp_path):
        with pytest.raises(OperatorError, match="cannot be read"):
            read_key_file(path, None)


def test_key_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "x.key")
    with pytest.raises(OperatorError, match="exists already"):
        write(path)
    other = KeyFile("NORTH", Realm.EXERCISE, {"new": b"\2" * 32})
    write_key_file(path, other, None, entropy=system_entropy, replace=True)
    assert read_key_file(path, None) == other


def test_key_file_when_the_disk_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.key")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        write_key_file(path, EXERCISE, None, entropy=system_entropy, replace=True)
    assert os.listdir(tmp_path) == ["x.key"]
    assert read_key_file(path, None) == EXERCISE


def test_open_key_file_is_written_anew_without_deriving_its_key(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.24"""
    path = tmp_path / "line.key"
    path.write_bytes(locked.read_bytes())
    held = open_key_file(path, "caf\u00e9 on deck")
    nonces = {path.read_bytes()}
    with monkeypatch.context() as patch:
        patch.delattr(keyfile, "_derive")
        for number in range(3):
            held.rewrite({"new": bytes([number]) * 32}, system_entropy)
            nonces.add(path.read_bytes())
    assert len(nonces) == 4
    assert read_key_file(path, "caf\u00e9 on deck") == held.keys
    assert held.keys == KeyFile("NORTH", Realm.LIVE, {"new": b"\2" * 32})
    assert "hush" not in repr(held)
    assert os.listdir(tmp_path) == ["line.key"]


def test_open_key_file_overwrites_what_the_file_held(tmp_path: Path) -> None:
    path = write(tmp_path / "line.key")
    with path.open("rb") as old:
        open_key_file(path, None).rewrite({"new": b"\2" * 32}, system_entropy)
        assert not old.read().strip(b"\0")


def test_open_key_file_when_the_disk_fails_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "line.key")
    held = open_key_file(path, None)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(StorageError):
            held.rewrite({"new": b"\2" * 32}, system_entropy)
    assert held.keys == read_key_file(path, None) == EXERCISE
    assert os.listdir(tmp_path) == ["line.key"]


@pytest.mark.parametrize(
    "seeds",
    [{"": b"x"}, {"a": b""}, {"a": bytes(257)}, {"a\n": b"x"}, {"x" * 161: b"x"}],
    ids=lambda seeds: str(seeds)[:20],
)
def test_key_file_with_impossible_seeds_is_our_bug(tmp_path: Path, seeds: dict[str, bytes]) -> None:
    with pytest.raises(InvariantError):
        write(tmp_path / "x.key", KeyFile("NORTH", Realm.EXERCISE, seeds))


@settings(max_examples=50)
@given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=9))
def test_key_file_damaged_anywhere_raises_operator_errors_only(
    tmp_path_factory: pytest.TempPathFactory, place: float, junk: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("fuzz") / "x.key")
    whole = path.read_bytes()
    start = int(place * len(whole))
    damaged = whole[:start] + junk + whole[start + len(junk) :]
    path.write_bytes(damaged)
    if damaged == whole:
        assert read_key_file(path, None) == EXERCISE
        return
    with pytest.raises(OperatorError):
        read_key_file(path, None)


def test_clock_and_entropy_come_from_the_system() -> None:
    assert system_clock() > 1_700_000_000_000
    first, second = monotonic_s(), monotonic_s()
    assert second >= first
    assert len(system_entropy(40)) == 40
    assert system_entropy(32) != system_entropy(32)


def test_part_files_that_crashes_left_go_with_what_is_wiped(tmp_path: Path) -> None:
    path = write(tmp_path / "line.key")
    strays = [tmp_path / f".line.key.{number}.part" for number in (1, 2)]
    others = [tmp_path / name for name in (".content.key.1.part", "line.key.old", ".line.key.x")]
    for file in (*strays, *others):
        file.write_bytes(path.read_bytes())
    (tmp_path / ".line.key.3.part").symlink_to(others[0])
    with strays[0].open("rb") as held:
        open_key_file(path, None).rewrite({"new": b"\2" * 32}, system_entropy)
        assert not any(held.read())
    assert not any(stray.exists() for stray in strays)
    assert all(read_key_file(other, None).seeds == SEEDS for other in others)
    assert set(read_key_file(path, None).seeds) == {"new"}


def test_part_files_stay_where_nothing_is_wiped(tmp_path: Path) -> None:
    path, stray = write(tmp_path / "console.key"), tmp_path / ".console.key.1.part"
    stray.write_bytes(path.read_bytes())
    write_key_file(path, EXERCISE, None, entropy=system_entropy, replace=True)
    assert stray.exists()
