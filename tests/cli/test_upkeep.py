"""backup, restore, doctor and ledger, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.enrol import Subject
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from tests.cli.shell import one_sentence, run
from tests.fakes.line import FakeLine, catalogue, wait_for
from tests.review.rig import Worked, ledger_of
from tests.station.months import Calendar

PASSPHRASE = "correct horse battery staple"


def test_backup_is_restored_after_the_ledger_was_lost(worked: Worked, tmp_path: Path) -> None:
    made = run("backup", worked.north, "--out", tmp_path / "b")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Backed up NORTH: ")
    assert made.stdout.count("\n") == 1
    ledger_of(worked.north).unlink()
    done = run("restore", tmp_path / "b", "--home", worked.north)
    assert done.returncode == 0, done.stderr
    assert "are in place" in done.stdout
    assert run("verify", worked.north).returncode == 0
    again = run("restore", tmp_path / "b", "--home", worked.north)
    assert again.returncode == 2
    assert "nothing to restore" in one_sentence(again.stderr)


def test_restore_of_junk_is_one_sentence(worked: Worked, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.mkdir()
    for home in (worked.north, tmp_path / "nowhere"):
        for backup in (junk, tmp_path / "nothing", ledger_of(worked.north)):
            done = run("restore", backup, "--home", home)
            assert done.returncode == 2, done.stderr
            assert "manifest.json" in one_sentence(done.stderr)


def test_backup_of_no_home_is_one_sentence(tmp_path: Path) -> None:
    done = run("backup", tmp_path, "--out", tmp_path / "b")
    assert done.returncode == 2
    assert "holds no ledger" in one_sentence(done.stderr)


def test_doctor_says_what_is_well_and_what_is_not(worked: Worked) -> None:
    well = run("doctor", worked.north, "--json")
    assert well.returncode == 0, well.stdout + well.stderr
    findings = json.loads(well.stdout)
    assert {one["level"] for one in findings} <= {"OK", "WARN"}
    assert all(set(one) == {"level", "about", "what", "storage"} for one in findings)
    for path in ledger_of(worked.north).parent.glob("head.db*"):
        path.unlink()
    ill = run("doctor", worked.north)
    assert ill.returncode == 1, ill.stderr
    assert "FAIL  lines/" in ill.stdout


def test_hold_keeps_a_month_and_two_officers_erase_it(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, clock=Calendar("2026-10-20T08:00:00.000Z"), deputies=True)
    home = line.north.home.path
    why = ("--reason", "for the inquiry")
    held = run("ledger", "hold", home, "--case", "Inquiry 7", *why, "--officer", "vega")
    assert held.returncode == 0, held.stderr
    two = ("--officer", "ramos", "--officer", "vega")
    refused = run("ledger", "erase", home, "--epoch", "202610", *why, *two)
    assert refused.returncode == 2
    assert "erased" in one_sentence(refused.stderr) or "not over" in one_sentence(refused.stderr)
    alone = run("ledger", "release", home, "--case", "Inquiry 7", *why, "--officer", "vega")
    assert alone.returncode == 2
    assert "two officers" in one_sentence(alone.stderr)
    freed = run("ledger", "release", home, "--case", "Inquiry 7", *why, *two)
    assert freed.returncode == 0, freed.stderr
    stranger = run("ledger", "hold", home, "--case", "B", *why, "--officer", "nobody")
    assert stranger.returncode == 2
    one_sentence(stranger.stderr)


def test_texts_that_may_not_be_recorded_are_refused(worked: Worked) -> None:
    for case, reason in (("", "why"), ("x" * 61, "why"), ("a\u202eb", "why"), ("case", " ")):
        done = run(
            *("ledger", "hold", worked.north, "--case", case),
            *("--reason", reason, "--officer", "ramos"),
        )
        assert done.returncode == 2, done.stderr
        assert "\u202e" not in one_sentence(done.stderr)


def test_rekey_of_a_live_home_asks_for_each_passphrase_and_refuses_a_wrong_one(
    tmp_path: Path,
) -> None:
    homes = [Home(tmp_path / name) for name in ("NORTH", "SOUTH")]
    found_line(
        [
            Founder(home, home.path.name, (Subject("a", "A", "LT", "OIC"),), PASSPHRASE)
            for home in homes
        ],
        name="north-south",
        realm=Realm.LIVE,
        catalogue=catalogue(),
        clock=system_clock,
        entropy=system_entropy,
    )
    none = run("ledger", "rekey", homes[0].path)
    assert none.returncode == 2
    assert "console.key is protected" in one_sentence(none.stderr)
    wrong = run("ledger", "rekey", homes[0].path, stdin="wrong\nwrong\n")
    assert wrong.returncode == 2
    assert "does not open with that passphrase" in one_sentence(wrong.stderr)
    done = run("ledger", "rekey", homes[0].path, stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert done.returncode == 0, done.stderr
    assert PASSPHRASE not in done.stdout + done.stderr
    assert run("verify", homes[0].path).returncode == 0


def test_resolve_without_a_fork_and_with_one_officer_is_one_sentence(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, deputies=True)
    home, why = line.north.home.path, ("--reason", "compared by voice")
    two = ("--officer", "ramos", "--officer", "vega")
    nothing = run("ledger", "resolve", home, *why, *two)
    assert nothing.returncode == 2
    assert "no fork stands on this line" in one_sentence(nothing.stderr)


async def test_resolve_ends_a_freeze_on_two_officers_word(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        one, two = south.item(), south.item()
        south.inject(one)
        await wait_for(lambda: north.situation.statements)
        south.inject(two)
        await wait_for(lambda: north.situation.forks)
    home, why = line.north.home.path, ("--reason", "compared by voice")
    alone = run("ledger", "resolve", home, *why, "--officer", "ramos")
    assert alone.returncode == 2
    assert "two officers" in one_sentence(alone.stderr)
    done = run("ledger", "resolve", home, *why, "--officer", "ramos", "--officer", "vega")
    assert done.returncode == 0, done.stderr
    assert "the line is free again" in done.stdout
    assert run("verify", home).returncode == 0
    again = run("ledger", "resolve", home, *why, "--officer", "ramos", "--officer", "vega")
    assert again.returncode == 2
