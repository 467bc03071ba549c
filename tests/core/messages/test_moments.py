"""Date-time groups as officers type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.messages.moments import parse_moment, show_moment
from hotline.core.times import format_time, parse_time

NOW_MS = parse_time("2026-11-22T14:31:26.000Z")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("221431Z NOV 26", "2026-11-22T14:31:00.000Z"),
        ("221431znov26", "2026-11-22T14:31:00.000Z"),
        ("301200Z OCT 26", "2026-10-30T12:00:00.000Z"),
        ("221431Z", "2026-11-22T14:31:00.000Z"),
        ("011200Z", "2026-12-01T12:00:00.000Z"),
        ("130001Z", "2026-11-13T00:01:00.000Z"),
        ("1600Z", "2026-11-22T16:00:00.000Z"),
        ("0900z", "2026-11-22T09:00:00.000Z"),
        ("now", "2026-11-22T14:31:00.000Z"),
        ("+10m", "2026-11-22T14:41:00.000Z"),
        ("+2h", "2026-11-22T16:31:00.000Z"),
        ("+1h30m", "2026-11-22T16:01:00.000Z"),
        ("- 5 min", "2026-11-22T14:26:00.000Z"),
        ("2026-11-22T14:31:00.000Z", "2026-11-22T14:31:00.000Z"),
    ],
)
def test_moment_in_any_entry_form_is_one_value(typed: str, value: str) -> None:
    assert parse_moment(typed, now_ms=NOW_MS) == value


@pytest.mark.parametrize(
    ("now", "typed", "value"),
    [
        ("2026-12-31T23:50:00.000Z", "010010Z", "2027-01-01T00:10:00.000Z"),
        ("2027-01-01T00:10:00.000Z", "312350Z", "2026-12-31T23:50:00.000Z"),
        ("2026-12-31T23:50:00.000Z", "0010Z", "2027-01-01T00:10:00.000Z"),
        ("2026-11-22T23:50:30.000Z", "+10m", "2026-11-23T00:01:00.000Z"),
        ("2028-02-28T12:00:00.000Z", "291200Z", "2028-02-29T12:00:00.000Z"),
    ],
)
def test_moment_across_midnight_and_month_is_the_near_one(now: str, typed: str, value: str) -> None:
    assert parse_moment(typed, now_ms=parse_time(now)) == value


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("220000Z NOV 26", "2359 or 0001"),
        ("222400Z", "2359 or 0001"),
        ("0000Z", "2359 or 0001"),
        ("2400Z", "2359 or 0001"),
        ("2500Z", "does not exist|exists"),
        ("310001Z NOV 26", "not a time that exists"),
        ("221431Z FOO 26", "not a month"),
        ("0300Z", "write its day too"),
        ("051431Z", "write its month too"),
        ("991431Z", "write its month too"),
        ("+10", r"minutes \(m\) or hours"),
        ("+m", "90 min"),
        ("1431", "must look like"),
        ("14:31", "must look like"),
        ("tomorrow", "must look like"),
        ("2026-11-22T14:31:26.000Z", "whole minute"),
        ("2026-11-22T00:00:00.000Z", "2359 or 0001"),
        ("1999-11-22T14:31:00.000Z", "2000 to 2099"),
        ("+99999h", "90 min|2000 to 2099"),
    ],
)
def test_moment_that_is_none_is_refused_with_its_reason(typed: str, reason: str) -> None:
    now_ms = parse_time("2099-01-01T12:00:00.000Z") if "99999" in typed else NOW_MS
    with pytest.raises(PeerError, match=reason):
        parse_moment(typed, now_ms=now_ms)


@given(st.integers(15_778_081, 68_374_079).filter(lambda minute: minute % 1440))
def test_moment_shown_and_read_is_the_same(minute: int) -> None:
    value = format_time(minute * 60_000)
    assert parse_moment(show_moment(value), now_ms=0) == value


@given(st.integers(-359, 359), st.integers(0, 10**6))
def test_moment_without_its_day_is_never_more_than_six_hours_off(offset: int, at: int) -> None:
    now_ms = NOW_MS + at * 60_000
    meant = now_ms - now_ms % 60_000 + offset * 60_000
    if meant % 86_400_000:
        clock = show_moment(format_time(meant))[2:7]
        assert parse_time(parse_moment(clock, now_ms=now_ms)) == meant
