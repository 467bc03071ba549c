"""Ledgers of several generations held against the peer's: docs/ledger.md §12.5."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hotline.core.records.checkpoint import build_origin
from hotline.core.values import Realm, sha256
from hotline.ledger.generations import GenerationRecord
from hotline.ledger.reconcile import Reconciliation, Side, reconcile_sides
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import (
    LINE,
    NOW_MS,
    Line,
    Station,
    admit,
    deliver,
    draft,
    identify,
    statement,
    tamper,
    verifier,
)


@dataclass
class Second(Station):
    """A station in its second generation."""

    @property
    def origin(self) -> str:
        return build_origin(Realm.EXERCISE, LINE, self.name, 2)

    def create(self) -> Ledger:
        return Ledger.create(self.home, origin=self.origin, **self.keys)


@dataclass(frozen=True)
class Renewed:
    """NORTH was put back to its first 6 entries and went on; SOUTH had countersigned 9."""

    old: Station
    new: Station
    south: Station
    record: GenerationRecord

    def north(self, *, file: bool = True, record: GenerationRecord | None = None) -> Side:
        records = (record or self.record,) if record is not None or self.record else ()
        earlier = ((check(self.old), self.old.file),) if file else ()
        return Side(check(self.new), self.new.file, earlier, records)

    def compare(self, north: Side) -> Reconciliation:
        south = Side(check(self.south), self.south.file)
        there = reconcile_sides(south, north)
        here = reconcile_sides(north, south)
        assert sorted(here.faults) == sorted(there.faults)
        return here


def check(station: Station) -> Verdict:
    return verify_ledger(station.file, identify=identify, verifier=verifier)


@pytest.fixture
def renewed(line: Line, tmp_path: Path) -> Renewed:
    old = Station("NORTH", tmp_path / "generation-1")
    shutil.copytree(line.north.home, old.home)
    tamper(
        old.file,
        "DELETE FROM entry WHERE idx >= 6",
        "DELETE FROM enclosure WHERE idx >= 6",
        "DELETE FROM head WHERE size > 6",
        "DELETE FROM cosignature WHERE size > 6",
        "DELETE FROM witnessed WHERE seq > 1",
        "DELETE FROM node WHERE ((idx + 1) << level) > 6",
    )
    kept, before = check(old), check(line.north)
    assert kept.ok, kept.faults
    assert (kept.entries, before.entries) == (6, 14)
    record = GenerationRecord(
        station="NORTH",
        opened=2,
        kept_origin=old.origin,
        kept_size=kept.entries,
        kept_root=kept.root,
        countersigned_size=0,
        countersigned_root=sha256(b""),
        officers=("Duty officer LT A. Ramos", "Commander CDR B. Vega"),
        reason="the disk was exchanged",
        at_ms=NOW_MS,
    )
    new = Second("NORTH", tmp_path / "second")
    ours, theirs = new.create(), line.south.open()
    admit(ours)
    for number in (2, 4):
        ours.append([draft(number, kind=36, subject=statement(number))])
    deliver(new, ours, line.south, theirs, 60)
    ours.close()
    theirs.close()
    return Renewed(old, new, line.south, record)


def test_generation_that_officers_left_behind_is_a_note_that_says_what_was_lost(
    renewed: Renewed,
) -> None:
    found = renewed.compare(renewed.north())
    assert found.ok, found.faults
    assert found.missing_tail == ()
    assert found.notes[0] == (
        "generation 1 of NORTH's ledger was left behind at 6 entries; SOUTH had countersigned 9; "
        "entries 6 to 8 are lost to this station; Duty officer LT A. Ramos and Commander CDR "
        "B. Vega authorised this at 2026-11-22T14:31:26.000Z: the disk was exchanged"
    )


def test_generation_that_nobody_authorised_is_a_fault(renewed: Renewed) -> None:
    found = renewed.compare(replace(renewed.north(), records=()))
    assert not found.ok
    assert any("nothing says on whose authority it was left" in one for one in found.faults)


def test_more_statements_unknown_than_entries_were_lost_are_faults(renewed: Renewed) -> None:
    ledger = renewed.south.open()
    for number in range(70, 76):
        ledger.append([draft(7, kind=4, subject=statement(number), enclosure=b"item")])
    ledger.close()
    found = renewed.compare(renewed.north())
    assert any("does not record that it was sent" in one for one in found.faults)


def test_record_that_names_another_root_than_the_witness_saw_is_a_fault(renewed: Renewed) -> None:
    wrong = replace(renewed.record, countersigned_size=9, countersigned_root=sha256(b"other"))
    found = renewed.compare(renewed.north(record=wrong))
    assert any("countersigned another root of generation 1" in one for one in found.faults)


def test_officers_who_claim_more_countersigned_than_the_witness_gave_are_contradicted(
    renewed: Renewed,
) -> None:
    wrong = replace(renewed.record, countersigned_size=99)
    found = renewed.compare(renewed.north(record=wrong))
    assert any("say that 99 entries were countersigned; SOUTH" in one for one in found.faults)


def test_kept_file_that_was_rewritten_is_a_fault(renewed: Renewed, tmp_path: Path) -> None:
    forged = Station("NORTH", tmp_path / "forged")
    ledger = forged.create()
    admit(ledger)
    ledger.append([draft(number) for number in range(4)])
    ledger.close()
    north = replace(renewed.north(), earlier=((check(forged), forged.file),))
    found = renewed.compare(north)
    assert any("was rewritten" in one for one in found.faults)


@pytest.fixture
def written_on(renewed: Renewed, tmp_path: Path) -> Renewed:
    """The copy that was put back recorded more than SOUTH countersigned, before it was told."""
    return write_on(renewed, 4)


def write_on(renewed: Renewed, entries: int) -> Renewed:
    """Put head.db back with the copy, and let the copy record some more before it is left."""
    before = check(renewed.old)
    tamper(
        renewed.old.home / "head.db",
        f"UPDATE released SET size = {before.entries}, root = x'{before.root.hex()}'",
    )
    ledger = renewed.old.open()
    ledger.append([draft(7) for _ in range(entries)])
    ledger.close()
    kept = check(renewed.old)
    assert kept.ok, kept.faults
    assert kept.entries == 6 + entries
    record = replace(renewed.record, kept_size=kept.entries, kept_root=kept.root)
    return replace(renewed, record=record)


def test_copy_that_was_written_on_before_its_peer_told_it_is_explained(
    written_on: Renewed,
) -> None:
    found = written_on.compare(written_on.north())
    assert found.ok, found.faults
    left, back = found.notes[0], found.notes[1]
    assert left.startswith(
        "generation 1 of NORTH's ledger was left behind at 10 entries; SOUTH had countersigned 9; "
    )
    assert "are the same there, the file then ends in" in left
    assert "that SOUTH did not countersign" in left
    assert " to 8 are lost to this station; Duty officer LT A. Ramos and" in left
    assert back == (
        "2 statements of NORTH that it had lost came back from SOUTH and stand in its ledger again"
    )


def test_end_of_a_kept_file_that_no_head_judges_is_said_to_be_unjudged(
    renewed: Renewed,
) -> None:
    found = (late := write_on(renewed, 1)).compare(late.north())
    assert found.ok, found.faults
    assert "no head that SOUTH countersigned says whether the 1 entry after them" in found.notes[0]


def test_copy_that_was_written_on_after_the_officers_signed_is_a_fault(
    written_on: Renewed,
) -> None:
    for changed in ({"kept_size": 6}, {"kept_root": sha256(b"other")}, {"kept_origin": "x"}):
        record = replace(written_on.record, **changed)  # type: ignore[arg-type]
        found = written_on.compare(written_on.north(record=record))
        assert any("was rewritten" in one for one in found.faults), changed
    found = written_on.compare(replace(written_on.north(), records=()))
    assert any("was rewritten" in one for one in found.faults)


def test_older_file_of_a_renewed_ledger_is_told_that_a_later_one_is_known(
    renewed: Renewed,
) -> None:
    found = renewed.compare(Side(check(renewed.old), renewed.old.file))
    assert any("also countersigned generation 2" in one for one in found.notes)


def test_many_contradictions_are_counted_and_not_all_told(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.ledger.reconcile.MAX_TOLD_STATEMENTS", 3)
    monkeypatch.setattr("hotline.ledger.reconcile.MAX_LISTED", 2)
    ours, theirs = line.north.open(), line.south.open()
    for number in range(70, 76):
        theirs.append([draft(7, kind=4, subject=statement(number), enclosure=b"item")])
        ours.append([draft(7, kind=3, subject=statement(number + 100), enclosure=b"item")])
    ours.close()
    theirs.close()
    found = reconcile_sides(
        Side(check(line.north), line.north.file), Side(check(line.south), line.south.file)
    )
    assert len([one for one in found.faults if "that it was sent" in one]) == 3
    assert "the same of 3 more statements" in found.faults
    assert (len(found.only_ours), found.only_ours_count) == (2, 6)


def test_ledger_without_a_readable_origin_is_not_named(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM head")
    found = reconcile_sides(
        Side(check(line.north), line.north.file), Side(check(line.south), line.south.file)
    )
    assert found.faults == ("one of the ledgers does not verify by itself",)
