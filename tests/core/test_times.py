from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.times import (
    MAX_TIME_MS,
    format_clock,
    format_dtg,
    format_span,
    format_time,
    parse_dtg,
    parse_time,
)

NOW_MS = 1_795_357_886_000


@given(st.integers(0, MAX_TIME_MS))
def test_time_read_back_is_the_time(at_ms: int) -> None:
    assert parse_time(format_time(at_ms)) == at_ms


def test_ends_of_time_are_written_and_read() -> None:
    assert format_time(0) == "1970-01-01T00:00:00.000Z"
    assert format_time(MAX_TIME_MS) == "9999-12-31T23:59:59.999Z"
    assert format_time(NOW_MS) == "2026-11-22T14:31:26.000Z"


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "2026-11-22T14:31:26Z",
        "2026-11-22T14:31:26.000+00:00",
        "2026-11-22 14:31:26.000Z",
        "2026-11-22T14:31:26.000Z\n",
        "2026-11-22T14:31:26.0000Z",
        "2026-02-30T14:31:26.000Z",
        "2026-11-22T24:00:00.000Z",
        "2026-11-22T14:31:60.000Z",
        "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00.000Z",
        "٢٠٢٦-11-22T14:31:26.000Z",
        "2026-11-22T14:31:26.٠٠٠Z",
    ],
)
def test_other_spelling_of_a_time_is_refused(text: object) -> None:
    with pytest.raises(PeerError):
        parse_time(text)


@given(st.integers(946_684_860_000, 4_102_444_799_999))
def test_date_time_group_read_back_is_the_minute(at_ms: int) -> None:
    minute_ms = at_ms - at_ms % 60_000
    if format_clock(minute_ms) == "00:00:00Z":
        with pytest.raises(PeerError):
            parse_dtg(format_dtg(minute_ms))
    else:
        assert parse_dtg(format_dtg(minute_ms)) == minute_ms


@pytest.mark.parametrize("text", ["221431Z NOV 26", "221431ZNOV26", " 221431z nov26 "])
def test_date_time_group_reads_as_typed(text: str) -> None:
    assert format_dtg(parse_dtg(text)) == "221431Z NOV 26"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("222400Z NOV 26", "never 2400 or 0000"),
        ("220000Z NOV 26", "never 2400 or 0000"),
        ("221431Z NOX 26", "is not a month"),
        ("310231Z NOV 26", "not a time that exists"),
        ("221431A NOV 26", "must look like"),
        ("22143Z NOV 26", "must look like"),
        ("٢٢1431Z NOV 26", "must look like"),
        ("", "must look like"),
    ],
)
def test_wrong_date_time_group_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(PeerError, match=words):
        parse_dtg(text)


@pytest.mark.parametrize(
    ("span_ms", "words"),
    [
        (0, "00:00"),
        (499_000, "08:19"),
        (3_723_000, "1:02:03"),
        (-41_000, "-00:41"),
        (-3_600_000, "-1:00:00"),
        (999, "00:00"),
        (360_000_000, "100:00:00"),
    ],
)
def test_span_is_written_for_a_clock(span_ms: int, words: str) -> None:
    assert format_span(span_ms) == words
