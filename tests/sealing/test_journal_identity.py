"""Whose ledger it is when its public records are those of one station alone."""

from __future__ import annotations

import pytest

from hotline.core.errors import IntegrityError
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.enrol import StationKeys, Subject, new_station_keys
from hotline.sealing.fingerprint import root_words
from hotline.sealing.roster import JOURNAL_NAME, identify_ledger, names_of


def station(name: str) -> StationKeys:
    return new_station_keys(
        station=name,
        realm=Realm.EXERCISE,
        officers=(Subject("ramos", "A. Ramos", "LT", "Duty officer"),),
        at_ms=system_clock(),
        entropy=system_entropy,
    )


@pytest.fixture(scope="module")
def north() -> StationKeys:
    return station("NORTH")


@pytest.fixture(scope="module")
def south() -> StationKeys:
    return station("SOUTH")


def test_root_and_certificates_alone_are_those_of_a_journal(north: StationKeys) -> None:
    found = identify_ledger(north.records)
    assert found.name == JOURNAL_NAME
    assert found.line == north.root.digest
    assert found.realm is Realm.EXERCISE
    assert found.members == ("NORTH",)
    assert found.ledger_keys == {"NORTH": (north.ledger.signer.public_key.ed25519,)}
    assert found.lasting_keys == {"NORTH": (north.ledger.signer.public_key.mldsa65,)}
    assert found.root_words == {"NORTH": root_words(north.root.digest)}
    certified = {north.console.cert_id, north.ledger.cert_id, north.officers["ramos"].cert_id}
    assert found.record_digests == {north.root.digest, *certified}


def test_names_of_a_journal_are_those_of_its_certificates(north: StationKeys) -> None:
    names = names_of(north.records)
    assert names[north.officers["ramos"].cert_id.hex()] == "Duty officer LT A. Ramos"
    assert len(names) == 3


def test_root_alone_names_no_key(north: StationKeys) -> None:
    assert identify_ledger([north.root.record]).ledger_keys == {"NORTH": ()}


def test_two_roots_are_no_journal(north: StationKeys, south: StationKeys) -> None:
    with pytest.raises(IntegrityError, match="charter"):
        identify_ledger([*north.records, *south.records])


def test_certificate_of_another_root_is_refused(north: StationKeys, south: StationKeys) -> None:
    with pytest.raises(IntegrityError, match="issuer"):
        identify_ledger([*north.records, south.ledger.certificate])


def test_records_without_a_root_are_refused(north: StationKeys) -> None:
    with pytest.raises(IntegrityError):
        identify_ledger([north.ledger.certificate])
    with pytest.raises(IntegrityError):
        identify_ledger([])


def test_altered_certificate_of_a_journal_is_refused(north: StationKeys) -> None:
    spoilt = north.ledger.certificate.replace(b'"sig":"', b'"sig":"AAAA', 1)
    with pytest.raises(IntegrityError):
        identify_ledger([north.root.record, spoilt])
