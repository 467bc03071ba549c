"""Date-time groups as officers type them, canonical as the wire time of a whole minute."""

from __future__ import annotations

import re

from hotline.core.errors import PeerError
from hotline.core.messages.measures import parse_minutes
from hotline.core.times import format_dtg, format_time, parse_dtg, parse_time

MAX_CLOCK_DISTANCE_MS = 6 * 3_600_000
"""How far from now a time without its day may lie: nobody is a day out by omission."""

MAX_DAY_DISTANCE_MS = 10 * 86_400_000
"""How far from now a date-time group without its month may lie."""

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_EARLIEST_MS = parse_time("2000-01-01T00:01:00.000Z")
_LATEST_MS = parse_time("2099-12-31T23:59:00.000Z")
_CLOCK = re.compile(r"[0-9]{4}Z")
_DAY_CLOCK = re.compile(r"[0-9]{6}Z")
_GROUP = re.compile(r"[0-9]{6}Z ?[A-Z]{3} ?[0-9]{2}")


def parse_moment(text: str, *, now_ms: int) -> str:
    """Read a time into its canonical form, the wire time of a whole minute.

    Takes 221431Z NOV 26; 221431Z (within 10 days of now); 1431Z (within 6 hours of
    now); NOW, +30m, +2h, -10m (counted from now, seconds dropped, and one minute
    later where that would be midnight, which date-time groups do not write); and
    the canonical form itself.

    Raises:
        PeerError: another form, a time that does not exist or is too far for its
            form, 0000 or 2400, seconds, or a year outside 2000 to 2099.
    Spec: docs/templates.md §3.5
    """
    plain = " ".join(text.upper().split()) if text.isascii() else ""
    if plain[4:5] == "-" and plain[10:11] == "T":
        at_ms = _whole_minute(parse_time(plain))
    elif plain == "NOW" or plain[:1] in ("+", "-"):
        at_ms = _counted(plain, now_ms)
    elif _CLOCK.fullmatch(plain):
        at_ms = _nearest_clock(plain, now_ms)
    elif _DAY_CLOCK.fullmatch(plain):
        at_ms = _nearest_month(plain, now_ms)
    elif _GROUP.fullmatch(plain):
        at_ms = parse_dtg(plain)
    else:
        raise PeerError("must look like 221431Z NOV 26, 221431Z, 1431Z or +30m")
    if not _EARLIEST_MS <= at_ms <= _LATEST_MS:
        raise PeerError("must lie in the years 2000 to 2099")
    return format_time(at_ms)


def show_moment(value: str) -> str:
    """Write a canonical time as a date-time group: 221431Z NOV 26."""
    return format_dtg(parse_time(value))


def _whole_minute(at_ms: int) -> int:
    if at_ms % _MINUTE_MS:
        raise PeerError("must be a whole minute")
    if at_ms % _DAY_MS == 0:
        _refuse_midnight("0000")
    return at_ms


def _counted(plain: str, now_ms: int) -> int:
    minutes = 0 if plain == "NOW" else parse_minutes(plain[1:].strip(), unit_needed=True)
    at_ms = now_ms + (-minutes if plain[0] == "-" else minutes) * _MINUTE_MS
    at_ms -= at_ms % _MINUTE_MS
    return at_ms if at_ms % _DAY_MS else at_ms + _MINUTE_MS


def _nearest_clock(plain: str, now_ms: int) -> int:
    hour, minute = int(plain[:2]), int(plain[2:4])
    _refuse_midnight(plain[:4])
    if hour > 23 or minute > 59:
        raise PeerError("is not a time of day that exists")
    today = now_ms - now_ms % _DAY_MS + (hour * 60 + minute) * _MINUTE_MS
    nearest = min((today - _DAY_MS, today, today + _DAY_MS), key=lambda at: abs(at - now_ms))
    if abs(nearest - now_ms) > MAX_CLOCK_DISTANCE_MS:
        raise PeerError("is more than 6 hours from now: write its day too, as in 221431Z")
    return nearest


def _nearest_month(plain: str, now_ms: int) -> int:
    """Try the months in which a day within reach of now can lie."""
    _refuse_midnight(plain[2:6])
    months = {
        format_dtg(max(now_ms + days * _DAY_MS, 0)).partition(" ")[2] for days in (-10, 0, 10)
    }
    found = [at for month in months if (at := _in_month(plain, month)) is not None]
    nearest = min(found, key=lambda at: abs(at - now_ms), default=None)
    if nearest is None or abs(nearest - now_ms) > MAX_DAY_DISTANCE_MS:
        raise PeerError("is not within 10 days from now: write its month too, as in 221431Z NOV 26")
    return nearest


def _in_month(plain: str, month: str) -> int | None:
    try:
        return parse_dtg(f"{plain} {month}")
    except PeerError:
        return None


def _refuse_midnight(clock: str) -> None:
    if clock in ("0000", "2400"):
        raise PeerError("write 2359 or 0001, never 2400 or 0000")
