"""The doctor: what it says of a sound home, and of each thing that is not."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.host.clock import system_clock
from hotline.ledger import health
from hotline.station import doctor
from hotline.station.doctor import Finding, check_up
from hotline.station.home import Home
from tests.fakes.line import FakeLine
from tests.review.rig import Worked, ledger_of, protect
from tests.station.months import say

DAY_MS = 86_400_000


def look(home: Path, shift_ms: int = 0) -> list[Finding]:
    return check_up(Home(home), lambda: system_clock() + shift_ms, None)


def said(home: Path, level: str, shift_ms: int = 0) -> str:
    return "\n".join(one.what for one in look(home, shift_ms) if one.level == level)


def test_sound_home_has_nothing_that_fails_and_is_not_touched(worked: Worked) -> None:
    def stamps() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in worked.north.rglob("*")
        }

    before = stamps()
    findings = look(worked.north)
    assert not [one for one in findings if one.level == "FAIL"]
    assert stamps() == before
    fine = said(worked.north, "OK")
    for words in ("newest head is signed", "head.db knows", "MB are free", "Content keys of"):
        assert words in fine
    assert all(one.what.endswith(".") for one in findings)


def test_running_station_is_looked_at_without_disturbing_it(tmp_path: Path) -> None:
    async def go() -> None:
        async with FakeLine(tmp_path) as line:
            await say(line, line.south, line.north)
            findings = await asyncio.to_thread(look, line.north.home.path)
            assert not [one for one in findings if one.level == "FAIL"]
            await say(line, line.south, line.north)

    asyncio.run(go())


def test_ledger_put_back_fails_and_says_what_to_do(worked: Worked) -> None:
    heads = sqlite3.connect(ledger_of(worked.north).with_name("head.db"))
    heads.execute("UPDATE released SET size = size + 7")
    heads.commit()
    heads.close()
    assert "hotline ledger renew" in said(worked.north, "FAIL")
    assert "was put back" in said(worked.north, "FAIL")


def test_head_db_with_another_root_fails(worked: Worked) -> None:
    heads = sqlite3.connect(ledger_of(worked.north).with_name("head.db"))
    heads.execute("UPDATE released SET root = zeroblob(32)")
    heads.commit()
    heads.close()
    assert "was rewritten" in said(worked.north, "FAIL")


def test_journal_is_held_against_what_the_line_anchors_of_it(worked: Worked) -> None:
    assert "entries of the station journal, all there" in said(worked.north, "OK")
    (worked.north / "journal").rename(worked.north / "journal-1")
    assert "which was moved aside: keep that" in said(worked.north, "WARN")
    (worked.north / "journal-1").rename(worked.north / "elsewhere")
    failed = said(worked.north, "FAIL")
    assert "The station journal was lost: the line's ledger anchors the first" in failed
    assert "move HOME/journal to HOME/journal-1" in failed


def test_missing_head_db_fails(worked: Worked) -> None:
    for path in ledger_of(worked.north).parent.glob("head.db*"):
        path.unlink()
    assert "No head.db knows it" in said(worked.north, "FAIL")


@pytest.mark.parametrize("junk", [b"", b"junk" * 4000, b"SQLite format 3\x00" + bytes(4000)])
def test_junk_in_place_of_a_ledger_or_head_db_is_one_sentence(worked: Worked, junk: bytes) -> None:
    for name in ("ledger.db", "head.db"):
        path = ledger_of(worked.north).with_name(name)
        kept = path.read_bytes()
        path.write_bytes(junk)
        failed = [one for one in look(worked.north) if one.level == "FAIL"]
        assert failed
        assert all("\n" not in one.what for one in failed)
        path.write_bytes(kept)


@pytest.mark.parametrize("name", ["head.db", "head.db-wal"])
def test_pipe_in_place_of_head_db_fails_and_is_not_waited_for(worked: Worked, name: str) -> None:
    path = ledger_of(worked.north).with_name(name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert f"{name[1:]} is no regular file" in said(worked.north, "FAIL")


def test_certificates_that_end_soon_and_have_ended_are_named(worked: Worked) -> None:
    warned = said(worked.north, "WARN", 70 * DAY_MS)
    assert "the console of NORTH ends in 21 days: stop the station and run" in warned
    assert "hotline officer renew HOME --person ramos" in warned
    assert "SOUTH" not in warned
    assert "the ledger key of SOUTH ends in 11 days: ask SOUTH to run" in said(
        worked.north, "WARN", 80 * DAY_MS
    )
    assert "ends in 2 days" in said(worked.north, "FAIL", 89 * DAY_MS)
    failed = said(worked.north, "FAIL", 100 * DAY_MS)
    assert "the console of NORTH has ended: stop the station" in failed
    assert "SOUTH" not in failed
    assert "the card to import here" in said(worked.north, "WARN", 100 * DAY_MS)
    assert "ends in 91 days" in said(worked.north, "OK")


def test_clock_behind_the_newest_entry_is_doubted(worked: Worked) -> None:
    assert "clock is behind" in said(worked.north, "WARN", -DAY_MS)


def test_files_that_others_may_read_are_named(worked: Worked) -> None:
    os.chmod(worked.north / "keys" / "root.key", 0o644)
    assert "Others may read keys/root.key" in said(worked.north, "WARN")


def test_leftovers_are_named(worked: Worked) -> None:
    beside = ledger_of(worked.north).parent
    (beside / ".content.key.00.part").touch()
    (beside / "ledger.db.before-restore-1").touch()
    warned = said(worked.north, "WARN")
    assert "content.key.00.part was left by a crash and may hold keys" in warned
    assert "was replaced by a backup" in warned


def test_protected_keys_are_left_alone_without_a_passphrase(worked: Worked) -> None:
    protect(worked.north)
    assert "--unlock looks at epochs" in said(worked.north, "OK")


def test_scant_disk_warns_and_a_full_one_fails(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(worked.north)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=10**8))
    assert "free space soon" in said(worked.north, "WARN")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    failed = [one for one in look(worked.north) if one.level == "FAIL"]
    assert [one.storage for one in failed] == [True]


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
def test_versions_of_sqlite_are_judged(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], fixed: bool
) -> None:
    monkeypatch.setattr(health.sqlite3, "sqlite_version_info", version)
    assert health.sqlite_version()[1] is fixed


def test_directory_that_is_no_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError):
        look(tmp_path)
