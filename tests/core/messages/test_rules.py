"""A template that is not sound is named with its field and the reason."""

from __future__ import annotations

from typing import Any

import pytest

from hotline.core.messages.rules import MAX_FIELDS, reply_defects, template_defects
from hotline.core.messages.template import FieldSpec, FieldType
from tests.core.messages.forms import DIGEST, WHOLE, form, spec_of


def test_form_with_every_type_is_sound() -> None:
    assert list(template_defects(WHOLE)) == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (spec_of(FieldType.CHOICE, choices=("STOP",), example="STOP"), "at least two"),
        (spec_of(FieldType.CHOICE, choices=("STOP", "STOP"), example="STOP"), "at least two"),
        (spec_of(FieldType.CHOICE, choices=("stop", "GO"), example="GO"), "not A-Z"),
        (spec_of(FieldType.TEXT, choices=("A", "B")), "has choices"),
        (spec_of(FieldType.SPEED, unit="kn"), "brings its own"),
        (spec_of(FieldType.DECIMAL, unit="M Hz"), "letters, digits"),
        (spec_of(FieldType.TEXT, minimum="1"), "is not a number"),
        (spec_of(FieldType.SPEED, minimum="1e1"), "has a bound that must be a plain number"),
        (spec_of(FieldType.SPEED, minimum="20", maximum="10"), "above its maximum"),
        (spec_of(FieldType.BEARING, maximum="400"), "off the compass"),
        (spec_of(FieldType.SPEED, example="fast"), "example that does not parse"),
        (spec_of(FieldType.SPEED, maximum="10"), "example that does not parse"),
        (spec_of(FieldType.DTG, example="+10m"), "example that does not parse"),
        (spec_of(FieldType.DTG, example="1431Z"), "example that does not parse"),
    ],
)
def test_field_that_is_not_sound_is_named_with_its_reason(spec: FieldSpec, reason: str) -> None:
    defects = list(template_defects(form(spec)))
    assert [defect.field for defect in defects] == [spec.name] * len(defects)
    assert any(reason in defect.reason for defect in defects)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"readback": ("course",)}, "course", "is read back"),
        ({"readback": ("cpa",)}, "cpa", "is read back"),
        ({"promises": "speed"}, "speed", "is promised"),
        ({"promises": "until"}, "until", "is promised"),
        ({"reply_clock_s": 60}, "", "asks for no reply"),
        ({"replies": ("test/form",)}, "", "asks for no reply"),
        ({"reply": "answer"}, "", "names no reply"),
        ({"ladder": {"act": "propose"}}, "", "ladder step"),
        ({"ladder": {"act": "answer", "step": "CEASE"}}, "", "ladder step"),
        ({"ladder": {"act": "propose", "step": "cease"}}, "", "ladder step"),
    ],
)
def test_template_that_is_not_sound_is_named_with_its_reason(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    cpa = FieldSpec(name="cpa", type=FieldType.DISTANCE, required=False, example="1 nm")
    template = form(spec_of(FieldType.SPEED), cpa, **changes)
    assert [(d.field, reason in d.reason) for d in template_defects(template)] == [(field, True)]


def test_field_that_stands_twice_is_named_once() -> None:
    defects = list(template_defects(form(spec_of(FieldType.SPEED), spec_of(FieldType.SPEED))))
    assert [(defect.field, defect.reason) for defect in defects] == [
        ("speed", "stands in the template twice")
    ]


def test_template_with_too_many_fields_is_refused() -> None:
    fields = [spec_of(FieldType.SPEED, name=f"speed_{n}") for n in range(MAX_FIELDS + 1)]
    assert any(f"more than {MAX_FIELDS}" in d.reason for d in template_defects(form(*fields)))


def test_reply_that_no_pack_holds_is_named() -> None:
    asking = form(reply="answer", replies=("test/form", "test/gone"))
    defects = list(reply_defects(asking, {"test/form": asking}))
    assert [defect.reason for defect in defects] == [
        "names the reply test/gone, which no pack holds"
    ]


def test_example_of_a_reference_is_a_whole_digest() -> None:
    assert list(template_defects(form(spec_of(FieldType.REFERENCE, example=DIGEST)))) == []
