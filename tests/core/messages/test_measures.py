"""Numbers with units, without floats."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.messages.measures import (
    format_decimal,
    parse_decimal,
    parse_measure,
    parse_minutes,
)
from hotline.core.messages.template import FieldType
from tests.core.messages.forms import spec_of


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("0", "0"), ("-0.0", "0"), ("007", "7"), ("+3", "3"), ("12.50", "12.5"), ("100", "100")],
)
def test_decimal_in_any_spelling_is_written_in_one(typed: str, canonical: str) -> None:
    assert format_decimal(parse_decimal(typed)) == canonical


@pytest.mark.parametrize(
    "typed",
    ["1e3", "1E+2", "NaN", "Infinity", ".5", "5.", "1 000", "٣", "1" * 10, "0x1", "--1", ""],
)
def test_decimal_in_a_form_that_floats_take_is_refused(typed: str) -> None:
    with pytest.raises(PeerError):
        parse_decimal(typed)


def test_decimal_with_a_comma_is_told_to_use_a_point() -> None:
    with pytest.raises(PeerError, match="with a point"):
        parse_decimal("12,5")


@given(st.integers(-(10**9) + 1, 10**9 - 1), st.integers(0, 999_999))
def test_decimal_written_and_read_is_the_same_number(whole: int, millionths: int) -> None:
    number = Decimal(f"{whole}.{millionths:06d}")
    assert parse_decimal(format_decimal(number)) == number


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (FieldType.SPEED, "12.5", "12.5 kn"),
        (FieldType.SPEED, "12.5knots", "12.5 kn"),
        (FieldType.SPEED, "8 KT", "8 kn"),
        (FieldType.DISTANCE, "0.60 NM", "0.6 nm"),
        (FieldType.DISTANCE, "2 nautical miles", "2 nm"),
        (FieldType.BEARING, "45", "045 deg T"),
        (FieldType.BEARING, "045 deg T", "045 deg T"),
        (FieldType.BEARING, "7.5°", "007.5 deg T"),
        (FieldType.BEARING, "360", "000 deg T"),
        (FieldType.DEPTH, "30.5 metres", "30.5 m"),
        (FieldType.ALTITUDE, "-200 feet", "-200 ft"),
        (FieldType.DECIMAL, "156.80 mhz", "156.8 MHz"),
        (FieldType.INTEGER, "42", "42"),
    ],
)
def test_measure_with_or_without_its_unit_is_one_value(
    kind: FieldType, typed: str, value: str
) -> None:
    assert parse_measure(spec_of(kind), typed) == value


@pytest.mark.parametrize(
    ("kind", "typed", "reason"),
    [
        (FieldType.SPEED, "12 km/h", "must be in knots"),
        (FieldType.SPEED, "-1", "from 0 to 100 knots"),
        (FieldType.SPEED, "100.1", "from 0 to 100 knots"),
        (FieldType.SPEED, "12.55", "more than 1 digits"),
        (FieldType.DISTANCE, "2 km", "must be in nautical miles"),
        (FieldType.BEARING, "360.1", "from 0 to 359.9"),
        (FieldType.BEARING, "045M", "must be in degrees true"),
        (FieldType.BEARING, "NE", "begin with a number"),
        (FieldType.ALTITUDE, "100.5", "whole number"),
        (FieldType.INTEGER, "4 boats", "without a unit"),
        (FieldType.DECIMAL, "156.8 kHz", "must be in MHz"),
    ],
)
def test_measure_that_is_wrong_is_refused_with_its_reason(
    kind: FieldType, typed: str, reason: str
) -> None:
    with pytest.raises(PeerError, match=reason):
        parse_measure(spec_of(kind), typed)


@pytest.mark.parametrize(
    ("changes", "typed", "fits"),
    [
        ({"maximum": "300"}, "250", True),
        ({"maximum": "300"}, "300.1", False),
        ({"minimum": "5"}, "5", True),
        ({"minimum": "5"}, "4.9", False),
    ],
)
def test_measure_under_the_bounds_of_its_field_keeps_to_them(
    changes: dict[str, Any], typed: str, fits: bool
) -> None:
    spec = spec_of(FieldType.SPEED, **changes)
    if fits:
        assert parse_measure(spec, typed) == f"{typed} kn"
    else:
        with pytest.raises(PeerError, match="must be from"):
            parse_measure(spec, typed)


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("90", 90), ("90 min", 90), ("2 h", 120), ("1h30", 90), ("1 h 30 min", 90), ("2 hours", 120)],
)
def test_minutes_in_hours_or_minutes_are_read(typed: str, minutes: int) -> None:
    assert parse_minutes(typed) == minutes


@pytest.mark.parametrize("typed", ["", "1:30", "90 s", "h", "1.5 h", "-5 min", "1 h 2 h"])
def test_minutes_in_another_form_are_refused(typed: str) -> None:
    with pytest.raises(PeerError, match="90 min, 2 h"):
        parse_minutes(typed)
