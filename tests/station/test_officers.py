"""Officers: certified by the root, for a while, under keys of their own; and who learns of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import MAX_VALIDITY_MS, Usage
from hotline.sealing.enrol import Subject
from hotline.station import officers
from hotline.station.home import Home, open_officer, read_card, read_line
from hotline.station.identity import read_identity
from hotline.station.officers import add_officer, level_records, renew_officer
from hotline.station.upkeep import at_work
from tests.station.homes import DAY_MS, NOW_MS, Place, begin, enrol, nothing
from tests.station.test_enrolling import power_cut


def bound(directory: Path) -> set[bytes]:
    """Return the public records that a ledger binds."""
    reader = Ledger.open_read_only(directory)
    try:
        return set(reader.public_records())
    finally:
        reader.close()


def certificates(place: Place) -> dict[str, bytes]:
    """Return the newest certificate's envelope of each officer."""
    identity = read_identity(place.home)
    found = identity.verified().certificates
    by_id = {one.id: one for one in found.values()}
    from hotline.ledger.public import record_digest

    return {
        by_id[record_digest(record)].person: record
        for record in identity.envelopes
        if record_digest(record) in by_id and by_id[record_digest(record)].usage == Usage.STATEMENT
    }


def test_officer_is_certified_under_a_key_of_the_officer_s_own(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    certificate = north.add("n2", rank="CDR", role="Deputy")
    assert certificate.shown == "Deputy CDR Officer n2"
    assert certificate.covers(NOW_MS)
    assert certificate.not_after_ms - certificate.not_before_ms == MAX_VALIDITY_MS
    keys = [read_key_file(north.home.officer(one), None).seeds for one in ("north1", "n2")]
    assert keys[0] != keys[1]
    assert certificates(north)["n2"] in bound(north.home.path / "journal")


def test_serials_of_a_root_are_never_used_twice(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    north.add("n2")
    north.now_ms += DAY_MS
    renew_officer(north.bench, "n2", north.root_file, north.catalogue)
    found = read_identity(north.home).verified().certificates.values()
    assert sorted(one.serial for one in found) == list(range(1, len(found) + 1))


@pytest.mark.parametrize("person", ["north1", "NORTH1"])
def test_officer_of_a_known_name_is_refused(tmp_path: Path, person: str) -> None:
    north = begin(tmp_path / "n", "NORTH")
    before = (north.home.path / "station.json").read_bytes()
    with pytest.raises(OperatorError, match="is an officer here already"):
        north.add(person)
    assert (north.home.path / "station.json").read_bytes() == before


@pytest.mark.parametrize("person", ["", "a b", "../x", "x" * 41])
def test_officer_whose_id_is_none_leaves_nothing(tmp_path: Path, person: str) -> None:
    north = begin(tmp_path / "n", "NORTH")
    before = sorted(path.name for path in north.home.keys.iterdir())
    with pytest.raises(OperatorError):
        north.add(person)
    assert sorted(path.name for path in north.home.keys.iterdir()) == before


@pytest.mark.parametrize("days", [0, 93])
def test_certificate_for_longer_than_92_days_is_refused(tmp_path: Path, days: int) -> None:
    north = begin(tmp_path / "n", "NORTH")
    subject = Subject("n2", name="Two")
    with pytest.raises(OperatorError, match="1 to 92 days"):
        add_officer(north.bench, subject, nothing, north.root_file, north.catalogue, days)
    assert "n2" not in read_identity(north.home).officers()


def test_officer_cannot_be_added_without_the_root_or_with_another_s(tmp_path: Path) -> None:
    north, south = begin(tmp_path / "n", "NORTH"), begin(tmp_path / "s", "SOUTH")
    subject = Subject("n2", name="Two")
    for root_file, said in (
        (tmp_path / "gone.key", "gone.key is not there"),
        (south.root_file, "is not the root of this station"),
        (north.home.keys / "console.key", "holds no root key"),
    ):
        with pytest.raises(OperatorError, match=said):
            add_officer(north.bench, subject, nothing, root_file, north.catalogue)
    assert not north.home.officer("n2").exists()


def test_renewed_officer_keeps_key_and_name_and_signs_by_the_new_certificate(
    tmp_path: Path,
) -> None:
    north, _ = enrol(tmp_path)
    before = read_identity(north.home).officers()["north1"]
    north.now_ms += 60 * DAY_MS
    after = renew_officer(north.bench, "north1", north.root_file, north.catalogue)
    assert (after.key, after.shown) == (before.key, before.shown)
    assert after.not_after_ms > before.not_after_ms
    _, _, line = read_line(north.home, None, north.bench.clock, system_entropy)
    certificate, _ = open_officer(north.home, line.roster, "north1", None)
    assert certificate.id == after.id


def test_renewal_of_nobody_or_with_another_key_is_refused(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    north.add("n2")
    with pytest.raises(OperatorError, match="n3 is no officer of this station"):
        renew_officer(north.bench, "n3", north.root_file, north.catalogue)
    other = north.home.officer("north1").read_bytes()
    north.home.officer("n2").write_bytes(other)
    with pytest.raises(OperatorError, match="holds another key than the certificate"):
        renew_officer(north.bench, "n2", north.root_file, north.catalogue)


def test_officer_added_to_a_line_is_bound_in_its_ledger_and_speaks_on_it(tmp_path: Path) -> None:
    north, _ = enrol(tmp_path)
    north.add("n2")
    record = certificates(north)["n2"]
    directory = north.home.only_line()
    assert record in bound(directory)
    assert record.decode() in read_card(directory).records
    _, _, line = read_line(north.home, None, north.bench.clock, system_entropy)
    open_officer(north.home, line.roster, "n2", None)
    admitted = [
        entry for entry in _entries(directory) if ev.EVENTS[entry].__name__ == "RecordAdmitted"
    ]
    assert len(admitted) == len(read_card(directory).records)


def _entries(directory: Path) -> list[int]:
    reader = Ledger.open_read_only(directory)
    try:
        return [leaf.kind for leaf in reader.leaves(0, reader.size)]
    finally:
        reader.close()


def test_officer_is_not_added_while_the_station_runs(tmp_path: Path) -> None:
    north, _ = enrol(tmp_path)
    with at_work(north.bench), pytest.raises(StorageError, match="a station works this home now"):
        north.add("n2")
    assert not north.home.officer("n2").exists()
    assert "n2" not in read_identity(north.home).officers()


def test_addition_cut_before_it_was_certified_goes_on_with_the_key_that_was_made(
    tmp_path: Path,
) -> None:
    north = begin(tmp_path / "n", "NORTH")
    with power_cut(officers, "with_record"):
        north.add("n2")
    made = north.home.officer("n2").read_bytes()
    assert "n2" not in read_identity(north.home).officers()
    north.add("n2")
    assert north.home.officer("n2").read_bytes() == made
    assert "n2" in read_identity(north.home).officers()


def test_addition_cut_before_the_line_knew_is_finished_by_the_next_call(tmp_path: Path) -> None:
    north, _ = enrol(tmp_path)
    with power_cut(officers, "_tell_line", 1):
        north.add("n2")
    record = certificates(north)["n2"]
    assert record not in bound(north.home.only_line())
    level_records(north.bench, north.catalogue)
    assert record in bound(north.home.only_line())


def test_station_file_that_was_altered_is_not_believed(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    path = north.home.path / "station.json"
    path.write_text(path.read_text().replace('"NORTH"', '"SOUTH"'))
    with pytest.raises(IntegrityError, match="names another station than its root"):
        north.card()
    path.write_text("{}")
    with pytest.raises(OperatorError, match=r"station\.json: "):
        read_identity(north.home)
    with pytest.raises(OperatorError, match="holds no station"):
        read_identity(Home(tmp_path / "none"))
