"""What makes a template sound; the first thing that does not is named with its field.

Spec: docs/templates.md §2.4
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.fields import parse_field
from hotline.core.messages.measures import MEASURES, measure_of, parse_decimal
from hotline.core.messages.template import (
    FieldSpec,
    FieldType,
    LadderAct,
    ReplyClass,
    Template,
)

MAX_FIELDS = 40

_CODE = re.compile(r"[A-Z][A-Z0-9-]{0,39}")
_UNIT = re.compile(r"[A-Za-z][A-Za-z0-9/]{0,11}")
_STEP = re.compile(r"[A-Z][A-Z-]{0,23}")
_COUNTED = (FieldType.INTEGER, FieldType.DECIMAL)


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a template is not sound; `field` is "" when the whole template is meant."""

    field: str
    reason: str


def template_defects(template: Template) -> Iterator[Defect]:
    """Give every defect of `template` by itself, in the order of its fields."""
    names = [spec.name for spec in template.fields]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Defect(name, "stands in the template twice")
    if len(names) > MAX_FIELDS:
        yield Defect("", f"has more than {MAX_FIELDS} fields")
    for spec in template.fields:
        yield from (Defect(spec.name, reason) for reason in _field_faults(spec))
    yield from _reading_defects(template)
    yield from _answering_defects(template)


def reply_defects(template: Template, templates: Mapping[str, Template]) -> Iterator[Defect]:
    """Give each template named as a reply that does not stand in `templates`."""
    for reply in template.replies:
        if reply not in templates:
            yield Defect("", f"names the reply {reply}, which no pack holds")


def _field_faults(spec: FieldSpec) -> Iterator[str]:
    if spec.type is FieldType.CHOICE:
        yield from _choice_faults(spec)
    elif spec.choices:
        yield f"has choices, but its type is {spec.type}"
    if spec.unit and spec.type not in _COUNTED:
        yield f"names a unit, but {spec.type} brings its own"
    elif spec.unit and not _UNIT.fullmatch(spec.unit):
        yield "has a unit that is not 1 to 12 letters, digits and '/'"
    bounds = list(_bound_faults(spec))
    yield from bounds
    if not bounds:
        yield from _example_faults(spec)


def _choice_faults(spec: FieldSpec) -> Iterator[str]:
    if len(spec.choices) < 2 or len(set(spec.choices)) != len(spec.choices):
        yield "needs at least two different choices"
    if any(not _CODE.fullmatch(code) for code in spec.choices):
        yield "has a choice that is not A-Z, digits and '-', a letter first"


def _bound_faults(spec: FieldSpec) -> Iterator[str]:
    if spec.minimum is None and spec.maximum is None:
        return
    if spec.type not in _COUNTED and spec.type not in MEASURES:
        yield f"has bounds, but {spec.type} is not a number"
        return
    natural = measure_of(spec)
    try:
        low = parse_decimal(spec.minimum or natural.minimum)
        high = parse_decimal(spec.maximum or natural.maximum)
    except PeerError as error:
        yield f"has a bound that {error}"
        return
    if low > high:
        yield "has a minimum above its maximum"
    if spec.type is FieldType.BEARING and (low < 0 or high > Decimal(natural.maximum)):
        yield "has bounds off the compass"


def _example_faults(spec: FieldSpec) -> Iterator[str]:
    """Read the example as if it were 1970: it must not depend on the time it is read."""
    try:
        parse_field(spec, spec.example, now_ms=0)
    except OperatorError as error:
        yield f"has an example that does not parse ({error})"


def _reading_defects(template: Template) -> Iterator[Defect]:
    for name in template.readback:
        spec = template.field(name)
        if spec is None or not spec.required:
            yield Defect(name, "is read back, but is not a required field of the template")
    promise = template.field(template.promises) if template.promises else None
    if template.promises and (
        promise is None or promise.type is not FieldType.DTG or not promise.required
    ):
        yield Defect(template.promises, "is promised, but is not a required dtg field")


def _answering_defects(template: Template) -> Iterator[Defect]:
    if template.reply is ReplyClass.NONE:
        if template.replies or template.reply_clock_s:
            yield Defect("", "asks for no reply, yet has replies or a reply clock")
    elif not template.replies:
        yield Defect("", f"has the reply class {template.reply}, but names no reply")
    if template.ladder is None:
        return
    proposes = template.ladder.act is LadderAct.PROPOSE
    if proposes != bool(_STEP.fullmatch(template.ladder.step)):
        yield Defect("", "must name a ladder step in capitals if, and only if, it proposes one")
