"""UTC times, date-time groups and durations. Everywhere else time is `…_ms`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hotline.core.errors import PeerError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIRE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_NOT_A_TIME = "a time must look like 2026-11-22T14:31:26.000Z"
_DTG = re.compile(r"(\d{2})(\d{2})(\d{2})Z ?([A-Z]{3}) ?(\d{2})")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

MAX_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def format_time(at_ms: int) -> str:
    """Write `at_ms` (milliseconds since 1970, UTC) as the wire does: 2026-11-22T14:31:26.000Z."""
    # Every packet is dated, and names a time until which a key is good: mostly of one day.
    minutes, past_ms = divmod(at_ms, 60_000)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    second, milli = divmod(past_ms, 1000)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


@lru_cache(maxsize=16)
def _date(day: int) -> str:
    """Write a day, counted from 1970-01-01."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def parse_time(text: object) -> int:
    """Read a wire time into milliseconds since 1970, UTC.

    Raises:
        PeerError: not exactly the form that `format_time` writes, or before 1970.
    """
    if not isinstance(text, str):
        raise PeerError(_NOT_A_TIME)
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: str) -> int:
    """Read a time once: most come again with the next packet, or at the next check of one."""
    if not _WIRE.fullmatch(text) or not text.isascii():
        raise PeerError(_NOT_A_TIME)
    try:
        at_ms = _ms(datetime.fromisoformat(text))
    except ValueError as error:
        raise PeerError(f"{text} is not a time that exists") from error
    if not 0 <= at_ms <= MAX_TIME_MS:
        raise PeerError(f"{text} is outside the years 1970 to 9999")
    return at_ms


def format_dtg(at_ms: int) -> str:
    """Write `at_ms` as a date-time group: 221431Z NOV 26."""
    moment = _moment(at_ms)
    return f"{moment:%d%H%M}Z {_MONTHS[moment.month - 1]} {moment:%y}"


def parse_dtg(text: str) -> int:
    """Read a date-time group (years 2000 to 2099) into milliseconds.

    Raises:
        PeerError: the form is wrong, or the hour is 2400 or 0000: a day starts
            at 0001 and ends at 2359 so that nobody misses it by a day.
    """
    match = _DTG.fullmatch(text.strip().upper()) if text.isascii() else None
    if not match:
        raise PeerError("a date-time group must look like 221431Z NOV 26")
    day, hour, minute, month, year = match.groups()
    if hour + minute in ("0000", "2400"):
        raise PeerError("write 2359 or 0001, never 2400 or 0000")
    if month not in _MONTHS:
        raise PeerError(f"{month} is not a month; use {' '.join(_MONTHS)}")
    try:
        moment = datetime(
            2000 + int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), tzinfo=UTC
        )
    except ValueError as error:
        raise PeerError(f"{text} is not a time that exists") from error
    return _ms(moment)


def format_clock(at_ms: int) -> str:
    """Write the time of day as the console's first row does: 14:32:07Z."""
    return f"{_moment(at_ms):%H:%M:%S}Z"


def format_span(span_ms: int) -> str:
    """Write a duration for a clock on the screen: 08:19, 1:02:03, -00:41."""
    sign = "-" if span_ms < 0 else ""
    seconds = abs(span_ms) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{seconds:02d}"
    return f"{sign}{minutes:02d}:{seconds:02d}"
