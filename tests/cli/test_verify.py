"""`hotline verify`, by its exit codes and by what it names."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.review.opening import check_file
from tests.cli.shell import one_sentence, run
from tests.ledger.rig import tamper
from tests.ledger.test_reconcile import cut
from tests.review.rig import Worked, ledger_of, work


def flip(file: Path, table: str, column: str, index: int, at: int) -> None:
    """Flip one bit of a blob in a closed ledger."""
    with sqlite3.connect(file) as connection:
        query = f"SELECT {column} FROM {table} WHERE idx = ?"
        blob = bytearray(connection.execute(query, (index,)).fetchone()[0])
    blob[at] ^= 0x10
    tamper(file, f"UPDATE {table} SET {column} = x'{blob.hex()}' WHERE idx = {index}")


def enclosed(file: Path) -> int:
    """Return the first entry that has an enclosure."""
    with sqlite3.connect(file) as connection:
        found: int = connection.execute("SELECT min(idx) FROM enclosure").fetchone()[0]
    return found


def flip_leaf(file: Path) -> int:
    flip(file, "entry", "leaf", 17, 60)
    return 17


def flip_sealed(file: Path) -> int:
    flip(file, "entry", "sealed", 17, 40)
    return 17


def flip_enclosure(file: Path) -> int:
    index = enclosed(file)
    flip(file, "enclosure", "sealed", index, 400)
    return index


def remove(file: Path) -> int:
    tamper(file, "DELETE FROM entry WHERE idx = 17", "DELETE FROM enclosure WHERE idx = 17")
    return 17


def swap(file: Path) -> int:
    tamper(
        file,
        "UPDATE entry SET idx = -1 WHERE idx = 15",
        "UPDATE entry SET idx = 15 WHERE idx = 16",
        "UPDATE entry SET idx = 16 WHERE idx = -1",
    )
    return 15


def cut_roughly(file: Path) -> int:
    tamper(file, "DELETE FROM entry WHERE idx >= 30", "DELETE FROM enclosure WHERE idx >= 30")
    return 30


def test_good_ledgers_verify_and_reconcile_with_exit_0(kept: Worked) -> None:
    done = run("verify", kept.north, "--peer", ledger_of(kept.south))
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED." in done.stdout.splitlines()[0]
    assert "The ledgers of NORTH and SOUTH RECONCILE: " in done.stdout


@pytest.mark.parametrize(
    "spoil", [flip_leaf, flip_sealed, flip_enclosure, remove, swap, cut_roughly]
)
def test_tampered_ledger_exits_1_and_names_the_entry(
    worked: Worked, spoil: Callable[[Path], int]
) -> None:
    file = ledger_of(worked.north)
    index = spoil(file)
    done = run("verify", file)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"First bad entry: entry {index}" in done.stdout
    assert "DOES NOT VERIFY" in done.stdout


def test_neatly_cut_tail_verifies_alone_and_is_named_with_peer(
    worked: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ledger_of(worked.north)
    size = max(length for length in worked.live if length < check_file(file).entries - 10)
    cut(file, size)
    assert main(["verify", str(file)]) == 0
    assert main(["verify", str(file), "--peer", str(worked.south)]) == 1
    text = capsys.readouterr().out
    assert f"entries {size} to " in text
    assert "of NORTH's ledger are missing: SOUTH countersigned" in text


def test_peer_that_does_not_verify_exits_1(
    worked: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    index = flip_sealed(ledger_of(worked.south))
    assert main(["verify", str(worked.north), "--peer", str(worked.south)]) == 1
    text = capsys.readouterr().out
    assert f"First bad entry: entry {index} (" in text
    assert "the ledger of SOUTH does not verify by itself." in text


def test_json_names_the_bad_entry(worked: Worked, capsys: pytest.CaptureFixture[str]) -> None:
    index = flip_leaf(ledger_of(worked.north))
    assert main(["verify", str(worked.north), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["peer"], found["reconciliation"]) == (False, None, None)
    assert found["ledger"]["first_fault"]["entry"] == index
    assert found["ledger"]["stands"] <= index


def test_json_of_two_good_ledgers(kept: Worked, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(kept.south), "--peer", str(kept.north), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is found["reconciliation"]["ok"] is True
    assert (found["ledger"]["station"], found["peer"]["station"]) == ("SOUTH", "NORTH")


def test_peer_ledger_of_another_line_is_wrong_input(
    kept: Worked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = work(tmp_path / "other")
    assert main(["verify", str(kept.north), "--peer", str(other.south)]) == 2
    said = one_sentence(capsys.readouterr().err)
    assert said.startswith("the two ledgers are of different lines; ")


def home_of_a_pipe(path: Path) -> None:
    line = path / "lines" / "north-south"
    line.mkdir(parents=True)
    os.mkfifo(line / "ledger.db")


WRONG: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing", lambda path: None, "there is no "),
    ("directory", lambda path: path.mkdir(), "the directory "),
    ("empty", lambda path: path.touch(), " is empty; "),
    ("junk", lambda path: path.write_text("not evidence"), " is not a ledger; "),
    ("pipe", os.mkfifo, " is not a file; "),
    ("home", home_of_a_pipe, " is not a file; "),
]


@pytest.mark.parametrize(("name", "make", "words"), WRONG, ids=[one[0] for one in WRONG])
def test_path_that_names_no_ledger_exits_2_with_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    make: Callable[[Path], object],
    words: str,
) -> None:
    path = tmp_path / name
    make(path)
    assert main(["verify", str(path)]) == 2
    out, err = capsys.readouterr()
    said = one_sentence(err)
    assert out == ""
    assert words in said
    assert name in said
    assert "name a ledger.db" in said


@pytest.mark.timeout(30)
def test_log_that_is_a_pipe_exits_2_with_one_sentence(
    worked: Worked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(ledger_of(worked.north), tmp_path / "ledger.db")
    os.mkfifo(tmp_path / "ledger.db-wal")
    assert main(["verify", str(tmp_path)]) == 2
    said = one_sentence(capsys.readouterr().err)
    assert said.startswith("ledger.db-wal is no regular file, so it is not read; ")


@contextmanager
def powerless() -> Iterator[None]:
    """Read files as a user who owns none of them."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", ["file", "directory"])
def test_ledger_that_may_not_be_read_exits_2(
    worked: Worked, capsys: pytest.CaptureFixture[str], closed: str
) -> None:
    # Everything that the command loads is loaded before the rights go.
    assert main(["verify", str(worked.north)]) == 0
    capsys.readouterr()
    file = ledger_of(worked.north)
    shut = file if closed == "file" else file.parent
    shut.chmod(0)
    try:
        with powerless():
            code = main(["verify", str(file)])
    finally:
        shut.chmod(0o700)
    assert code == 2
    assert "you may not read " in one_sentence(capsys.readouterr().err)


def test_verify_leaves_the_ledgers_as_they_were(worked: Worked) -> None:
    def files() -> dict[Path, bytes]:
        return {one: one.read_bytes() for one in worked.directory.rglob("*") if one.is_file()}

    before = files()
    assert main(["verify", str(worked.north), "--peer", str(worked.south)]) == 0
    assert files() == before


def test_fault_in_json_has_its_kind_of_damage(
    worked: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    remove(ledger_of(worked.north))
    assert main(["verify", str(worked.north), "--json"]) == 1
    fault = json.loads(capsys.readouterr().out)["ledger"]["first_fault"]
    assert (fault["entry"], fault["damage"]) == (17, "missing")
    assert main(["verify", str(worked.north)]) == 1
    said = capsys.readouterr().out
    assert "Kind of damage: MISSING, something that belongs there is gone." in said


def test_card_that_fits_establishes_identity_and_another_exits_1(
    kept: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(kept.north), "--json"]) == 0
    words = json.loads(capsys.readouterr().out)["ledger"]["root_words"]
    cards = [option for said in words.values() for option in ("--card", said)]
    assert main(["verify", str(kept.north), *cards]) == 0
    assert "Identity established for NORTH, SOUTH: by card." in capsys.readouterr().out
    assert main(["verify", str(kept.north), "--card", "ab" * 32]) == 1
    assert "A card names a root that is not in this evidence:" in capsys.readouterr().out
    assert main(["verify", str(kept.north), "--card", "no card at all"]) == 2


def test_findings_that_were_saved_are_where_the_next_verification_begins(
    worked: Worked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(worked.north), "--json"]) == 0
    saved = tmp_path / "yesterday.json"
    saved.write_text(capsys.readouterr().out)
    flip_sealed(ledger_of(worked.north))
    assert main(["verify", str(worked.north), "--since", str(saved)]) == 0
    assert "not looked at again" in capsys.readouterr().out
    assert main(["verify", str(worked.north)]) == 1
    assert main(["verify", str(worked.south), "--since", str(saved)]) == 2
    assert "the trusted head is of another log" in capsys.readouterr().err


def test_audit_judges_heads_that_are_passed_over_without_it(
    worked: Worked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hotline.ledger.verify.MAX_AUDITED_HEADS", 1)
    tamper(ledger_of(worked.north), "UPDATE head SET note = zeroblob(9) WHERE size = 0")
    assert main(["verify", str(worked.north)]) == 0
    said = capsys.readouterr().out
    assert "--audit judges every one." in said
    assert "the signed heads that were judged." in said
    assert main(["verify", str(worked.north), "--audit"]) == 1
