"""What a manifest may name: nobody signs it, so nothing but what a backup holds."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.ledger.store import Ledger
from hotline.station.backing import back_up
from hotline.station.manifest import may_hold
from hotline.station.renewing import renew_ledger
from hotline.station.restoring import restore
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine, catalogue
from tests.review.rig import Worked, ledger_of
from tests.station.backups import backup_of, bench_of, line_file
from tests.station.months import NORTHERN, no_passphrase


def change(backup: Path, doctor: Callable[[dict[str, Any]], None]) -> None:
    path = backup / "manifest.json"
    manifest = json.loads(path.read_text())
    doctor(manifest)
    path.write_text(json.dumps(manifest))


def add(backup: Path, name: str, content: bytes) -> None:
    """Put a file into a backup, so that its manifest says the truth of it."""
    (backup / name).parent.mkdir(parents=True, exist_ok=True)
    (backup / name).write_bytes(content)
    mark = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change(backup, lambda manifest: manifest["files"].update({name: mark}))


def tree(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
    }


def refused(home: Path, backup: Path, words: str) -> str:
    """Let a home that lost its ledger and head.db refuse a backup; nothing is placed."""
    ledger_of(home).unlink()
    line_file_of(home, "head.db").unlink()
    before = tree(home)
    with pytest.raises(OperatorError, match=words) as refusal:
        restore(bench_of(home), backup)
    assert refusal.value.exit_code == 2
    assert tree(home) == before
    return refusal.value.sentence()


def line_file_of(home: Path, name: str) -> Path:
    return next(home.glob("lines/*/line.json")).with_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "LINE/head.db",
        "LINE/head.db-journal",
        "LINE/ledger.db-wal",
        "LINE/ledger.db-shm",
        "LINE/peer-view.note",
        "LINE/listening.json",
        "LINE/situation.cache",
        "LINE/evidence/run.sh",
        "LINE/evidence/fork-SOUTH-1-7.json.sh",
        "LINE/generation-1/head.db",
        "LINE/generation-1/ledger.db-wal",
        "LINE/generation-1/peer-view.note",
        "LINE/generation-01/ledger.db",
        "LINE/renewing/ledger.db",
        "LINE/.line.key",
        "journal/head.db",
        "journal/ledger.db-wal",
        "journal-1/head.db",
        "keys/run.sh",
        "keys/deep/console.key",
        "tls/key.key",
        "anything/else.sh",
        "ledger.db",
    ],
)
def test_backup_that_names_what_no_backup_holds_is_refused_whole(
    worked: Worked, tmp_path: Path, name: str
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    line = ledger_of(worked.north).parent.relative_to(worked.north).as_posix()
    add(backup, name.replace("LINE", line), b"what somebody would like to have there")
    said = refused(worked.north, backup, "names a file that no backup holds")
    assert name.rpartition("/")[2] not in said.replace("manifest.json names", "")


@pytest.mark.parametrize("name", ["x\n", "keys/\x1b[2J.key", "keys/é.key", "", "k" * 400])
def test_name_of_the_manifests_own_is_never_printed(
    worked: Worked, tmp_path: Path, name: str
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    mark = {"bytes": 1, "sha256": "a" * 64}
    change(backup, lambda manifest: manifest["files"].update({name: mark}))
    said = refused(worked.north, backup, "one of the files has a name")
    assert said.isprintable()
    assert not name or name not in said


@pytest.mark.parametrize("name", ["LINE/generation-1/ledger.db", "journal-1/ledger.db"])
def test_generation_that_none_of_its_ledgers_left_behind_is_refused(
    worked: Worked, tmp_path: Path, name: str
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    line = ledger_of(worked.north).parent.relative_to(worked.north).as_posix()
    add(backup, name.replace("LINE", line), b"junk")
    refused(worked.north, backup, "earlier generations than generation 1 has")


def test_ledger_at_work_that_is_no_ledger_of_the_manifest_is_refused(
    worked: Worked, tmp_path: Path
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    add(backup, "lines/another-0/ledger.db", b"junk")
    refused(worked.north, backup, "each ledger at work once")


def test_ledger_that_stands_twice_is_refused(worked: Worked, tmp_path: Path) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    change(backup, lambda manifest: manifest["ledgers"].append(manifest["ledgers"][0]))
    refused(worked.north, backup, "each ledger at work once")


def test_files_of_a_line_whose_ledger_is_not_in_the_backup_stay_there(
    worked: Worked, tmp_path: Path
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup)
    add(backup, "lines/another-0/line.json", b"{}")
    ledger_of(worked.north).write_bytes(b"junk")
    restore(bench_of(worked.north), backup)
    assert not (worked.north / "lines" / "another-0").exists()


def test_keys_that_do_not_open_are_refused_before_they_are_placed(
    worked: Worked, tmp_path: Path
) -> None:
    backup = tmp_path / "b"
    backup_of(worked.north, backup, keys=True)
    add(backup, "keys/console.key", b"junk")
    shutil.rmtree(worked.north / "keys")
    refused(worked.north, backup, "key file")


def test_log_without_its_ledger_spoils_no_generation_that_is_put_beside_it(
    tmp_path: Path,
) -> None:
    home = _renewed(tmp_path)
    backup = tmp_path / "b"
    backup_of(home, backup)
    kept = line_file_of(home, "generation-1") / "ledger.db"
    kept.rename(kept.with_name("ledger.db-wal"))
    ledger_of(home).write_bytes(b"junk")
    restore(bench_of(home), backup)
    assert not kept.exists()


def _renewed(directory: Path) -> Path:
    """Return a home in its second generation, with everything beside that may lie there."""
    place = FakeLine(directory / "homes", run=False, deputies=True).north
    bench = Bench(place.home, system_clock, system_entropy, no_passphrase)
    renew_ledger(bench, NORTHERN, "a test", catalogue().packs, new_key=True)
    for name in ("evidence/fork-SOUTH-1-7.json", "generation-1/peer-view.note"):
        path = place.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"what lies there")
    (place.directory / "situation.cache").write_bytes(b"what lies there")
    return place.home.path


def test_backup_writes_only_names_that_restore_takes_and_a_new_home_gets_them(
    tmp_path: Path,
) -> None:
    home, backup = _renewed(tmp_path), tmp_path / "b"
    line_file_of(home, "peer-view.note").write_bytes(b"what lies there")
    (home / "keys" / "an old one.key").write_bytes(b"not ours")
    made = back_up(bench_of(home).home, backup, with_keys=True, clock=system_clock)
    assert all(map(may_hold, made.manifest.files))
    assert any(name.endswith("evidence/fork-SOUTH-1-7.json") for name in made.manifest.files)
    (generation,) = [name for name in made.manifest.files if "generation-1" in name]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(IntegrityError, match=r"no head\.db knows it"):
        restore(bench_of(empty), backup)
    assert (empty / generation).read_bytes() == (backup / generation).read_bytes()
    assert set(made.manifest.files) == set(tree(empty)) - {"manifest.json"}


def test_generation_that_was_left_behind_is_copied_with_what_its_log_holds(
    worked: Worked, tmp_path: Path
) -> None:
    kept = line_file(worked.north, "generation-1")
    kept.mkdir()
    with at_work(_elsewhere(worked.north, tmp_path)) as work:
        work.record(Planned(ev.CellsRefused(count=1, reason="cells that do not open")))
        for name in ("ledger.db", "ledger.db-wal"):
            shutil.copy(work.opened.directory / name, kept / name)
        size = work.opened.ledger.size
    assert (kept / "ledger.db-wal").stat().st_size > 0
    backup_of(worked.north, tmp_path / "b")
    copied = ledger_of(tmp_path / "b").parent / "generation-1"
    assert [path.name for path in copied.iterdir()] == ["ledger.db"]
    reader = Ledger.open_read_only(copied)
    assert reader.size == size
    reader.close()


def _elsewhere(home: Path, directory: Path) -> Bench:
    """Return the bench of a copy of a home."""
    shutil.copytree(home, directory / "copy", ignore=shutil.ignore_patterns("generation-1"))
    return bench_of(directory / "copy")


def test_generation_that_does_not_read_is_copied_as_it_lies_there(
    worked: Worked, tmp_path: Path
) -> None:
    kept = line_file(worked.north, "generation-1")
    kept.mkdir()
    (kept / "ledger.db").write_bytes(b"junk" * 999)
    backup_of(worked.north, tmp_path / "b")
    copied = ledger_of(tmp_path / "b").parent / "generation-1" / "ledger.db"
    assert copied.read_bytes() == b"junk" * 999
    assert copied.stat().st_mode & 0o077 == 0
