from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.values import (
    Precedence,
    check_incident,
    check_station,
    digest_from_hex,
    sha256,
)


@given(st.binary(max_size=50))
def test_digest_read_back_is_the_digest(data: bytes) -> None:
    digest = sha256(data)
    assert digest_from_hex(digest.hex()) == digest


@pytest.mark.parametrize(
    "text", [None, 1, "", "ab" * 31, "ab" * 33, "AB" * 32, "g" * 64, "ab" * 32 + "\n", "٣" * 64]
)
def test_other_spelling_of_a_digest_is_refused(text: object) -> None:
    with pytest.raises(PeerError):
        digest_from_hex(text)


@pytest.mark.parametrize("name", ["A", "NORTH", "N-1", "A" * 16])
def test_station_name_stands(name: str) -> None:
    assert check_station(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "1A", "-A", "A" * 17, "A B", "A/", "Ä", "A\n", "A\u200b"]
)
def test_wrong_station_name_is_refused(name: str) -> None:
    with pytest.raises(PeerError):
        check_station(name)


@pytest.mark.parametrize("name", ["ABC", "1-2", "SOUTH-261122-01", "A" * 40])
def test_incident_name_stands(name: str) -> None:
    assert check_incident(name) == name


@pytest.mark.parametrize("name", ["", "AB", "A" * 41, "-AB", "ab-c", "A B", "ABC\n", "../AB"])
def test_wrong_incident_name_is_refused(name: str) -> None:
    with pytest.raises(PeerError):
        check_incident(name)


def test_precedence_sorts_the_most_urgent_first() -> None:
    shuffled = [Precedence.ROUTINE, Precedence.FLASH, Precedence.PRIORITY, Precedence.IMMEDIATE]
    assert [one.value for one in sorted(shuffled, key=lambda one: one.rank)] == [
        "FLASH",
        "IMMEDIATE",
        "PRIORITY",
        "ROUTINE",
    ]
