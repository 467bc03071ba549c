"""Read-back: critical fields typed blind by the receiving officer, compared as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hotline.core.errors import OperatorError
from hotline.core.messages.fields import parse_field, show_value
from hotline.core.messages.statement import Statement
from hotline.core.messages.template import FieldSpec, FieldType, Template


@dataclass(frozen=True, slots=True)
class Difference:
    """A critical field that was read back otherwise than it was sent; both as shown."""

    field: str
    sent: str
    typed: str


def critical(template: Template) -> tuple[FieldSpec, ...]:
    """Return the fields to read back, at most five, in the template's order."""
    return tuple(spec for spec in template.fields if spec.name in template.readback)


def compare(
    statement: Statement, template: Template, typed: Mapping[str, str], now_ms: int
) -> tuple[Difference, ...]:
    """Compare what was typed with what was sent, value against value: 45 is 045 deg T.

    Texts are the same when they differ only in case and spacing.

    Args:
        template: The statement's own template, to the byte.
        typed: Field name to text as typed, for every critical field.
        now_ms: From which times without a date count.
    Raises:
        OperatorError: a critical field is missing or does not parse: type it again.
    Spec: docs/templates.md §7
    """
    differences = []
    for spec in critical(template):
        value = parse_field(spec, typed.get(spec.name, ""), now_ms=now_ms)
        sent = statement.fields.get(spec.name, "")
        if _compared(spec, value) != _compared(spec, sent):
            shown = show_value(spec, sent) if sent else ""
            differences.append(Difference(spec.name, shown, show_value(spec, value)))
    unasked = sorted(typed.keys() - set(template.readback))
    if unasked:
        raise OperatorError(
            f"{template.id} does not ask to read back {len(unasked)} field(s) given"
        )
    return tuple(differences)


def _compared(spec: FieldSpec, value: str) -> str:
    return " ".join(value.casefold().split()) if spec.type is FieldType.TEXT else value
