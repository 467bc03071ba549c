"""Positions on WGS 84, canonical in degrees and decimal minutes: 54-31.200N 011-02.500E."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from hotline.core.errors import PeerError

MAX_LATITUDE_DEG = 90
MAX_LONGITUDE_DEG = 180

_MILLI = Decimal("0.001")
_EXAMPLE = "as in 54-31.2N 011-02.5E or 54.52 11.0417"
_MARKS = str.maketrans(dict.fromkeys("°º'\"′″’”:", " "))
_HEMISPHERE = re.compile(r"[NSEW]")
_SUFFIXED = re.compile(r"([^NSEW]+)([NS])([^NSEW]+)([EW])")
_PREFIXED = re.compile(r"([NS])([^NSEW]+)([EW])([^NSEW]+)")
_ANGLE = re.compile(
    r"([0-9]{1,3}(?:\.[0-9]{1,8})?)"
    r"(?:[ -]+([0-9]{1,2}(?:\.[0-9]{1,6})?))?"
    r"(?:[ -]+([0-9]{1,2}(?:\.[0-9]{1,4})?))?"
)
_SIGNED = re.compile(r"([+-]?[0-9]{1,2}(?:\.[0-9]{1,8})?)[ ,]+([+-]?[0-9]{1,3}(?:\.[0-9]{1,8})?)")


def parse_position(text: str) -> str:
    """Read a position into its canonical form, rounded to 0.001 minute (under 2 m).

    Takes degrees and minutes (54-31.2N 011-02.5E), degrees, minutes and seconds
    (54-31-12N 011-02-30E), decimal degrees with letters (54.52N 11.04E), and signed
    decimal degrees, latitude first (54.52, -11.04).

    Raises:
        PeerError: another form, minutes or seconds of 60 and more, or off the globe.
    Spec: docs/templates.md §3.4
    """
    plain = " ".join(text.translate(_MARKS).split())
    if not plain.isascii():
        raise PeerError(f"must be a latitude and a longitude, {_EXAMPLE}")
    plain = plain.upper()
    read = _lettered if _HEMISPHERE.search(plain) else _signed
    lat_min, lon_min = read(plain)
    lat = _write(lat_min, MAX_LATITUDE_DEG, "NS", 2, "latitude")
    lon = _write(lon_min, MAX_LONGITUDE_DEG, "EW", 3, "longitude")
    return f"{lat} {lon}"


def _signed(plain: str) -> tuple[Decimal, Decimal]:
    match = _SIGNED.fullmatch(plain)
    if not match:
        raise PeerError(f"must be a latitude and a longitude, {_EXAMPLE}")
    return Decimal(match[1]) * 60, Decimal(match[2]) * 60


def _lettered(plain: str) -> tuple[Decimal, Decimal]:
    if match := _SUFFIXED.fullmatch(plain):
        lat, north, lon, east = match.groups()
    elif match := _PREFIXED.fullmatch(plain):
        north, lat, east, lon = match.groups()
    else:
        raise PeerError(f"must be a latitude and a longitude, {_EXAMPLE}")
    lat_min, lon_min = _minutes(lat), _minutes(lon)
    return (-lat_min if north == "S" else lat_min), (-lon_min if east == "W" else lon_min)


def _minutes(angle: str) -> Decimal:
    """Return an unsigned angle in minutes; only its last part may have a fraction."""
    match = _ANGLE.fullmatch(angle.strip(" ,"))
    if not match:
        raise PeerError(f"must be a latitude and a longitude, {_EXAMPLE}")
    parts = [part for part in match.groups() if part is not None]
    if any("." in part for part in parts[:-1]):
        raise PeerError("has a fraction before its last part")
    degrees, minutes, seconds = (Decimal(part or 0) for part in match.groups())
    if minutes >= 60 or seconds >= 60:
        raise PeerError("has 60 or more minutes or seconds")
    return degrees * 60 + minutes + seconds / 60


def _write(minutes: Decimal, limit_deg: int, letters: str, width: int, what: str) -> str:
    rounded = minutes.quantize(_MILLI, rounding=ROUND_HALF_EVEN)
    if abs(rounded) > limit_deg * 60:
        raise PeerError(f"has a {what} beyond {limit_deg} degrees")
    # Zero is N or E, and 180 degrees is E: one place has one spelling.
    negative = rounded < 0 and not (limit_deg == 180 and rounded == -180 * 60)
    degrees, rest = divmod(abs(rounded), 60)
    return f"{int(degrees):0{width}d}-{rest:06.3f}{letters[negative]}"
