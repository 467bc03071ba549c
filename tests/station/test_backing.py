"""Backup and restore: what is copied, what is put back, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger import copying
from hotline.station.backing import Backup, back_up
from hotline.station.home import Home
from hotline.station.restoring import restore
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine
from tests.review.rig import PASSPHRASE, Worked, ledger_of, protect
from tests.station.months import no_passphrase, say


def bench_of(home: Path) -> Bench:
    return Bench(Home(home), system_clock, system_entropy, no_passphrase)


def backup_of(home: Path, out: Path, *, keys: bool = False) -> Backup:
    return back_up(Home(home), out, with_keys=keys, clock=system_clock)


def grow(home: Path) -> int:
    """Let a home's ledger have one entry more; return how many it has."""
    with at_work(bench_of(home)) as work:
        work.record(Planned(ev.CellsRefused(count=1, reason="cells that do not open")))
        return work.opened.ledger.size


def size_of(home: Path) -> int:
    with at_work(bench_of(home)) as work:
        return work.opened.ledger.size


def line_file(home: Path, name: str) -> Path:
    return ledger_of(home).with_name(name)


def files_of(home: Path) -> dict[str, bytes]:
    """Return every file of a home but what sqlite keeps beside head.db while it is locked."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("head.db")
    }


# --- backup


def test_backup_holds_ledgers_and_cards_and_neither_head_db_nor_keys(
    worked: Worked, tmp_path: Path
) -> None:
    before = files_of(worked.north)
    made = backup_of(worked.north, tmp_path / "b")
    names = {path.relative_to(tmp_path / "b").as_posix() for path in (tmp_path / "b").rglob("*")}
    assert any(name.endswith("/ledger.db") for name in names)
    assert any(name.endswith("/line.json") for name in names)
    assert not [n for n in names if "head.db" in n or n.endswith((".key", ".pem", "-wal", "-shm"))]
    assert files_of(worked.north) == before
    assert made.line().endswith("verified.")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert manifest["ledgers"][0]["size"] == made.manifest.ledgers[0].size
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "b").rglob("*"))


def test_backup_with_keys_has_them_sealed_as_they_are(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b", keys=True)
    for name in ("keys/console.key", "tls/key.pem"):
        assert (tmp_path / "b" / name).read_bytes() == (worked.north / name).read_bytes()


def test_backup_of_a_station_at_work_is_of_one_moment_and_disturbs_nothing(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path / "homes")
        async with line:
            for number in range(4):
                talk = asyncio.create_task(say(line, line.south, line.north))
                made = await asyncio.to_thread(
                    backup_of, line.north.home.path, tmp_path / f"b{number}"
                )
                await talk
                assert made.manifest.ledgers[0].size <= line.north.opened.ledger.size
            size = line.north.opened.ledger.size
            made = await asyncio.to_thread(backup_of, line.north.home.path, tmp_path / "last")
            assert made.manifest.ledgers[0].size >= size
        assert line.north.verdict().ok

    asyncio.run(go())


@pytest.mark.parametrize("shared_memory", [True, False])
def test_backup_of_a_home_whose_station_was_killed_has_what_its_log_holds(
    worked: Worked, tmp_path: Path, shared_memory: bool
) -> None:
    dead = tmp_path / "dead"
    with at_work(bench_of(worked.north)) as work:
        work.record(Planned(ev.CellsRefused(count=1, reason="cells that do not open")))
        size = work.opened.ledger.size
        shutil.copytree(worked.north, dead)
    log = ledger_of(dead).with_name("ledger.db-wal")
    assert log.stat().st_size > 0
    if not shared_memory:
        log.with_name("ledger.db-shm").unlink()
    before = {path: path.read_bytes() for path in (ledger_of(dead), log)}
    names = sorted(path.name for path in log.parent.iterdir())
    made = backup_of(dead, tmp_path / "b")
    assert made.manifest.ledgers[0].size == size
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(path.name for path in log.parent.iterdir()) == names


def test_backup_to_a_place_that_is_taken_is_refused(worked: Worked, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(OperatorError, match="cannot be made"):
        backup_of(worked.north, tmp_path / "b")
    with pytest.raises(OperatorError, match="cannot be made"):
        backup_of(worked.north, tmp_path / "nowhere" / "b")
    with pytest.raises(OperatorError, match="holds no ledger"):
        backup_of(tmp_path / "b", tmp_path / "c")


def test_backup_of_a_damaged_ledger_is_refused_and_leaves_nothing(
    worked: Worked, tmp_path: Path
) -> None:
    file = ledger_of(worked.north)
    raw = bytearray(file.read_bytes())
    connection = sqlite3.connect(file)
    (leaf,) = connection.execute("SELECT leaf FROM entry WHERE idx = 3").fetchone()
    connection.close()
    raw[raw.index(leaf) + 100] ^= 1
    file.write_bytes(raw)
    with pytest.raises(IntegrityError, match="does not verify"):
        backup_of(worked.north, tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worked"]


def _with_small_files(limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "hotline", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=small,
    )


def test_full_disk_leaves_no_backup_and_one_sentence(worked: Worked, tmp_path: Path) -> None:
    limit = ledger_of(worked.north).stat().st_size // 2
    done = _with_small_files(limit, "backup", str(worked.north), "--out", str(tmp_path / "b"))
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("hotline: ")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worked"]


# --- restore


def test_damaged_ledger_is_replaced_by_the_newest_backup_and_the_line_goes_on(
    worked: Worked, tmp_path: Path
) -> None:
    made = backup_of(worked.north, tmp_path / "b")
    file = ledger_of(worked.north)
    spoilt = b"junk" * 2000
    file.write_bytes(spoilt)
    placed = restore(bench_of(worked.north), tmp_path / "b")
    assert [one.mark.path for one in placed] == [file.relative_to(worked.north).as_posix()]
    kept = line_file(worked.north, "ledger.db.before-restore-1")
    assert kept.read_bytes() == spoilt
    with at_work(bench_of(worked.north)) as work:
        first = made.manifest.ledgers[0].size
        entry = next(work.opened.ledger.entries(first, first + 1))
        event = ev.decode_event(entry.kind, entry.content)
        assert isinstance(event, ev.LedgerRestored)
        assert (event.size, event.root) == (first, made.manifest.ledgers[0].root)


def test_lost_ledger_is_restored(worked: Worked, tmp_path: Path) -> None:
    made = backup_of(worked.north, tmp_path / "b")
    ledger_of(worked.north).unlink()
    placed = restore(bench_of(worked.north), tmp_path / "b")
    assert [one.kept for one in placed] == [None]
    assert size_of(worked.north) == made.manifest.ledgers[0].size + 1


def _refused(home: Path, backup: Path, words: str, error: type[HotlineError]) -> None:
    before = files_of(home)
    with pytest.raises(error, match=words) as refusal:
        restore(bench_of(home), backup)
    assert refusal.value.sentence().count("\n") == 0
    assert files_of(home) == before


def test_backup_older_than_head_db_is_refused_and_the_present_file_kept(
    worked: Worked, tmp_path: Path
) -> None:
    made = backup_of(worked.north, tmp_path / "b")
    size = grow(worked.north)
    ledger_of(worked.north).write_bytes(b"junk")
    words = f"head.db knows {size} entries, the backup holds {made.manifest.ledgers[0].size}"
    _refused(worked.north, tmp_path / "b", words, IntegrityError)


def test_refusal_says_how_to_go_on(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b")
    grow(worked.north)
    ledger_of(worked.north).unlink()
    with pytest.raises(IntegrityError) as refusal:
        restore(bench_of(worked.north), tmp_path / "b")
    assert "hotline ledger renew" in refusal.value.sentence()


def test_present_ledger_that_holds_more_is_kept(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b")
    grow(worked.north)
    _refused(worked.north, tmp_path / "b", "holds all that the backup holds", OperatorError)


def test_present_ledger_that_holds_the_same_is_kept(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b")
    _refused(worked.north, tmp_path / "b", "holds all that the backup holds", OperatorError)


def test_backup_older_than_the_peers_view_is_refused(worked: Worked, tmp_path: Path) -> None:
    made = backup_of(worked.north, tmp_path / "b")
    grow(worked.north)
    with at_work(bench_of(worked.north)) as work:
        note = work.opened.ledger.head()
    # head.db is put back with the ledger: the other station's word alone is left.
    old_heads = sqlite3.connect(line_file(worked.north, "head.db"))
    old_heads.executescript(
        "DROP TRIGGER released_only_grows; UPDATE released SET"
        f" size = {made.manifest.ledgers[0].size}, root = x'{made.manifest.ledgers[0].root}'"
        " WHERE origin LIKE '%/NORTH/1'"
    )
    old_heads.close()
    line_file(worked.north, "peer-view.note").write_bytes(note)
    ledger_of(worked.north).unlink()
    _refused(worked.north, tmp_path / "b", "the other station knows", IntegrityError)


def test_without_head_db_the_ledger_is_placed_and_not_believed(
    worked: Worked, tmp_path: Path
) -> None:
    backup_of(worked.north, tmp_path / "b", keys=True)
    shutil.rmtree(worked.north)
    worked.north.mkdir()
    with pytest.raises(IntegrityError, match=r"no head\.db knows it"):
        restore(bench_of(worked.north), tmp_path / "b")
    assert ledger_of(worked.north).is_file()
    assert (worked.north / "keys" / "console.key").is_file()


def test_home_without_keys_is_refused_before_anything_is_replaced(
    worked: Worked, tmp_path: Path
) -> None:
    backup_of(worked.north, tmp_path / "b")
    (worked.north / "keys" / "console.key").unlink()
    ledger_of(worked.north).write_bytes(b"junk")
    _refused(worked.north, tmp_path / "b", "no key files", OperatorError)


def test_wrong_passphrase_is_refused_before_anything_is_replaced(
    worked: Worked, tmp_path: Path
) -> None:
    backup_of(worked.north, tmp_path / "b")
    protect(worked.north)
    console = worked.north / "keys" / "console.key"
    live = KeyFile("NORTH", Realm.LIVE, read_key_file(console, None).seeds)
    write_key_file(console, live, PASSPHRASE, entropy=system_entropy, replace=True)
    ledger_of(worked.north).write_bytes(b"junk")
    before = files_of(worked.north)
    wrong = Bench(Home(worked.north), system_clock, system_entropy, lambda _: PASSPHRASE + "?")
    with pytest.raises(OperatorError, match="passphrase"):
        restore(wrong, tmp_path / "b")
    assert files_of(worked.north) == before


def test_backup_of_the_other_station_is_refused(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.south, tmp_path / "b")
    ledger_of(worked.north).unlink()
    _refused(worked.north, tmp_path / "b", "the backup is of SOUTH", OperatorError)


def _cut(backup: Path) -> None:
    file = ledger_of(backup)
    file.write_bytes(file.read_bytes()[:-4096])


def _flip(backup: Path) -> None:
    file = ledger_of(backup)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def _lose(backup: Path) -> None:
    ledger_of(backup).unlink()


def _link(backup: Path) -> None:
    file = ledger_of(backup)
    file.rename(file.with_name("other"))
    file.symlink_to("other")


@pytest.mark.parametrize("spoil", [_cut, _flip, _lose, _link])
def test_damaged_backup_is_refused(
    worked: Worked, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    backup_of(worked.north, tmp_path / "b")
    spoil(tmp_path / "b")
    ledger_of(worked.north).write_bytes(b"junk")
    _refused(worked.north, tmp_path / "b", "the backup is damaged", IntegrityError)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "\x00",
        '{"format": "hotline-backup-2"}',
        '{"files":{"../x":{"bytes":1,"sha256":"' + "a" * 64 + '"}}}',
    ],
)
def test_junk_manifest_is_refused(worked: Worked, tmp_path: Path, text: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text(text)
    _refused(worked.north, tmp_path / "b", "manifest.json", OperatorError)


def test_manifest_that_names_a_file_outside_is_refused(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b")
    path = tmp_path / "b" / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("../keys/console.key", "/etc/hostname", "lines/../../x", "lines//x"):
        changed = manifest | {
            "files": {**manifest["files"], name: {"bytes": 1, "sha256": "a" * 64}}
        }
        path.write_text(json.dumps(changed))
        _refused(worked.north, tmp_path / "b", "outside the backup", OperatorError)


def test_running_station_is_not_restored_under_its_feet(tmp_path: Path) -> None:
    async def go() -> None:
        async with FakeLine(tmp_path / "homes") as line:
            home = line.north.home.path
            await line.settled()
            await asyncio.to_thread(backup_of, home, tmp_path / "b")
            await say(line, line.south, line.north)
            with pytest.raises(StorageError, match="a station works this home"):
                await asyncio.to_thread(restore, bench_of(home), tmp_path / "b")
            await say(line, line.south, line.north)
        assert line.north.verdict().ok

    asyncio.run(go())


@pytest.mark.parametrize("failing", range(5))
@pytest.mark.parametrize("with_log", [True, False])
def test_restore_that_dies_at_any_step_is_finished_by_the_next_one(
    worked: Worked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    with_log: bool,
) -> None:
    backup_of(worked.north, tmp_path / "b")
    file = ledger_of(worked.north)
    file.write_bytes(b"junk")
    if with_log:
        line_file(worked.north, "ledger.db-wal").write_bytes(b"more junk")
    steps = iter(range(100))

    def dying(real: Callable[..., None]) -> Callable[..., None]:
        def act(*arguments: object) -> None:
            if next(steps) == failing:
                raise OSError(5, "Input/output error")
            real(*arguments)

        return act

    with monkeypatch.context() as patched:
        for name in ("replace", "fsync"):
            patched.setattr(copying.os, name, dying(getattr(os, name)))
        with pytest.raises(StorageError):
            restore(bench_of(worked.north), tmp_path / "b")
    assert next(steps) > failing
    present = file.read_bytes() if file.exists() else b""
    assert present in (b"", b"junk", ledger_of(tmp_path / "b").read_bytes())
    if present[:4] in (b"", b"junk"):
        restore(bench_of(worked.north), tmp_path / "b")
    assert size_of(worked.north) >= 45
    kept = list(file.parent.glob("ledger.db.before-restore-[0-9]"))
    assert b"junk" in [one.read_bytes() for one in kept]


def test_full_disk_while_restoring_keeps_the_present_file(worked: Worked, tmp_path: Path) -> None:
    backup_of(worked.north, tmp_path / "b")
    file = ledger_of(worked.north)
    file.write_bytes(b"junk")
    done = _with_small_files(40_000, "restore", str(tmp_path / "b"), "--home", str(worked.north))
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("\n") == 1
    assert file.read_bytes() == b"junk"
    assert not list(file.parent.glob(".*.part"))
