"""Critical fields typed blind, compared as values."""

from __future__ import annotations

import pytest

from hotline.core.errors import OperatorError
from hotline.core.messages.readback import Difference, compare, critical
from hotline.core.messages.template import FieldType
from tests.core.messages.forms import NOW_MS, form, said, spec_of

FORM = form(
    spec_of(FieldType.TEXT),
    spec_of(FieldType.BEARING),
    spec_of(FieldType.DTG),
    spec_of(FieldType.POSITION),
    readback=("position", "bearing", "dtg", "text"),
)
SENT = said(
    FORM,
    {
        "text": "Two Ships",
        "bearing": "045 deg T",
        "dtg": "2026-11-22T14:31:00.000Z",
        "position": "54-31.200N 011-02.500E",
    },
)
TYPED = {
    "text": "two  ships",
    "bearing": "45",
    "dtg": "1431Z",
    "position": "54.52 11.0416667",
}


def test_critical_fields_come_in_the_order_of_the_form() -> None:
    assert [spec.name for spec in critical(FORM)] == ["text", "bearing", "dtg", "position"]


def test_compare_of_other_spellings_of_the_same_values_agrees() -> None:
    assert compare(SENT, FORM, TYPED, NOW_MS) == ()


def test_compare_of_swapped_digits_shows_both() -> None:
    typed = TYPED | {"bearing": "054", "dtg": "1413Z"}
    assert compare(SENT, FORM, typed, NOW_MS) == (
        Difference("bearing", "045 deg T", "054 deg T"),
        Difference("dtg", "221431Z NOV 26", "221413Z NOV 26"),
    )


@pytest.mark.parametrize("typed", ["", "4x5"])
def test_compare_of_what_does_not_parse_asks_again(typed: str) -> None:
    with pytest.raises(OperatorError, match=r"^bearing: .*for example 045"):
        compare(SENT, FORM, TYPED | {"bearing": typed}, NOW_MS)


def test_compare_without_a_critical_field_asks_for_it() -> None:
    with pytest.raises(OperatorError, match=r"^position: is empty"):
        compare(SENT, FORM, {k: v for k, v in TYPED.items() if k != "position"}, NOW_MS)


def test_compare_with_a_field_that_is_not_critical_is_refused() -> None:
    with pytest.raises(OperatorError, match="does not ask to read back"):
        compare(SENT, FORM, TYPED | {"speed": "8"}, NOW_MS)
