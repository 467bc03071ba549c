"""Numbers with units: decimal text without floats, and the units officers use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from hotline.core.errors import PeerError
from hotline.core.messages.template import FieldSpec, FieldType

MAX_WHOLE_DIGITS = 9
MAX_PLACES = 6

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,6})?")
_AMOUNT = re.compile(r"([+-]?[0-9][0-9.,]*) ?(.*)")
_DURATION = re.compile(
    r"(?:([0-9]{1,5}) ?(?:hours|hour|hrs|hr|h))?"
    r" ?(?:([0-9]{1,7}) ?(minutes|minute|mins|min|m)?)?"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """How one kind of number is written.

    Attributes:
        unit: Follows the number in the canonical value after a space; "": none does.
        word: Names the unit in a message to an officer.
        spellings: What may stand for the unit at entry, in lower case.
        places: Digits after the point at most.
        minimum, maximum: Natural bounds in the unit; a field's own bounds replace them.
    """

    unit: str
    word: str
    spellings: frozenset[str]
    places: int
    minimum: str
    maximum: str


def _measure(unit: str, word: str, spellings: str, places: int, low: str, high: str) -> Measure:
    return Measure(unit, word, frozenset(spellings.split("|")), places, low, high)


MEASURES: Mapping[FieldType, Measure] = MappingProxyType(
    {
        FieldType.SPEED: _measure("kn", "knots", "kn|kt|kts|knot|knots", 1, "0", "100"),
        FieldType.DISTANCE: _measure(
            "nm", "nautical miles", "nm|nmi|nautical mile|nautical miles", 3, "0", "10800"
        ),
        FieldType.DEPTH: _measure("m", "metres", "m|metre|metres|meter|meters", 1, "0", "11000"),
        FieldType.ALTITUDE: _measure("ft", "feet", "ft|foot|feet", 0, "-1500", "200000"),
        FieldType.DURATION: _measure("min", "minutes", "min|minute|minutes", 0, "1", "525600"),
        FieldType.BEARING: _measure(
            "deg T",
            "degrees true",
            "t|°|°t|° t|deg|deg t|degt|true|degrees|degrees true",
            1,
            "0",
            "359.9",
        ),
    }
)
"""The measured types. Spec: docs/templates.md §3.2"""


def measure_of(spec: FieldSpec) -> Measure:
    """Return how the numbers of `spec` are written; integer and decimal take its own unit.

    Raises:
        KeyError: the type carries no number.
    """
    if spec.type not in (FieldType.INTEGER, FieldType.DECIMAL):
        return MEASURES[spec.type]
    places = 0 if spec.type is FieldType.INTEGER else MAX_PLACES
    bound = "9" * MAX_WHOLE_DIGITS
    return _measure(spec.unit, spec.unit, spec.unit.lower(), places, f"-{bound}", bound)


def parse_decimal(text: str, *, places: int = MAX_PLACES) -> Decimal:
    """Read a plain number: sign, at most nine digits, a point and at most `places` digits.

    Raises:
        PeerError: an exponent, a comma, too many digits, or no number at all.
    Spec: docs/templates.md §3.3
    """
    if "," in text:
        raise PeerError("write the fraction with a point and no separators")
    if not _NUMBER.fullmatch(text):
        raise PeerError(f"must be a plain number of at most {MAX_WHOLE_DIGITS} digits")
    number = Decimal(text)
    if len(format_decimal(number).partition(".")[2]) > places:
        raise PeerError(
            f"has more than {places} digits after the point" if places else "must be a whole number"
        )
    return number


def _trimmed(number: Decimal) -> Decimal:
    """Drop trailing zeros after the point; quantities here stay far below Decimal's precision."""
    whole = number.to_integral_value()
    return whole if number == whole else number.normalize()


def format_decimal(number: Decimal) -> str:
    """Write `number` without exponent, superfluous zeros or a negative zero."""
    trimmed = _trimmed(number)
    return format(abs(trimmed) if trimmed == 0 else trimmed, "f")


def split_amount(text: str) -> tuple[str, str]:
    """Split "12.5 Knots" into "12.5" and "knots".

    Raises:
        PeerError: it does not begin with a number.
    """
    match = _AMOUNT.fullmatch(" ".join(text.split()))
    if not match:
        raise PeerError("must begin with a number")
    return match[1], match[2].lower()


def parse_measure(spec: FieldSpec, text: str) -> str:
    """Read a number with or without its unit into the canonical value, as in "12.5 kn".

    Raises:
        PeerError: no number, another unit, too fine, or out of bounds.
    Spec: docs/templates.md §3.2
    """
    measure = measure_of(spec)
    digits, unit = split_amount(text)
    if unit and unit not in measure.spellings:
        wanted = f"in {measure.word}" if measure.word else "a number without a unit"
        raise PeerError(f"must be {wanted}")
    number = parse_decimal(digits, places=measure.places)
    if spec.type is FieldType.BEARING and number == 360:
        number = Decimal(0)
    check_bounds(spec, measure, number)
    return write_measure(spec, number)


def write_measure(spec: FieldSpec, number: Decimal) -> str:
    """Write `number` with its unit; a bearing has three digits before its point."""
    digits = format_decimal(number)
    if spec.type is FieldType.BEARING:
        whole, point, fraction = digits.partition(".")
        digits = f"{whole:0>3}{point}{fraction}"
    return f"{digits} {measure_of(spec).unit}".rstrip()


def check_bounds(spec: FieldSpec, measure: Measure, number: Decimal) -> None:
    """Refuse `number` outside the field's bounds or, without them, the type's own.

    Raises:
        PeerError: it is outside; both bounds are named.
    """
    low = Decimal(spec.minimum if spec.minimum is not None else measure.minimum)
    high = Decimal(spec.maximum if spec.maximum is not None else measure.maximum)
    if not low <= number <= high:
        word = f" {measure.word}" if measure.word else ""
        raise PeerError(f"must be from {format_decimal(low)} to {format_decimal(high)}{word}")


def parse_minutes(text: str, *, unit_needed: bool = False) -> int:
    """Read "90", "90 min", "2 h", "1h30" or "1 h 30 min" into minutes.

    Raises:
        PeerError: another form, or no unit although `unit_needed`.
    Spec: docs/templates.md §3.5
    """
    match = _DURATION.fullmatch(" ".join(text.split()).lower())
    if not match or (match[1] is None and match[2] is None):
        raise PeerError("must be a time such as 90 min, 2 h or 1 h 30 min")
    if unit_needed and match[1] is None and match[3] is None:
        raise PeerError("must say whether it counts minutes (m) or hours (h)")
    return int(match[1] or 0) * 60 + int(match[2] or 0)
