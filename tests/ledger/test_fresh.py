"""What a writer keeps in memory is what the disk would give back: docs/ledger.md §9."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hotline.core.records.entry import Draft
from hotline.core.records.merkle import Frontier, read_frontier
from hotline.core.values import ZERO_DIGEST
from hotline.ledger import fresh
from hotline.ledger.batch import Batch, Composer
from hotline.ledger.fresh import MAX_FRESH_ENTRIES, Fresh
from tests.ledger.rig import Counter, Sealer, Station, draft


def composed(station: Station, drafts: Sequence[Draft]) -> Batch:
    composer = Composer(station.origin, Sealer(), Counter())
    return composer.compose(drafts, Frontier(), ZERO_DIGEST)


def test_entries_kept_are_the_newest_and_no_others(north: Station) -> None:
    kept, size = Fresh(), MAX_FRESH_ENTRIES + 10
    kept.remember(composed(north, [draft(number) for number in range(size)]))
    for index in (0, 9, size, size + 5):
        assert kept.entry(index) is None
    for index in (10, 77, size - 1):
        entry = kept.entry(index)
        assert entry is not None
        assert (entry.index, entry.content) == (index, draft(index).content)


def test_entry_before_anything_was_written_is_none() -> None:
    assert Fresh().entry(0) is None
    assert Fresh().node(0, 0) is None


def test_entries_and_nodes_are_those_that_the_disk_gives_back(north: Station) -> None:
    ledger = north.create()
    drafts = [draft(n, kind=3, subject=bytes([n]) * 32, enclosure=b"item") for n in range(1, 20)]
    ledger.append(drafts)
    remembered = [ledger._fresh.entry(index) for index in range(19)]
    nodes = [ledger._fresh.node(level, place) for level in range(4) for place in range(2)]
    ledger.close()
    again = north.open()
    assert list(again.entries(0, 19)) == remembered
    assert [again._node(level, place) for level in range(4) for place in range(2)] == nodes


def test_nodes_forgotten_are_read_from_the_disk(
    north: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "MAX_FRESH_NODES", 8)
    ledger = north.create()
    for number in range(40):
        ledger.append([draft(number)])
    assert ledger._fresh.node(0, 0) is None
    assert read_frontier(ledger._node, 40).root() == ledger.root
