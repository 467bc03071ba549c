"""Field values: what an officer typed becomes one canonical spelling.

A value is canonical when reading it gives the same value again, so the checks of
what comes from outside and the parsing at entry are one table of readers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.measures import parse_measure, parse_minutes
from hotline.core.messages.moments import parse_moment, show_moment
from hotline.core.messages.positions import parse_position
from hotline.core.messages.statement import MAX_VALUE_CHARACTERS
from hotline.core.messages.template import FieldSpec, FieldType, Template
from hotline.core.text import check_text
from hotline.core.values import digest_from_hex

MAX_HULL_CHARACTERS = 24

_HULL = re.compile(r"[A-Z0-9]+(?:[ -][A-Z0-9]+)*")

Reader = Callable[[FieldSpec, str, int], str]
"""Reads text as typed, with the time now in ms, or raises PeerError with the reason."""


def parse_field(spec: FieldSpec, entered: str, *, now_ms: int) -> str:
    """Return the canonical value of what an officer typed.

    Args:
        entered: Text as typed; space around it is dropped, accents are composed (NFC).
        now_ms: From which "+30m" and times without a date count.
    Raises:
        OperatorError: names the field, what is wrong and an example.
    Spec: docs/templates.md §3.1
    """
    try:
        return _read(spec, unicodedata.normalize("NFC", entered).strip(), now_ms)
    except PeerError as error:
        raise OperatorError(
            f"{spec.name}: {error}; for example {spec.example}", hint="correct that field"
        ) from error


def check_value(spec: FieldSpec, value: str) -> None:
    """Refuse a value from outside that is not exactly canonical and within bounds.

    Raises:
        PeerError: names the field and the reason, never the value.
    Spec: docs/templates.md §3.1
    """
    try:
        canonical = _read(spec, value, 0)
    except PeerError as error:
        raise PeerError(f"field {spec.name}: {error}") from error
    if canonical != value:
        raise PeerError(f"field {spec.name} is not in canonical form")


def check_fields(template: Template, fields: Mapping[str, str]) -> None:
    """Refuse the fields of a statement that its template does not allow.

    Raises:
        PeerError: a field is missing, not in the template, or its value does not check.
    Spec: docs/templates.md §3.1
    """
    for name in fields:
        if template.field(name) is None:
            raise PeerError(f"field {name} is not in template {template.id}")
    for spec in template.fields:
        if spec.name in fields:
            check_value(spec, fields[spec.name])
        elif spec.required:
            raise PeerError(f"field {spec.name} is missing")


def show_value(spec: FieldSpec, value: str) -> str:
    """Write a canonical value as a person types and reads it; `parse_field` reads it back."""
    return show_moment(value) if spec.type is FieldType.DTG else value


def _read(spec: FieldSpec, text: str, now_ms: int) -> str:
    if not text:
        raise PeerError("is empty")
    if len(text) > MAX_VALUE_CHARACTERS:
        raise PeerError(f"has more than {MAX_VALUE_CHARACTERS} characters")
    check_text(text, what="its text", newlines=False)
    return READERS[spec.type](spec, text, now_ms)


def _read_text(spec: FieldSpec, text: str, _now_ms: int) -> str:
    if len(text) > spec.max_length:
        raise PeerError(f"has {len(text)} characters, at most {spec.max_length} fit")
    if unicodedata.category(text[0]).startswith("M"):
        raise PeerError("begins with a mark that belongs to a letter before it")
    return text.strip()


def _read_choice(spec: FieldSpec, text: str, _now_ms: int) -> str:
    code = "-".join(text.upper().replace("_", " ").split()) if text.isascii() else ""
    if code not in spec.choices:
        raise PeerError(f"must be one of {', '.join(spec.choices)}")
    return code


def _read_number(spec: FieldSpec, text: str, _now_ms: int) -> str:
    return parse_measure(spec, text)


def _read_duration(spec: FieldSpec, text: str, _now_ms: int) -> str:
    return parse_measure(spec, f"{parse_minutes(text)} min")


def _read_position(_spec: FieldSpec, text: str, _now_ms: int) -> str:
    return parse_position(text)


def _read_moment(_spec: FieldSpec, text: str, now_ms: int) -> str:
    return parse_moment(text, now_ms=now_ms)


def _read_hull(_spec: FieldSpec, text: str, _now_ms: int) -> str:
    hull = " ".join(text.upper().split()) if text.isascii() else ""
    if not _HULL.fullmatch(hull):
        raise PeerError("may hold A-Z, 0-9 and, between them, single spaces and hyphens")
    if len(hull) > MAX_HULL_CHARACTERS:
        raise PeerError(f"has more than {MAX_HULL_CHARACTERS} characters")
    return hull


def _read_reference(_spec: FieldSpec, text: str, _now_ms: int) -> str:
    digest = "".join(text.lower().split())
    try:
        digest_from_hex(digest)
    except PeerError as error:
        raise PeerError("must be the 64 hex digits of a statement's digest") from error
    return digest


READERS: Mapping[FieldType, Reader] = MappingProxyType(
    {
        FieldType.TEXT: _read_text,
        FieldType.CHOICE: _read_choice,
        FieldType.INTEGER: _read_number,
        FieldType.DECIMAL: _read_number,
        FieldType.DTG: _read_moment,
        FieldType.DURATION: _read_duration,
        FieldType.POSITION: _read_position,
        FieldType.BEARING: _read_number,
        FieldType.SPEED: _read_number,
        FieldType.DISTANCE: _read_number,
        FieldType.DEPTH: _read_number,
        FieldType.ALTITUDE: _read_number,
        FieldType.HULL: _read_hull,
        FieldType.REFERENCE: _read_reference,
    }
)
"""One reader for each type. Spec: docs/templates.md §3.2"""
