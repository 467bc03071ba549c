from __future__ import annotations

from hotline.review.opening import Record
from hotline.review.replay import ReplayFeed
from hotline.review.telling import standing, tell
from tests.fakes.line import phrasebook, rules


def test_ledger_is_told_entry_by_entry_then_as_it_stood(record: Record) -> None:
    lines = list(tell(record, rules(), phrasebook()))
    assert lines[0].startswith("The ledger of NORTH on line north-south, EXERCISE: ")
    assert lines[1].startswith("-- 20")
    numbered = [line for line in lines if line[:5].strip().isdigit()]
    assert [int(line[:5]) for line in numbered] == list(range(len(record.happenings)))
    end = lines[lines.index(numbered[-1]) + 1 :]
    assert end[0].startswith("-- state at ")
    assert any(line.startswith("incident   SOUTH-") for line in end)
    assert any(line.startswith("waits for") and "to read" in line for line in end)
    assert all("\n" not in line for line in lines)


def test_state_before_the_first_event_is_empty(record: Record) -> None:
    lines = list(standing(ReplayFeed(record, rules(), phrasebook())))
    assert f"after 0 of {len(record.happenings)} events" in lines[0]
    assert "statements none out, none in" in lines[3]
    assert lines[-1] == "waits for  nothing"
