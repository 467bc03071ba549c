"""Two ledgers held against each other: docs/ledger.md §12."""

from __future__ import annotations

import shutil
from pathlib import Path

from hotline.ledger.reconcile import MissingTail, Reconciliation, reconcile
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import (
    Line,
    Station,
    admit,
    deliver,
    draft,
    identify,
    statement,
    tamper,
    verifier,
    work,
)


def compare(ours: Station, theirs: Station) -> Reconciliation:
    a = verify_ledger(ours.file, identify=identify, verifier=verifier)
    b = verify_ledger(theirs.file, identify=identify, verifier=verifier)
    return reconcile(a, ours.file, b, theirs.file)


def cut(file: Path, size: int) -> None:
    """Cut a ledger to `size` entries so neatly that it verifies by itself."""
    tamper(
        file,
        f"DELETE FROM entry WHERE idx >= {size}",
        f"DELETE FROM enclosure WHERE idx >= {size}",
        f"DELETE FROM head WHERE size > {size}",
        f"DELETE FROM cosignature WHERE size > {size}",
        f"DELETE FROM lasting WHERE size > {size}",
        f"DELETE FROM node WHERE ((idx + 1) << level) > {size}",
    )


def test_ledgers_of_one_line_reconcile(line: Line) -> None:
    result = compare(line.north, line.south)
    assert (result.ok, result.faults, result.missing_tail) == (True, (), ())
    assert (result.statements, result.receipted) == (6, 6)
    assert (result.only_ours, result.only_theirs) == ((), ())


def test_statement_on_its_way_is_listed_and_no_fault(line: Line) -> None:
    ledger = line.north.open()
    ledger.append([draft(99, kind=3, subject=statement(99), enclosure=b"item")])
    ledger.close()
    ours, theirs = compare(line.north, line.south), compare(line.south, line.north)
    assert (ours.ok, ours.only_ours) == (True, (statement(99),))
    assert (theirs.ok, theirs.only_theirs) == (True, (statement(99),))


def test_tail_cut_to_a_head_verifies_alone_and_is_named_by_the_peer(line: Line) -> None:
    cut(line.north.file, 6)
    assert verify_ledger(line.north.file, identify=identify, verifier=verifier).ok
    for result in (compare(line.north, line.south), compare(line.south, line.north)):
        assert not result.ok
        assert result.missing_tail == (MissingTail("NORTH", 6, 8),)
        assert any("entries 6 to 8 of NORTH's ledger are missing" in f for f in result.faults)


def test_peer_put_back_to_an_older_copy_is_found(line: Line, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(line.south.home, older)
    ours, theirs = line.north.open(), line.south.open()
    deliver(line.north, ours, line.south, theirs, 50)
    ours.close()
    theirs.close()
    result = compare(line.north, Station("SOUTH", older))
    assert not result.ok
    text = " ".join(result.faults)
    assert "holds a receipt" in text
    assert "does not record that" in text


def test_ledger_rewritten_with_the_key_in_hand_is_found(line: Line, tmp_path: Path) -> None:
    forged = Station("NORTH", tmp_path / "forged")
    work(forged, Station("SOUTH", tmp_path / "accomplice"), statements=6)
    rewritten = Station("NORTH", tmp_path / "rewritten")
    ledger = rewritten.create()
    admit(ledger)
    ledger.append([draft(number, content=b'{"never":"happened"}') for number in range(20)])
    ledger.close()
    assert verify_ledger(rewritten.file, identify=identify, verifier=verifier).ok
    result = compare(rewritten, line.south)
    assert not result.ok
    assert any("rewritten" in fault and "first 0 agree" in fault for fault in result.faults)


def test_statement_received_that_was_never_sent_is_found(line: Line) -> None:
    ledger = line.south.open()
    ledger.append([draft(7, kind=4, subject=statement(70), enclosure=b"item")])
    ledger.close()
    result = compare(line.north, line.south)
    assert any("does not record that it was sent" in fault for fault in result.faults)


def test_ledger_that_does_not_verify_is_not_compared(line: Line) -> None:
    tamper(line.north.file, "DELETE FROM entry WHERE idx = 3")
    result = compare(line.north, line.south)
    assert result.faults == ("the ledger of NORTH does not verify by itself",)


def test_ledger_against_itself_is_refused(line: Line) -> None:
    assert compare(line.north, line.north).faults == ("both ledgers are of NORTH",)


def test_file_exchanged_after_its_verdict_is_found(line: Line, tmp_path: Path) -> None:
    a = verify_ledger(line.north.file, identify=identify, verifier=verifier)
    b = verify_ledger(line.south.file, identify=identify, verifier=verifier)
    ledger = line.north.open()
    ledger.append([draft(1)])
    ledger.close()
    tamper(line.north.file, "UPDATE entry SET leaf = zeroblob(148) WHERE idx = 5")
    result = reconcile(a, line.north.file, b, line.south.file)
    assert any("not the one that was verified" in fault for fault in result.faults)
