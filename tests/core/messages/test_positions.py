"""Positions: many entry forms, one canonical spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.messages.positions import parse_position

HERE = "54-31.200N 011-02.500E"


@pytest.mark.parametrize(
    "typed",
    [
        HERE,
        "54-31.2N 011-02.5E",
        "54-31.2n, 11-2.5e",
        "54 31.2 N 11 02.5 E",
        "54°31.2'N 11°02.5'E",
        "54°31′12″N 011°02′30″E",
        "54-31-12N 011-02-30E",
        "54:31:12N 11:02:30E",
        "N54-31.2 E011-02.5",
        "54.52N 11.0416667E",
        "54.52 11.0416667",
        "54.52, +11.0416667",
    ],
)
def test_position_in_any_entry_form_is_one_value(typed: str) -> None:
    assert parse_position(typed) == HERE


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("-0.0 -0.0", "00-00.000N 000-00.000E"),
        ("0-00.000S 000-00.000W", "00-00.000N 000-00.000E"),
        ("0 -180", "00-00.000N 180-00.000E"),
        ("-90 180", "90-00.000S 180-00.000E"),
        ("-54.52 -11.5", "54-31.200S 011-30.000W"),
        ("12.99999999 0", "13-00.000N 000-00.000E"),
        ("54-59.9996N 0E", "55-00.000N 000-00.000E"),
    ],
)
def test_position_at_an_edge_has_one_spelling(typed: str, value: str) -> None:
    assert parse_position(typed) == value


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("91N 0E", "latitude beyond 90"),
        ("90-00.001N 0E", "latitude beyond 90"),
        ("0N 180-00.001W", "longitude beyond 180"),
        ("54-60N 11E", "60 or more"),
        ("54-31-60N 11E", "60 or more"),
        ("54.5-31N 11E", "fraction before its last part"),
        ("54-31.2N", "latitude and a longitude"),
        ("11-02.5E 54-31.2N", "latitude and a longitude"),
        ("54-31.2N 011-02.5N", "latitude and a longitude"),
        ("-54-31.2N 11E", "latitude and a longitude"),
        ("54 31.2 11 02.5", "latitude and a longitude"),
        ("５４N 11E", "latitude and a longitude"),
        ("here", "latitude and a longitude"),
        ("", "latitude and a longitude"),
    ],
)
def test_position_that_is_none_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        parse_position(typed)


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
def test_position_from_signed_degrees_stays_within_half_a_thousandth_of_a_minute(
    lat_udeg: int, lon_udeg: int
) -> None:
    value = parse_position(f"{_degrees(lat_udeg)} {_degrees(lon_udeg)}")
    assert parse_position(value) == value
    lat, lon = value.split()
    assert abs(_milliminutes(lat) * 1000 - lat_udeg * 60) <= 500
    apart = abs(_milliminutes(lon) * 1000 - lon_udeg * 60)
    assert min(apart, 21_600_000_000 - apart) <= 500


def _degrees(udeg: int) -> str:
    return f"{'-' if udeg < 0 else ''}{abs(udeg) // 1_000_000}.{abs(udeg) % 1_000_000:06d}"


def _milliminutes(angle: str) -> int:
    degrees, _, minutes = angle[:-1].partition("-")
    size = int(degrees) * 60_000 + int(minutes.replace(".", ""))
    return -size if angle[-1] in "SW" else size
