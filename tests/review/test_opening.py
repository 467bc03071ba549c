from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.review.locating import locate
from hotline.review.opening import Record, open_record
from tests.ledger.rig import tamper
from tests.review.rig import PASSPHRASE, Worked, ledger_of, protect


def nobody_asked(name: str) -> str:
    pytest.fail(f"asked for the passphrase of {name}")


def test_record_holds_every_entry_of_the_verified_ledger(record: Record) -> None:
    assert (record.station, record.peers) == ("NORTH", ("SOUTH",))
    assert record.verdict.ok
    assert len(record.happenings) == len(record.subjects) == record.verdict.entries


def test_ledger_is_found_by_file_directory_and_home(kept: Worked) -> None:
    file = ledger_of(kept.north)
    assert locate(file) == locate(file.parent) == locate(kept.north) == file


def test_directory_of_two_homes_names_both(kept: Worked) -> None:
    with pytest.raises(OperatorError, match="holds 2 ledgers further down") as caught:
        locate(kept.directory)
    assert "NORTH/lines/north-south-" in caught.value.hint
    assert "SOUTH/lines/north-south-" in caught.value.hint


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no "),
        (lambda path: path.mkdir(), "holds no ledger"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"dear reviewer, " * 999), "is not a ledger"),
        (lambda path: path.symlink_to("/dev/null"), "is not a file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
    ids=["missing", "directory", "empty", "junk", "device", "loop"],
)
def test_path_that_names_no_ledger_is_said_to_be_what_it_is(
    tmp_path: Path, make: object, words: str
) -> None:
    path = tmp_path / "evidence"
    make(path)  # type: ignore[operator]
    with pytest.raises(Exception, match=words) as caught:
        locate(path)
    assert "evidence" in str(caught.value)
    assert caught.value.hint  # type: ignore[attr-defined]


def test_hostile_file_name_is_not_printed_raw(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2Jledger.db"
    with pytest.raises(OperatorError) as caught:
        locate(path)
    assert "\x1b" not in caught.value.sentence()


def test_ledger_with_a_damaged_header_is_left_to_the_audit(worked: Worked) -> None:
    file = ledger_of(worked.north)
    content = bytearray(file.read_bytes())
    content[3] ^= 1
    file.write_bytes(content)
    assert locate(file) == file


def test_content_key_missing_is_said_and_verify_named(worked: Worked) -> None:
    ledger_of(worked.north).with_name("content.key").unlink()
    with pytest.raises(OperatorError, match=r"there is no content\.key beside .*ledger\.db"):
        open_record(worked.north, nobody_asked)


def test_content_key_of_another_ledger_is_said(worked: Worked) -> None:
    mine, other = ledger_of(worked.north), ledger_of(worked.south)
    shutil.copy(other.with_name("content.key"), mine.with_name("content.key"))
    with pytest.raises(OperatorError, match="does not open the first entry"):
        open_record(worked.north, nobody_asked)


def test_damaged_content_key_is_said_without_asking(worked: Worked) -> None:
    ledger_of(worked.north).with_name("content.key").write_bytes(b"\xff\x00junk")
    with pytest.raises(OperatorError, match=r"content\.key is not a whole key file"):
        open_record(worked.north, nobody_asked)


def test_protected_content_key_is_asked_for_and_opens(worked: Worked, record: Record) -> None:
    protect(worked.north)
    asked: list[str] = []

    def answer(name: str) -> str:
        asked.append(name)
        return PASSPHRASE

    assert open_record(worked.north, answer).happenings == record.happenings
    assert asked == ["content.key"]
    with pytest.raises(OperatorError, match="does not open with that passphrase"):
        open_record(worked.north, lambda _: "wrong")


def test_ledger_that_does_not_verify_is_not_replayed(worked: Worked) -> None:
    tamper(ledger_of(worked.north), "UPDATE entry SET sealed = zeroblob(90) WHERE idx = 20")
    with pytest.raises(IntegrityError, match=r"does not verify: entry 20 .* was altered"):
        open_record(worked.north, nobody_asked)
