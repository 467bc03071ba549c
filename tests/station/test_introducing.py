"""Public records that a peer shows: how many of them a line takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.exchange.commands import AdmitRecord, Quarantine
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.enrol import RootKey
from hotline.sealing.items import RevocationItem
from hotline.sealing.revocation import PREPARED, Effect, Revocation, sign_revocation
from hotline.sealing.roster import MAX_RECORDS
from hotline.sealing.standing import MAX_CHAIN, MAX_UNNUMBERED
from hotline.station import introducing
from hotline.station.home import read_card
from hotline.station.introducing import (
    MAX_CERTIFICATES,
    MAX_LEDGER_KEYS,
    OUR_RECORDS,
    admit_offered,
    admit_withdrawal,
)
from hotline.station.ledger_keys import open_root
from tests.fakes.pairs import T0, End, make_ends


@pytest.fixture
def ends(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    return make_ends(tmp_path, tmp_path_factory.mktemp("founded"))


def root_of(end: End) -> RootKey:
    records = [one.encode() for one in read_card(end.home.only_line()).records]
    return open_root(end.home.keys / "root.key", None, records)


def prepared(root: RootKey, number: int) -> bytes:
    return sign_revocation(
        Revocation(
            station=root.station,
            realm=root.realm,
            counter=PREPARED,
            previous=ZERO_DIGEST,
            effect=Effect.REVOKE,
            subject=Digest(number.to_bytes(32)),
            reason="of a certificate that nobody has seen",
            at_ms=T0,
            since_ms=T0,
        ),
        root,
    )


def test_peer_has_a_share_of_the_records_of_a_line_and_no_more(
    ends: dict[str, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §4.22"""
    line = ends["NORTH"].line
    begun = sum(one.station == "SOUTH" for one in line.roster.certificates.values()) + 1
    monkeypatch.setattr(introducing, "MAX_GENERATIONS", 0)
    monkeypatch.setattr(introducing, "MAX_RECORDS", OUR_RECORDS + begun + 2)
    south = root_of(ends["SOUTH"])
    for number in range(2):
        item = RevocationItem(envelope=prepared(south, number))
        assert isinstance(admit_offered(line, "SOUTH", item), AdmitRecord)
    held = line.roster
    refused = admit_offered(line, "SOUTH", RevocationItem(envelope=prepared(south, 2)))
    assert isinstance(refused, Quarantine)
    assert "public records of each" in refused.reason
    assert line.roster is held
    # What is ours is not held back by what the peer did.
    assert admit_withdrawal(line, prepared(root_of(ends["NORTH"]), 3)) is not None


def test_share_of_a_line_of_two_holds_all_that_one_station_may_ever_show() -> None:
    most = MAX_CHAIN + 2 * MAX_UNNUMBERED + 2 * MAX_CERTIFICATES + MAX_LEDGER_KEYS
    roots = 1 + 64
    assert most + roots <= MAX_RECORDS - OUR_RECORDS - introducing.MAX_GENERATIONS
