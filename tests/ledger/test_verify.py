"""Whole-ledger verification and what it must catch: docs/ledger.md §11."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.records.checkpoint import sign_checkpoint
from hotline.core.records.leaf import LEAF_BYTES
from hotline.core.values import Realm, sha256
from hotline.ledger.schema import TRIGGERS
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import (
    LINE,
    Key,
    Line,
    Station,
    admit,
    draft,
    identify,
    public_record,
    statement,
    tamper,
    verifier,
)


def verify(station: Station) -> Verdict:
    return verify_ledger(station.file, identify=identify, verifier=verifier)


def rewrite(
    file: Path, table: str, column: str, where: str, change: Callable[[bytes], bytes]
) -> None:
    """Replace one blob by `change(blob)` behind the triggers' back."""
    connection = sqlite3.connect(file)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    (blob,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (change(blob),))
    for text in TRIGGERS:
        connection.execute(text)
    connection.commit()
    connection.close()


def flip(at: int, mask: int = 1) -> Callable[[bytes], bytes]:
    def change(blob: bytes) -> bytes:
        place = at % len(blob)
        return blob[:place] + bytes([blob[place] ^ mask]) + blob[place + 1 :]

    return change


def test_ledger_untouched_verifies_and_names_its_parties(line: Line) -> None:
    verdict = verify(line.north)
    assert (verdict.ok, verdict.first_fault, verdict.notes) == (True, None, ())
    assert (verdict.entries, verdict.stands) == (14, 14)
    assert (verdict.station, verdict.realm, verdict.line) == ("NORTH", Realm.EXERCISE, LINE)
    assert verdict.origin == line.north.origin
    assert verdict.root_words == {"NORTH": "north words", "SOUTH": "south words"}
    assert verdict.cosigned == {line.south.witness_name: 9}


def test_ledger_directory_names_its_ledger(line: Line) -> None:
    assert verify_ledger(line.north.home, identify=identify, verifier=verifier).ok


def test_ledger_that_is_not_there_is_an_operator_error(tmp_path: Path) -> None:
    with pytest.raises(OperatorError):
        verify_ledger(tmp_path / "none", identify=identify, verifier=verifier)


def test_verify_leaves_the_original_and_its_directory_untouched(line: Line) -> None:
    before = {path.name: path.read_bytes() for path in line.north.home.iterdir()}
    verify(line.north)
    assert {path.name: path.read_bytes() for path in line.north.home.iterdir()} == before


def test_ledger_with_entries_only_in_its_log_verifies(north: Station, tmp_path: Path) -> None:
    ledger = north.create()
    admit(ledger)
    ledger.append([draft(2)])
    copy = Station("NORTH", tmp_path / "seized")
    shutil.copytree(north.home, copy.home)
    assert verify(copy).entries == 3


@pytest.mark.parametrize("index", [0, 5, 13])
@pytest.mark.parametrize("byte", range(0, LEAF_BYTES, 3))
def test_leaf_with_a_flipped_bit_is_the_first_bad_entry(line: Line, index: int, byte: int) -> None:
    rewrite(line.north.file, "entry", "leaf", f"idx = {index}", flip(byte))
    verdict = verify(line.north)
    assert not verdict.ok
    assert verdict.first_fault is not None
    # In the batch at the end a link is broken, and which of its ends is not known.
    assert verdict.first_fault.index in ({12, 13} if index == 13 else {index})
    assert verdict.stands <= index


@pytest.mark.parametrize(("table", "index"), [("entry", 4), ("entry", 13), ("enclosure", 2)])
@pytest.mark.parametrize("byte", [0, 3, 4, 27, 28, -1])
def test_sealed_blob_with_a_flipped_bit_is_the_first_bad_entry(
    line: Line, table: str, index: int, byte: int
) -> None:
    rewrite(line.north.file, table, "sealed", f"idx = {index}", flip(byte, 0x80))
    verdict = verify(line.north)
    assert verdict.first_fault is not None
    assert verdict.first_fault.index == index
    assert "sealed content" in verdict.first_fault.what
    assert verdict.stands == min(index, 11)


@pytest.mark.parametrize("column", ["kind", "subject"])
def test_column_that_differs_from_its_leaf_is_the_first_bad_entry(line: Line, column: str) -> None:
    value = {"kind": "7", "subject": "zeroblob(32)"}[column]
    tamper(line.north.file, f"UPDATE entry SET {column} = {value} WHERE idx = 2")
    fault = verify(line.north).first_fault
    assert fault is not None
    assert fault.index == 2


@pytest.mark.parametrize("byte", [0, 20, 45, 60, 100, 140, -3, -2, -1])
@pytest.mark.parametrize("size", [0, 5, 14])
def test_head_with_a_flipped_bit_is_found(line: Line, size: int, byte: int) -> None:
    rewrite(line.north.file, "head", "note", f"size = {size}", flip(byte))
    verdict = verify(line.north)
    assert not verdict.ok
    assert all(entry.index is None or entry.index >= 11 for entry in verdict.faults)


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("cosignature", "note", "size = 3"),
        ("witnessed", "note", "seq = 2"),
        ("witnessed", "root", "seq = 2"),
        ("public", "bytes", "seq = 1"),
        ("public", "digest", "seq = 2"),
        ("node", "hash", "level = 1 AND idx = 2"),
    ],
)
@pytest.mark.parametrize("at", [0.0, 0.2, 0.4, 0.6, 0.8, 0.999])
def test_row_beside_the_log_with_a_flipped_bit_is_found(
    line: Line, table: str, column: str, where: str, at: float
) -> None:
    def change(blob: bytes) -> bytes:
        return flip(int(at * len(blob)))(blob)

    rewrite(line.north.file, table, column, where, change)
    verdict = verify(line.north)
    assert not verdict.ok
    assert verdict.first_fault is not None
    assert verdict.first_fault.index is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cosignature SET size = 4 WHERE size = 3",
        "UPDATE cosignature SET signer = 'hotline/EXERCISE/x/SOUTH' WHERE size = 3",
        "UPDATE witnessed SET size = size + 1 WHERE seq = 2",
        "UPDATE witnessed SET old_size = 0 WHERE seq = 2",
        "UPDATE witnessed SET origin = replace(origin, 'SOUTH', 'NORTH') WHERE seq = 1",
        "UPDATE head SET size = 12 WHERE size = 11",
        "DELETE FROM cosignature",
        "DELETE FROM witnessed WHERE seq = 1",
        "DELETE FROM public WHERE seq = 2",
        "DELETE FROM public WHERE seq = 1",
        "DELETE FROM node WHERE level = 2 AND idx = 0",
        "DELETE FROM head WHERE size = 14",
        "DELETE FROM head",
        "INSERT INTO enclosure VALUES(14, x'00')",
        "INSERT INTO enclosure VALUES(-1, x'00')",
        "INSERT INTO enclosure VALUES(0, x'00')",
        "DELETE FROM enclosure WHERE idx = 2",
        "INSERT INTO node VALUES(9, 9, zeroblob(32))",
        "INSERT INTO witnessed SELECT 9, origin, size, 99, root, note FROM witnessed LIMIT 1",
        "INSERT INTO entry SELECT 14, kind, subject, leaf, sealed FROM entry WHERE idx = 0",
        "INSERT INTO entry SELECT -1, kind, subject, leaf, sealed FROM entry WHERE idx = 0",
        "CREATE TABLE more(x)",
        "CREATE VIEW more AS SELECT 1",
        "PRAGMA application_id = 1",
    ],
)
def test_row_removed_added_or_altered_is_found(line: Line, change: str) -> None:
    tamper(line.north.file, change)
    verdict = verify(line.north)
    assert not verdict.ok
    assert verdict.first_fault is not None


def test_public_record_that_no_entry_binds_is_found(line: Line) -> None:
    digest, record = public_record("a stranger's root")
    sql = f"INSERT INTO public VALUES(3, x'{digest.hex()}', x'{record.hex()}')"
    tamper(line.north.file, sql)
    fault = verify(line.north).first_fault
    assert fault is not None
    assert fault.sentence() == "public record 3: no entry binds it"


def test_entry_removed_is_named(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM entry WHERE idx = 6")
    verdict = verify(line.north)
    assert verdict.first_fault is not None
    assert verdict.first_fault.sentence() == (
        "entry 6: it is missing; the next one in the file is entry 7"
    )
    assert verdict.stands == 6


def test_entries_swapped_are_named(line: Line) -> None:
    tamper(
        line.north.file,
        "UPDATE entry SET idx = 100 WHERE idx = 4",
        "UPDATE entry SET idx = 4 WHERE idx = 7",
        "UPDATE entry SET idx = 7 WHERE idx = 100",
    )
    verdict = verify(line.north)
    assert verdict.first_fault is not None
    assert verdict.first_fault.sentence() == (
        "entry 4: another entry stands in its place, number 7"
    )
    assert verdict.stands == 4


def test_tail_cut_without_its_heads_is_named(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM entry WHERE idx >= 12")
    verdict = verify(line.north)
    assert verdict.first_fault is not None
    assert verdict.first_fault.index == 12
    assert "entries 12 to 13 are missing" in verdict.first_fault.what
    assert verdict.stands == 11


def test_entries_after_the_newest_head_are_named(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM head WHERE size = 14")
    fault = verify(line.north).first_fault
    assert fault is not None
    assert fault.index == 11
    assert "not covered by any signed head" in fault.what


def test_view_in_place_of_the_entries_is_not_even_read(line: Line) -> None:
    tamper(
        line.north.file,
        "ALTER TABLE entry RENAME TO truth",
        "CREATE VIEW entry AS SELECT * FROM truth",
        keep_triggers=True,
    )
    verdict = verify(line.north)
    assert [fault.sentence() for fault in verdict.faults] == [
        "the schema: table entry was replaced or altered"
    ]
    assert verdict.entries == 0


@pytest.mark.parametrize("name", ["entry_no_update", "entry_insert", "head_no_delete"])
def test_trigger_dropped_is_named_and_the_entries_still_stand(line: Line, name: str) -> None:
    tamper(line.north.file, f"DROP TRIGGER {name}", keep_triggers=True)
    verdict = verify(line.north)
    assert verdict.first_fault is not None
    assert verdict.first_fault.sentence() == f"the schema: trigger {name} was dropped or altered"
    assert (verdict.ok, verdict.stands) == (False, 14)


def test_file_that_is_no_database_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 1000)
    verdict = verify_ledger(tmp_path, identify=identify, verifier=verifier)
    assert not verdict.ok
    assert verdict.stands == 0


def test_file_with_a_page_of_zeros_does_not_verify(line: Line) -> None:
    whole = bytearray(line.north.file.read_bytes())
    whole[4096:8192] = bytes(4096)
    line.north.file.write_bytes(whole)
    assert not verify(line.north).ok


@pytest.mark.parametrize("start", [0, 25, 50, 75])
def test_file_with_a_flipped_bit_in_its_header_gets_a_verdict(line: Line, start: int) -> None:
    whole = line.north.file.read_bytes()
    for place in range(start, start + 25):
        line.north.file.write_bytes(flip(place, 1 << place % 8)(whole))
        verdict = verify(line.north)
        assert verdict.ok == (verdict.first_fault is None)


def test_file_with_flipped_bits_gets_a_verdict_that_never_overstates(line: Line) -> None:
    whole = line.north.file.read_bytes()
    for place in range(100, len(whole), 997):
        line.north.file.write_bytes(flip(place, 0x10)(whole))
        verdict = verify(line.north)
        assert verdict.ok == (verdict.first_fault is None)
        # Unused bytes of a page may flip; then everything a reader sees is the same.
        assert not verdict.ok or verdict.entries == verdict.stands == 14


@pytest.mark.parametrize("length", [0, 99, 4096, 20_000])
def test_file_cut_short_does_not_verify(line: Line, length: int) -> None:
    line.north.file.write_bytes(line.north.file.read_bytes()[:length])
    verdict = verify(line.north)
    assert (verdict.ok, verdict.stands) == (False, 0)


def test_log_with_flipped_bits_is_at_worst_a_cut_tail(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    ledger.append([draft(3)])
    log = north.file.with_name("ledger.db-wal")
    seized = Station("NORTH", north.home / "seized")
    seized.home.mkdir()
    for place in range(0, log.stat().st_size, 1009):
        shutil.copy(north.file, seized.file)
        seized.file.with_name("ledger.db-wal").write_bytes(flip(place, 4)(log.read_bytes()))
        verdict = verify(seized)
        assert verdict.entries <= 3
        assert not verdict.ok or verdict.stands == verdict.entries


def test_public_records_that_do_not_verify_leave_nothing_standing(line: Line) -> None:
    def refuse(_: object) -> None:
        raise IntegrityError("nobody signed this")

    verdict = verify_ledger(line.north.file, identify=refuse, verifier=verifier)  # type: ignore[arg-type]
    assert verdict.first_fault is not None
    assert verdict.first_fault.where == "the public records"
    assert (verdict.stands, verdict.root_words) == (0, {})


def test_ledger_of_a_stranger_to_the_line_does_not_verify(tmp_path: Path) -> None:
    stranger = Station("EAST", tmp_path / "east")
    ledger = stranger.create()
    admit(ledger)
    ledger.close()
    assert not verify(stranger).ok


def test_head_by_another_key_than_the_ledger_s_is_found(line: Line) -> None:
    verdict = verify(line.north)
    forged = sign_checkpoint(line.north.origin, 14, verdict.root, Key(b"thief"))
    rewrite(line.north.file, "head", "note", "size = 14", lambda _: forged)
    fault = verify(line.north).first_fault
    assert fault is not None
    assert "head of size 14" in " ".join(f.where for f in verify(line.north).faults)


def test_cosignature_on_another_log_is_found(line: Line) -> None:
    other = sha256(b"another log")
    note = sign_checkpoint(line.north.origin, 3, other, line.south.key)
    rewrite(line.north.file, "cosignature", "note", "size = 3", lambda _: note)
    assert not verify(line.north).ok


def test_clock_that_went_back_is_a_note(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    ledger.append([draft(5_000), draft(2_000)])
    ledger.close()
    verdict = verify(north)
    assert verdict.ok
    assert verdict.notes == ("the station's clock went back by 3.000 s at entry 3",)


def test_oversized_blob_is_refused_before_it_is_read(line: Line) -> None:
    tamper(line.north.file, "UPDATE entry SET sealed = zeroblob(500000) WHERE idx = 3")
    fault = verify(line.north).first_fault
    assert fault is not None
    assert fault.sentence() == "entry 3: it is larger than any entry may be"


def test_receipt_without_its_cosignature_is_found(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM cosignature WHERE size > 3")
    fault = verify(line.north).first_fault
    assert fault is not None
    assert "receipt for entry" in fault.what


def test_statement_subjects_of_the_rig_are_distinct() -> None:
    assert statement(1) != statement(2)


def test_chain_broken_under_good_heads_is_the_fault_of_the_later_entry(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    ledger._prev = sha256(b"a writer with a bug")
    ledger.append([draft(2)])
    ledger.append([draft(3)])
    ledger.close()
    verdict = verify(north)
    assert verdict.first_fault is not None
    assert (verdict.first_fault.index, verdict.stands) == (2, 2)
    assert "does not follow" in verdict.first_fault.what
