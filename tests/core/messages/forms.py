"""Small forms, statements and words for the tests of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotline.core.messages.statement import Statement, TemplateRef
from hotline.core.messages.template import FieldSpec, FieldType, Template, template_digest
from hotline.core.times import parse_time
from hotline.core.values import Precedence

NOW_MS = parse_time("2026-11-22T14:31:26.000Z")
DIGEST = "5f3c9a1e7b2d4860c1a9e4f7082b6d3e9c5a7f1048e2b6d0a3c8f5e917b4d260"

EXAMPLES: dict[FieldType, str] = {
    FieldType.TEXT: "Two ships in sight",
    FieldType.CHOICE: "HOLD-COURSE",
    FieldType.INTEGER: "42",
    FieldType.DECIMAL: "156.8",
    FieldType.DTG: "221431Z NOV 26",
    FieldType.DURATION: "90 min",
    FieldType.POSITION: "54-31.2N 011-02.5E",
    FieldType.BEARING: "045",
    FieldType.SPEED: "12.5 kn",
    FieldType.DISTANCE: "0.6 nm",
    FieldType.DEPTH: "30 m",
    FieldType.ALTITUDE: "1500 ft",
    FieldType.HULL: "DDG-51",
    FieldType.REFERENCE: DIGEST,
}

CANONICAL: dict[FieldType, str] = {
    FieldType.TEXT: "Two ships in sight",
    FieldType.CHOICE: "HOLD-COURSE",
    FieldType.INTEGER: "42",
    FieldType.DECIMAL: "156.8 MHz",
    FieldType.DTG: "2026-11-22T14:31:00.000Z",
    FieldType.DURATION: "90 min",
    FieldType.POSITION: "54-31.200N 011-02.500E",
    FieldType.BEARING: "045 deg T",
    FieldType.SPEED: "12.5 kn",
    FieldType.DISTANCE: "0.6 nm",
    FieldType.DEPTH: "30 m",
    FieldType.ALTITUDE: "1500 ft",
    FieldType.HULL: "DDG-51",
    FieldType.REFERENCE: DIGEST,
}


def spec_of(kind: FieldType, **changes: Any) -> FieldSpec:
    """A field of that type, called by it."""
    table: dict[str, Any] = {"name": kind.value, "type": kind, "example": EXAMPLES[kind]}
    if kind is FieldType.CHOICE:
        table["choices"] = ("HOLD-COURSE", "STOP")
    if kind is FieldType.DECIMAL:
        table["unit"] = "MHz"
    return FieldSpec(**(table | changes))


def form(*fields: FieldSpec, **changes: Any) -> Template:
    """A template test/form with these fields."""
    table: dict[str, Any] = {
        "id": "test/form",
        "number": "TEST-01",
        "version": 1,
        "precedence": Precedence.ROUTINE,
        "reply": "none",
        "fields": fields,
    }
    return Template(**(table | changes))


WHOLE = form(*(spec_of(kind) for kind in FieldType))
"""A template with one field of every type."""

FILLED = {kind.value: CANONICAL[kind] for kind in FieldType}
"""Canonical values for it."""


def said(template: Template, fields: Mapping[str, str], **changes: Any) -> Statement:
    """A statement from NORTH to SOUTH, filled from `template`."""
    table: dict[str, Any] = {
        "v": 1,
        "suite": 1,
        "realm": "LIVE",
        "line": "a" * 64,
        "sender": "NORTH",
        "salt": "0" * 32,
        "to": ("SOUTH",),
        "by": ("b" * 64,),
        "need": 1,
        "at": "2026-11-22T14:31:26.000Z",
        "precedence": "IMMEDIATE",
        "marking": "",
        "incident": None,
        "refs": tuple(value for value in fields.values() if value == DIGEST),
        "template": TemplateRef(
            id=template.id, version=template.version, digest=template_digest(template).hex()
        ),
        "fields": dict(fields),
        "text": "",
        "lang": "en",
        "reply_by": None,
    }
    return Statement.model_validate(table | changes)


class Words:
    """A phrasebook of str.format patterns; a missing value makes the phrase missing."""

    language = "en"

    def __init__(self, **phrases: str) -> None:
        self._phrases = {id.replace("__", "."): text for id, text in phrases.items()}

    def phrase(self, id: str, /, **values: str) -> str | None:
        try:
            return self._phrases[id].format(**values)
        except KeyError:
            return None


SILENT = Words()
"""A language without a single phrase."""
