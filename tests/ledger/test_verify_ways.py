"""How a ledger is verified: in blocks, on several cores, from a trusted head, with few heads."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records.checkpoint import Checkpoint, verify_checkpoint
from hotline.core.records.lasting import cosign_lasting, sign_lasting
from hotline.core.seams import LedgerIdentity
from hotline.core.values import sha256
from hotline.ledger.verdict import Damage, Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.mldsa import MldsaSigner, verify_mldsa65
from tests.ledger import rig
from tests.ledger.rig import NOW_MS, Line, Station, admit, draft, tamper, verifier
from tests.ledger.test_verify import flip, rewrite

SMALL_BLOCKS = "hotline.ledger.audit_fast.BLOCK_ENTRIES"
LASTING = {name: MldsaSigner(hashlib.sha256(name.encode()).digest()) for name in ("NORTH", "SOUTH")}


def identify(records: Sequence[bytes]) -> LedgerIdentity:
    keys = {name: (signer.public_key,) for name, signer in LASTING.items()}
    return replace(rig.identify(records), lasting_keys=keys)


def verify(station: Station, **asked: object) -> Verdict:
    return verify_ledger(station.file, identify=identify, verifier=verifier, **asked)  # type: ignore[arg-type]


def head_at(station: Station, size: int) -> Checkpoint:
    connection = sqlite3.connect(station.file)
    (note,) = connection.execute("SELECT note FROM head WHERE size = ?", (size,)).fetchone()
    connection.close()
    return verify_checkpoint(note, [station.key.public_key], verifier)


@pytest.fixture
def long(north: Station) -> Station:
    """A ledger of 60 entries under 31 heads, two of them signed for long."""
    ledger = north.create()
    admit(ledger)
    for number in range(2, 60, 2):
        head = ledger.append([draft(number), draft(number + 1)])
        if number in (20, 40):
            checkpoint = verify_checkpoint(head.note, [north.key.public_key], verifier)
            witness = Station("SOUTH", north.home).witness_name
            theirs = cosign_lasting(checkpoint, witness, LASTING["SOUTH"], NOW_MS // 1000)
            ledger.append(lasting=[sign_lasting(checkpoint, LASTING["NORTH"]), theirs])
    ledger.close()
    return north


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_ledger_verifies_alike_on_any_number_of_cores(
    long: Station, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    whole = verify(long, cores=1)
    monkeypatch.setattr(SMALL_BLOCKS, 7)
    told: list[tuple[int, int]] = []
    verdict = verify(long, cores=cores, progress=lambda *one: told.append(one))
    assert verdict == whole
    assert (verdict.ok, verdict.entries, verdict.stands) == (True, 60, 60)
    assert told == [*((done, 60) for done in range(7, 60, 7)), (60, 60)]


@pytest.mark.parametrize("index", [0, 1, 6, 7, 8, 13, 14, 30, 55, 59])
@pytest.mark.parametrize(
    ("column", "byte"), [("leaf", 25), ("leaf", 90), ("sealed", 40), ("leaf", 13)]
)
def test_first_bad_entry_is_the_same_whatever_the_blocks(
    long: Station, monkeypatch: pytest.MonkeyPatch, index: int, column: str, byte: int
) -> None:
    rewrite(long.file, "entry", column, f"idx = {index}", flip(byte))
    whole = verify(long)
    monkeypatch.setattr(SMALL_BLOCKS, 7)
    for cores in (1, 2) if (index, byte) == (30, 25) else (1,):
        verdict = verify(long, cores=cores, audit=False)
        assert verdict.first_fault == whole.first_fault
        assert verdict.stands == whole.stands == (index if index < 2 else index // 2 * 2)


def test_damaged_nodes_are_named_and_mislead_nobody(
    long: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SMALL_BLOCKS, 8)
    tamper(long.file, "UPDATE node SET hash = zeroblob(32) WHERE level = 3 AND idx = 0")
    verdict = verify(long)
    assert [fault.where for fault in verdict.faults] == ["the stored tree nodes"]
    assert verdict.stands == 60
    tamper(long.file, "DELETE FROM node WHERE level = 3 AND idx = 0")
    assert verify(long).stands == 60


def test_few_heads_are_all_judged_and_many_only_those_that_matter(
    long: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify(long, lasting_verifier=verify_mldsa65).examined.passed_over == 0
    monkeypatch.setattr("hotline.ledger.verify.MAX_AUDITED_HEADS", 10)
    seen = verify(long, lasting_verifier=verify_mldsa65).examined
    assert (seen.heads, seen.heads_stored, seen.lasting) == (3, 32, 4)
    assert seen.passed_over == 29
    audited = verify(long, audit=True).examined
    assert (audited.heads, audited.passed_over) == (32, 0)


@pytest.mark.parametrize(
    ("size", "alone"), [(10, True), (22, False), (42, False), (60, False), (0, True)]
)
def test_head_on_which_nobody_relies_is_judged_by_an_audit(
    long: Station, size: int, alone: bool
) -> None:
    rewrite(long.file, "head", "note", f"size = {size}", flip(-10))
    assert verify(long, audit=False).ok is alone
    assert not verify(long, audit=True).ok


@pytest.mark.parametrize("signer", ["NORTH/1", "SOUTH"])
def test_long_lasting_signature_that_was_altered_is_found(long: Station, signer: str) -> None:
    where = f"size = 22 AND signer LIKE '%{signer}'"
    rewrite(long.file, "lasting", "note", where, flip(-40))
    fault = verify(long, audit=False, lasting_verifier=verify_mldsa65).first_fault
    assert fault is not None
    assert fault.where == "a long-lasting signature on the head of size 22"
    assert verify(long).notes == (
        "4 long-lasting signatures were not judged: nothing here checks ML-DSA-65",
    )


def test_long_lasting_signature_of_a_stranger_or_on_another_root_is_found(long: Station) -> None:
    other = Checkpoint(long.origin, 20, sha256(b"another log"))
    note = sign_lasting(other, LASTING["NORTH"]).note
    tamper(long.file, f"INSERT INTO lasting VALUES('{long.origin}', 20, x'{note.hex()}')")
    fault = verify(long, lasting_verifier=verify_mldsa65).first_fault
    assert fault is not None
    assert fault.damage is Damage.FORKED
    thief = sign_lasting(other, MldsaSigner(bytes(32))).note
    tamper(long.file, f"UPDATE lasting SET note = x'{thief.hex()}' WHERE size = 20")
    fault = verify(long, lasting_verifier=verify_mldsa65).first_fault
    assert fault is not None
    assert fault.damage is Damage.UNKNOWN_KEY


def test_two_long_lasting_heads_of_the_peer_at_one_size_are_a_fork(line: Line) -> None:
    (size,) = sqlite3.connect(line.north.file).execute("SELECT max(size) FROM witnessed").fetchone()
    other = Checkpoint(line.south.origin, size, sha256(b"another log"))
    note = sign_lasting(other, LASTING["SOUTH"]).note
    tamper(
        line.north.file,
        f"INSERT INTO lasting VALUES('{line.south.origin}', {size}, x'{note.hex()}')",
    )
    fault = verify(line.north, lasting_verifier=verify_mldsa65).first_fault
    assert fault is not None
    assert fault.damage is Damage.FORKED
    assert fault.what == "the station signed two heads of that size"


@pytest.mark.parametrize("size", [0, 2, 14, 22, 58, 60])
def test_verification_from_a_trusted_head_looks_at_what_comes_after(
    long: Station, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(SMALL_BLOCKS, 8)
    told: list[int] = []
    since = head_at(long, size)
    verdict = verify(long, since=since, progress=lambda done, _: told.append(done))
    assert (verdict.ok, verdict.entries, verdict.stands) == (True, 60, 60)
    assert verdict.root == verify(long).root
    assert verdict.since == since
    assert min(told) > size or told == [60]
    if size < 60:
        rewrite(long.file, "entry", "sealed", f"idx = {size}", flip(40))
        assert verify(long, since=since).stands == size
    if size > 1:
        tamper(long.file, "UPDATE entry SET sealed = zeroblob(80) WHERE idx = 0")
        assert verify(long).first_fault != verify(long, since=since).first_fault


@pytest.mark.parametrize("index", [21, 3])
def test_leaf_before_a_trusted_head_counts_where_the_next_one_links_to_it(
    long: Station, index: int
) -> None:
    since = head_at(long, 22)
    rewrite(long.file, "entry", "leaf", f"idx = {index}", flip(90))
    assert verify(long, since=since).ok is (index == 3)


def test_file_that_does_not_lead_to_the_trusted_head_is_examined_whole(long: Station) -> None:
    other = Checkpoint(long.origin, 22, sha256(b"what was trusted"))
    verdict = verify(long, since=other)
    assert [fault.sentence() for fault in verdict.faults] == [
        "the trusted head: the first 22 entries are not those that it covers"
    ]
    assert verdict.faults[0].damage is Damage.REWRITTEN
    assert (verdict.entries, verdict.since) == (60, None)
    later = verify(long, since=Checkpoint(long.origin, 70, other.root)).first_fault
    assert later is not None
    assert (later.damage, later.index) == (Damage.CUT, 60)


def test_damaged_nodes_under_a_trusted_head_are_the_fault_and_not_the_entries(
    long: Station,
) -> None:
    since = head_at(long, 22)
    tamper(long.file, "UPDATE node SET hash = zeroblob(32) WHERE level = 4 AND idx = 0")
    verdict = verify(long, since=since)
    assert [fault.where for fault in verdict.faults] == ["the stored tree nodes"]


def test_trusted_head_of_another_log_is_wrong_input(long: Station) -> None:
    with pytest.raises(OperatorError, match="another log"):
        verify(long, since=Checkpoint(long.origin[:-1] + "2", 22, sha256(b"")))


def test_cosignatures_before_a_trusted_head_are_still_counted(line: Line) -> None:
    since = head_at(line.north, 14)
    verdict = verify(line.north, since=since)
    assert verdict.ok
    assert verdict.cosigned == {line.south.witness_name: 9}
    rewrite(line.north.file, "cosignature", "note", "size = 9", flip(-10))
    assert not verify(line.north, since=since).ok


DAMAGES = [
    ("UPDATE entry SET sealed = zeroblob(80) WHERE idx = 4", Damage.ALTERED),
    ("DELETE FROM entry WHERE idx = 4", Damage.MISSING),
    ("INSERT INTO entry SELECT -1, kind, subject, leaf, sealed FROM entry", Damage.INSERTED),
    ("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 9) WHERE idx = 4", "REORDERED"),
    ("DELETE FROM entry WHERE idx >= 12", Damage.CUT),
    ("DELETE FROM head WHERE size = 14", Damage.UNSIGNED),
    ("UPDATE entry SET sealed = zeroblob(99999) WHERE idx = 4", Damage.OVERSIZED),
    ("DELETE FROM public WHERE seq = 2", Damage.MISSING),
    ("CREATE TABLE more(x)", Damage.SCHEMA),
    ("DELETE FROM enclosure WHERE idx = 2", Damage.MISSING),
]


@pytest.mark.parametrize(("change", "damage"), DAMAGES, ids=[one[0][:40] for one in DAMAGES])
def test_kind_of_damage_is_named(line: Line, change: str, damage: str) -> None:
    tamper(line.north.file, change + (" LIMIT 1" if change.startswith("INSERT") else ""))
    fault = verify(line.north).first_fault
    assert fault is not None
    assert fault.damage == damage.lower()


def test_page_that_was_damaged_leaves_what_comes_before_it_standing(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    for number in range(2, 100):
        ledger.append([draft(number, content=b"x" * 900)])
    ledger.close()
    whole = bytearray(north.file.read_bytes())
    at = whole.rindex(draft_leaf(north, 60)) // 4096 * 4096
    whole[at : at + 4096] = bytes(4096)
    north.file.write_bytes(whole)
    verdict = verify(north)
    assert not verdict.ok
    assert 50 <= verdict.stands <= 60, verdict.faults
    assert {fault.damage for fault in verdict.faults} == {Damage.DAMAGED_FILE}
    assert any(fault.index == verdict.entries for fault in verdict.faults)


def draft_leaf(station: Station, index: int) -> bytes:
    connection = sqlite3.connect(station.file)
    (leaf,) = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (index,)).fetchone()
    connection.close()
    return bytes(leaf)


def test_bytes_behind_the_last_page_are_a_fault(long: Station) -> None:
    with long.file.open("ab") as file:
        file.write(bytes(4096))
    fault = verify(long).first_fault
    assert fault is not None
    assert fault.damage is Damage.INSERTED


def test_verification_in_parallel_leaves_no_file_behind(
    long: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(here))
    assert verify(long, cores=2).ok
    assert list(here.iterdir()) == []
