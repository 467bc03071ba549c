"""Reads for one kind and for one page go by an index: docs/ledger.md §9.7."""

from __future__ import annotations

import sqlite3

import pytest

from hotline.core.errors import IntegrityError
from hotline.ledger import reader
from hotline.ledger.pages import _PAGE, PAGE_ENTRIES
from hotline.ledger.store import Ledger
from tests.ledger.rig import Sealer, Station, draft, tamper

SIZE = 3 * PAGE_ENTRIES


def fill(ledger: Ledger, size: int = SIZE) -> None:
    """Every third entry is of kind 19, the others of kind 18."""
    ledger.append([draft(number, kind=18 + (number % 3 == 0)) for number in range(size)])


@pytest.fixture
def filled(north: Station) -> Ledger:
    ledger = north.create()
    fill(ledger)
    ledger.close()
    return north.open()


def test_entries_of_a_kind_come_in_order_and_are_all_there(filled: Ledger) -> None:
    found = list(filled.of_kind(19))
    assert [entry.index for entry in found] == list(range(0, SIZE, 3))
    assert all(entry.kind == 19 for entry in found)
    assert found[7].content == draft(21).content


def test_entries_of_a_kind_newest_first_come_backwards(filled: Ledger) -> None:
    found = [entry.index for entry in filled.of_kind(18, newest_first=True)]
    assert found == [index for index in reversed(range(SIZE)) if index % 3]


@pytest.mark.parametrize("newest_first", [False, True])
def test_entries_of_a_kind_stay_in_the_range(filled: Ledger, newest_first: bool) -> None:
    found = [entry.index for entry in filled.of_kind(19, 4, 13, newest_first=newest_first)]
    assert sorted(found) == [6, 9, 12]
    assert list(filled.of_kind(19, 13, 4)) == []
    assert list(filled.of_kind(77)) == []


def test_entries_of_a_kind_end_where_the_reader_began(north: Station) -> None:
    ledger = north.create()
    fill(ledger, 10)
    readonly = Ledger.open_read_only(north.home, sealer=Sealer())
    ledger.append([draft(10, kind=19)])
    assert [entry.index for entry in readonly.of_kind(19)] == [0, 3, 6, 9]
    assert [entry.index for entry in ledger.of_kind(19)] == [0, 3, 6, 9, 10]


def test_kind_is_appended_while_it_is_read(north: Station) -> None:
    ledger = north.create()
    fill(ledger, 4)
    for entry in ledger.of_kind(19):
        if entry.index < 9:
            ledger.append([draft(90, kind=19)])
    assert ledger.size == 6


def test_row_that_says_another_kind_than_its_leaf_is_refused(north: Station) -> None:
    ledger = north.create()
    fill(ledger, 9)
    ledger.close()
    tamper(north.file, "UPDATE entry SET kind = 19 WHERE idx = 4")
    ledger = north.open()
    with pytest.raises(IntegrityError, match="entry 4 is of another kind"):
        list(ledger.of_kind(19))


@pytest.mark.parametrize("sql", [reader._OF_KIND, reader._OF_KIND_BACK, _PAGE])
def test_read_for_a_kind_or_a_page_does_not_scan(north: Station, sql: str) -> None:
    north.create().close()
    connection = sqlite3.connect(north.file)
    plan = str(connection.execute("EXPLAIN QUERY PLAN " + sql, (1,) * sql.count("?")).fetchall())
    assert "SEARCH entry" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
