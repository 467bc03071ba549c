"""Flipped bits in the real public records of a line: none is accepted as what it was."""

from __future__ import annotations

import pytest

from hotline.core.errors import HotlineError
from hotline.ledger.public import record_digest
from hotline.sealing.roster import Roster, identify_ledger
from hotline.station.home import read_card
from tests.fakes.writer import found
from tests.ledger.tamper.flips import Flip

STRIDE_BITS = 2_003


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    card = read_card(found(tmp_path_factory.mktemp("homes")).only_line())
    return [record.encode() for record in card.records]


def refused(records: list[bytes], place: int, record: bytes) -> bool:
    """Return whether the line does not rest on `record` in the place of the true one."""
    try:
        accepted = identify_ledger([*records[:place], record, *records[place + 1 :]])
        return record_digest(record) not in accepted.record_digests
    except HotlineError:
        return True


def test_records_untouched_are_those_that_the_line_rests_on(records: list[bytes]) -> None:
    assert not any(refused(records, place, record) for place, record in enumerate(records))
    assert Roster.read(records).members


def test_record_with_any_bit_flipped_is_refused(records: list[bytes]) -> None:
    accepted = [
        (place, str(Flip(at >> 3, at & 7)))
        for place, record in enumerate(records)
        for at in range(place, len(record) * 8, STRIDE_BITS)
        if not refused(records, place, Flip(at >> 3, at & 7).of(record))
    ]
    assert accepted == []
