from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hotline.core.errors import OperatorError
from hotline.ledger.verdict import Fault, Verdict
from hotline.review.opening import Record, check_file
from hotline.review.reviewing import review_ledgers
from hotline.review.verdicts import (
    Review,
    countersigned,
    headline_of,
    verdict_lines,
)
from tests.ledger.rig import tamper
from tests.ledger.test_reconcile import cut
from tests.review.rig import Worked, ledger_of


def text_of(review: Review) -> str:
    return "\n".join(review.lines())


def test_good_ledger_says_what_stands_and_what_nobody_can_know(kept: Worked) -> None:
    review = review_ledgers(kept.north, None)
    text = text_of(review)
    assert review.ok
    assert text.startswith("The ledger of NORTH on line north-south, EXERCISE: ")
    assert "VERIFIED." in text.splitlines()[0]
    assert f"SOUTH countersigned the first {countersigned(review.ours)['SOUTH']} entries." in text
    assert "--peer LEDGER" in text
    assert "What was never recorded leaves no trace" in text
    assert "identity not established: no card was given." in text
    assert f"NORTH: {review.ours.root_words['NORTH']}" in text


def test_tail_that_nobody_countersigned_is_named(record: Record) -> None:
    verdict = replace(record.verdict, entries=40, stands=40, cosigned={"hotline/E/0/SOUTH": 37})
    tail = "Entries 37 to 39: countersigned by nobody yet, so NORTH alone vouches for them."
    assert f"  {tail}" in list(verdict_lines(verdict))
    alone = replace(verdict, cosigned={})
    assert any("Entries 0 to 39: countersigned by nobody" in one for one in verdict_lines(alone))
    whole = replace(verdict, cosigned={"hotline/E/0/SOUTH": 40})
    assert not any("nobody" in one for one in verdict_lines(whole))


def test_two_ledgers_that_reconcile_say_so_once(kept: Worked) -> None:
    review = review_ledgers(kept.north, kept.south)
    text = text_of(review)
    assert review.ok
    assert "The ledgers of NORTH and SOUTH RECONCILE: " in text
    assert text.count("identity not established") == 1
    assert "--peer" not in text


def test_bad_entry_is_named_with_its_kind_in_words(worked: Worked) -> None:
    tamper(ledger_of(worked.north), "UPDATE entry SET sealed = zeroblob(90) WHERE idx = 18")
    review = review_ledgers(worked.north, None)
    text = text_of(review)
    assert not review.ok
    assert "DOES NOT VERIFY" in text.splitlines()[0]
    assert "First bad entry: entry 18 (" in text
    kind = next(line for line in text.splitlines() if "entry 18 (" in line)
    assert "(kind " not in kind
    assert "its sealed content was altered." in kind
    assert "Entries 0 to 1" in text
    assert "still stand: a good signed head covers them." in text
    assert text.endswith("Keep every file as it is and call the reviewer.")


def test_fault_that_is_no_entry_leaves_the_entries_standing(worked: Worked) -> None:
    tamper(ledger_of(worked.north), "UPDATE cosignature SET note = zeroblob(200)")
    review = review_ledgers(worked.north, None)
    text = text_of(review)
    assert "First fault: a cosignature on the head of size " in text
    assert f"Entries 0 to {review.ours.entries - 1} still stand: good signed heads" in text


def test_nothing_stands_is_said(record: Record) -> None:
    broken = replace(
        record.verdict, ok=False, stands=0, first_fault=Fault(0, "its leaf was altered", "entry 0")
    )
    assert "  No entry stands on this file alone." in list(verdict_lines(broken))


def test_many_faults_are_counted_not_told(record: Record) -> None:
    faults = tuple(Fault(None, f"fault {number}", "it") for number in range(30))
    broken = replace(record.verdict, ok=False, first_fault=faults[0], faults=faults)
    told = [one for one in verdict_lines(broken) if "Also: " in one]
    assert (len(told), told[-1]) == (11, "  Also: 19 more")


def test_ledger_whose_records_do_not_verify_is_of_nobody(worked: Worked) -> None:
    tamper(ledger_of(worked.north), "DELETE FROM public WHERE seq = 1")
    review = review_ledgers(worked.north, None)
    assert "does not establish whose it is" in headline_of(review.ours)
    assert json.loads(json.dumps(review.as_json()))["ledger"]["line"] is None


def test_cut_tail_is_named_by_the_peer_only(worked: Worked) -> None:
    file = ledger_of(worked.north)
    entries = check_file(file).entries
    size = max(length for length in worked.live if length < entries - 10)
    cut(file, size)
    assert review_ledgers(worked.north, None).ok
    review = review_ledgers(worked.north, worked.south)
    assert not review.ok
    assert "The ledgers of NORTH and SOUTH DO NOT RECONCILE." in text_of(review)
    assert f"entries {size} to " in text_of(review)
    assert "of NORTH's ledger are missing" in text_of(review)
    tail = review.as_json()["reconciliation"]["missing_tail"]
    assert (tail[0]["station"], tail[0]["first"]) == ("NORTH", size)


def test_same_ledger_twice_is_wrong_input(kept: Worked) -> None:
    with pytest.raises(OperatorError, match="both ledgers are of NORTH"):
        review_ledgers(kept.north, kept.north)


def test_json_says_the_same_as_the_verdict(kept: Worked) -> None:
    review = review_ledgers(kept.north, kept.south)
    found = json.loads(json.dumps(review.as_json()))
    assert set(found) == {"ok", "identity", "ledger", "peer", "reconciliation"}
    ours: Verdict = review.ours
    assert (found["ledger"]["entries"], found["ledger"]["root"]) == (ours.entries, ours.root.hex())
    assert found["ledger"]["first_fault"] is None
    assert found["peer"]["station"] == "SOUTH"
    assert found["reconciliation"]["receipted"] == found["reconciliation"]["statements"] > 5
