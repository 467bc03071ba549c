"""Restore: what is put back, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger import copying
from hotline.ledger.copying import put_in_place
from hotline.station.home import Home
from hotline.station.restoring import restore
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine
from tests.review.rig import PASSPHRASE, Worked, ledger_of, protect
from tests.station.backups import (
    backup_of,
    bench_of,
    files_of,
    grow,
    line_file,
    size_of,
    with_small_files,
)
from tests.station.months import say


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
    done = with_small_files(40_000, "restore", str(tmp_path / "b"), "--home", str(worked.north))
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("\n") == 1
    assert file.read_bytes() == b"junk"
    assert not list(file.parent.glob(".*.part"))


def test_journal_that_is_restored_alone_leaves_the_lines_ledger_as_it_is(
    worked: Worked, tmp_path: Path
) -> None:
    before = size_of(worked.north)
    backup_of(worked.north, tmp_path / "b")
    (worked.north / "journal" / "ledger.db").write_bytes(b"junk")
    (placed,) = restore(bench_of(worked.north), tmp_path / "b")
    assert placed.mark.path == "journal/ledger.db"
    assert size_of(worked.north) == before


def test_log_that_was_kept_without_its_ledger_is_not_written_over(tmp_path: Path) -> None:
    part, ledger = tmp_path / "new.part", tmp_path / "ledger.db"
    stray = tmp_path / "ledger.db.before-restore-1-wal"
    stray.write_bytes(b"kept before")
    ledger.write_bytes(b"old")
    ledger.with_name("ledger.db-wal").write_bytes(b"old log")
    part.write_bytes(b"new")
    assert put_in_place(part, ledger) == tmp_path / "ledger.db.before-restore-2"
    assert stray.read_bytes() == b"kept before"
    assert (tmp_path / "ledger.db.before-restore-2-wal").read_bytes() == b"old log"


def test_restored_ledger_does_not_lie_beside_a_log_of_another(tmp_path: Path) -> None:
    part, ledger = tmp_path / "new.part", tmp_path / "ledger.db"
    part.write_bytes(b"new")
    ledger.with_name("ledger.db-wal").write_bytes(b"a log whose ledger was lost")
    assert put_in_place(part, ledger) is None
    assert ledger.read_bytes() == b"new"
    assert not ledger.with_name("ledger.db-wal").exists()
    kept = tmp_path / "ledger.db.before-restore-1-wal"
    assert kept.read_bytes() == b"a log whose ledger was lost"
