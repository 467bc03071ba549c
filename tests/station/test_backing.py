"""Backup: what is copied, and what is refused."""

from __future__ import annotations

import ast
import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

import hotline
from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.home import Home, read_line
from hotline.station.left_behind import judge_kept
from hotline.station.restoring import restore
from hotline.station.upkeep import at_work
from tests.fakes.line import FakeLine
from tests.review.rig import Worked, ledger_of
from tests.station.backups import (
    backup_of,
    bench_of,
    files_of,
    spoil_lasting,
    with_small_files,
)
from tests.station.months import say


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


def test_full_disk_leaves_no_backup_and_one_sentence(worked: Worked, tmp_path: Path) -> None:
    limit = ledger_of(worked.north).stat().st_size // 2
    done = with_small_files(limit, "backup", str(worked.north), "--out", str(tmp_path / "b"))
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("hotline: ")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worked"]


def test_long_lasting_signatures_are_verified_by_whoever_judges_a_ledger(
    worked: Worked, tmp_path: Path
) -> None:
    home = Home(worked.north)
    directory, _, line = read_line(home, None, system_clock, system_entropy)
    backup_of(worked.north, tmp_path / "b")
    spoil_lasting(ledger_of(worked.north))
    with pytest.raises(IntegrityError, match=r"does not verify.*long-lasting"):
        backup_of(worked.north, tmp_path / "c")
    verdict = judge_kept(directory, line)
    assert verdict is not None
    assert verdict.first_fault is not None
    (placed,) = restore(bench_of(worked.north), tmp_path / "b")
    assert placed.kept is not None


def test_every_caller_has_long_lasting_signatures_verified() -> None:
    house = Path(hotline.__file__).parent
    for path in house.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "verify_ledger":
                named = {keyword.arg for keyword in node.keywords}
                assert "lasting_verifier" in named, f"{path.name}:{node.lineno}"
