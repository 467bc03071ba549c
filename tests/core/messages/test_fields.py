"""What is typed becomes one canonical value, and only that is taken from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.fields import (
    READERS,
    check_fields,
    check_value,
    parse_field,
    show_value,
)
from hotline.core.messages.statement import MAX_VALUE_CHARACTERS
from hotline.core.messages.template import FieldSpec, FieldType
from tests.core.messages.forms import CANONICAL, EXAMPLES, FILLED, NOW_MS, WHOLE, spec_of

KINDS = pytest.mark.parametrize("kind", list(FieldType))

_digits = st.integers(0, 10**9 - 2).map(str)
_fraction = st.integers(0, 999_999).map(lambda n: f"{n:06d}")
_letters = st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1, max_size=8)


def _scaled(low: int, high: int, places: int, suffix: str) -> st.SearchStrategy[str]:
    scale = 10**places
    return st.integers(low * scale, high * scale).map(
        lambda n: (
            f"{'-' if n < 0 else ''}{abs(n) // scale}"
            + (f".{abs(n) % scale:0{places}d}" if places else "")
            + suffix
        )
    )


ENTRIES: dict[FieldType, st.SearchStrategy[str]] = {
    FieldType.TEXT: st.text(
        st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60
    ).filter(lambda text: not _refused(text)),
    FieldType.CHOICE: st.sampled_from(["hold course", "HOLD_COURSE", "Stop", "STOP"]),
    FieldType.INTEGER: _digits,
    FieldType.DECIMAL: st.builds("{}.{} mhz".format, _digits, _fraction),
    FieldType.DTG: st.builds(
        "{:02d}{:02d}{:02d}Z {} {:02d}".format,
        st.integers(1, 28),
        st.integers(1, 23),
        st.integers(0, 59),
        st.sampled_from(["JAN", "OCT", "nov"]),
        st.integers(0, 99),
    ),
    FieldType.DURATION: st.one_of(
        st.integers(1, 525_600).map(str),
        st.builds("{} h {} min".format, st.integers(1, 8000), st.integers(0, 300)),
    ),
    FieldType.POSITION: st.builds(
        "{}{} {}{}".format,
        _scaled(0, 90, 6, ""),
        st.sampled_from("NS"),
        _scaled(0, 180, 6, ""),
        st.sampled_from("EW"),
    ),
    FieldType.BEARING: _scaled(0, 359, 1, " deg"),
    FieldType.SPEED: _scaled(0, 100, 1, "kts"),
    FieldType.DISTANCE: _scaled(0, 10_800, 3, " nmi"),
    FieldType.DEPTH: _scaled(0, 11_000, 1, " metres"),
    FieldType.ALTITUDE: _scaled(-1500, 200_000, 0, " FT"),
    FieldType.HULL: st.lists(_letters, min_size=1, max_size=2).map("-".join),
    FieldType.REFERENCE: st.binary(min_size=32, max_size=32).map(lambda b: b.hex().upper()),
}


def _refused(text: str) -> bool:
    return _entry_fault(spec_of(FieldType.TEXT), text) is not None


def _entry_fault(spec: FieldSpec, entered: str) -> str | None:
    try:
        parse_field(spec, entered, now_ms=NOW_MS)
    except OperatorError as error:
        return str(error)
    return None


def _outside_fault(spec: FieldSpec, value: str) -> str | None:
    try:
        check_value(spec, value)
    except PeerError as error:
        return str(error)
    return None


def test_readers_for_every_type_stand_in_the_table() -> None:
    assert set(READERS) == set(FieldType)


@KINDS
def test_example_of_each_type_becomes_its_canonical_value(kind: FieldType) -> None:
    assert parse_field(spec_of(kind), EXAMPLES[kind], now_ms=NOW_MS) == CANONICAL[kind]
    check_value(spec_of(kind), CANONICAL[kind])


@KINDS
@given(choice=st.data())
def test_value_of_each_type_shown_and_parsed_again_is_the_same(
    kind: FieldType, choice: st.DataObject
) -> None:
    spec = spec_of(kind)
    value = parse_field(spec, choice.draw(ENTRIES[kind]), now_ms=NOW_MS)
    assert parse_field(spec, show_value(spec, value), now_ms=NOW_MS + 1) == value
    assert parse_field(spec, value, now_ms=0) == value
    check_value(spec, value)
    assert show_value(spec, value).strip() == show_value(spec, value) != ""


@KINDS
@given(junk=st.one_of(st.text(max_size=80), st.text("0123456789NSEW-.+Zhm ,°'", max_size=30)))
def test_junk_in_each_type_is_read_safely_or_refused_with_field_and_example(
    kind: FieldType, junk: str
) -> None:
    spec = spec_of(kind)
    fault = _entry_fault(spec, junk)
    if fault is None:
        value = parse_field(spec, junk, now_ms=NOW_MS)
        assert _outside_fault(spec, value) is None
        assert show_value(spec, value).strip()
    else:
        assert fault.startswith(f"{spec.name}: ")
        assert fault.endswith(f"; for example {spec.example}")


@KINDS
@given(junk=st.text(max_size=40))
def test_value_from_outside_that_is_not_canonical_is_refused(kind: FieldType, junk: str) -> None:
    fault = _outside_fault(spec_of(kind), junk)
    if fault is None:
        assert parse_field(spec_of(kind), junk, now_ms=0) == junk
    else:
        assert fault.startswith(f"field {kind.value}")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.SPEED, "12.50 kn"),
        (FieldType.SPEED, "12.5"),
        (FieldType.SPEED, "+12.5 kn"),
        (FieldType.BEARING, "45 deg T"),
        (FieldType.BEARING, "360 deg T"),
        (FieldType.DTG, "221431Z NOV 26"),
        (FieldType.DTG, "+10m"),
        (FieldType.DTG, "2026-11-22T14:31:26.000Z"),
        (FieldType.DTG, "2026-11-22T00:00:00.000Z"),
        (FieldType.POSITION, "54-31.2N 011-02.5E"),
        (FieldType.POSITION, "00-00.000S 011-02.500E"),
        (FieldType.POSITION, "54-31.200N 180-00.000W"),
        (FieldType.HULL, "ddg-51"),
        (FieldType.CHOICE, "hold-course"),
        (FieldType.TEXT, " two"),
        (FieldType.TEXT, "e\u0301"),
        (FieldType.REFERENCE, CANONICAL[FieldType.REFERENCE].upper()),
        (FieldType.DURATION, "1 h 30 min"),
        (FieldType.INTEGER, "007"),
        (FieldType.INTEGER, "-0"),
    ],
)
def test_value_from_outside_in_an_entry_form_is_refused(kind: FieldType, value: str) -> None:
    with pytest.raises(PeerError, match=f"field {kind.value}"):
        check_value(spec_of(kind), value)


@KINDS
@pytest.mark.parametrize(
    ("character", "named"),
    [
        ("\u202e", r"U\+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", r"U\+200B ZERO WIDTH SPACE"),
        ("\x1b", r"U\+001B"),
        ("\u2068", r"U\+2068"),
        ("\ue000", r"U\+E000"),
        ("\n", r"U\+000A"),
    ],
)
def test_hostile_character_in_each_type_is_refused_by_code_point(
    kind: FieldType, character: str, named: str
) -> None:
    hostile = EXAMPLES[kind][:1] + character + EXAMPLES[kind][1:]
    with pytest.raises(OperatorError, match=named):
        parse_field(spec_of(kind), hostile, now_ms=NOW_MS)
    with pytest.raises(PeerError, match=named):
        check_value(spec_of(kind), hostile)


@KINDS
@pytest.mark.parametrize("nothing", ["", " ", "\u00a0", "\u3000", "\n"])
def test_nothing_in_each_type_is_refused(kind: FieldType, nothing: str) -> None:
    with pytest.raises(OperatorError, match="is empty"):
        parse_field(spec_of(kind), nothing, now_ms=NOW_MS)


@KINDS
def test_value_over_the_bound_of_a_statement_is_refused(kind: FieldType) -> None:
    with pytest.raises(OperatorError, match=f"more than {MAX_VALUE_CHARACTERS} characters"):
        parse_field(spec_of(kind), "1" * (MAX_VALUE_CHARACTERS + 1), now_ms=NOW_MS)


def test_text_longer_than_its_field_is_refused_with_both_lengths() -> None:
    spec = spec_of(FieldType.TEXT, max_length=5)
    assert parse_field(spec, "abcde", now_ms=NOW_MS) == "abcde"
    with pytest.raises(OperatorError, match="has 6 characters, at most 5 fit"):
        parse_field(spec, "abcdef", now_ms=NOW_MS)


def test_text_typed_decomposed_is_composed() -> None:
    assert parse_field(spec_of(FieldType.TEXT), "e\u0301t\u00e9", now_ms=NOW_MS) == "été"


def test_text_that_begins_with_a_combining_mark_is_refused() -> None:
    with pytest.raises(OperatorError, match="begins with a mark"):
        parse_field(spec_of(FieldType.TEXT), "\u0338x", now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("entered", "value"),
    [("ddg 51", "DDG 51"), ("f  213", "F 213"), ("K-119", "K-119"), ("1144", "1144")],
)
def test_hull_in_any_case_and_spacing_is_one_value(entered: str, value: str) -> None:
    assert parse_field(spec_of(FieldType.HULL), entered, now_ms=NOW_MS) == value


@pytest.mark.parametrize("entered", ["-51", "DDG--51", "DDG_51", "ДДГ 51", "ſ1", "A" * 25])
def test_hull_with_other_characters_is_refused(entered: str) -> None:
    with pytest.raises(OperatorError, match=r"^hull: .*for example DDG-51"):
        parse_field(spec_of(FieldType.HULL), entered, now_ms=NOW_MS)


def test_choice_that_is_not_offered_is_refused_with_the_offer() -> None:
    with pytest.raises(OperatorError, match="must be one of HOLD-COURSE, STOP"):
        parse_field(spec_of(FieldType.CHOICE), "REVERSE", now_ms=NOW_MS)


def test_reference_in_groups_and_capitals_is_read() -> None:
    digest = CANONICAL[FieldType.REFERENCE]
    typed = " ".join(digest[at : at + 4] for at in range(0, 64, 4)).upper()
    assert parse_field(spec_of(FieldType.REFERENCE), typed, now_ms=NOW_MS) == digest


def test_fields_of_a_whole_form_check() -> None:
    check_fields(WHOLE, FILLED)


def test_fields_without_a_required_one_are_refused_by_name() -> None:
    with pytest.raises(PeerError, match="field speed is missing"):
        check_fields(WHOLE, {name: value for name, value in FILLED.items() if name != "speed"})


def test_fields_with_one_too_many_are_refused_by_name() -> None:
    with pytest.raises(PeerError, match="field extra is not in template test/form"):
        check_fields(WHOLE, FILLED | {"extra": "x"})


def test_fields_without_an_optional_one_check() -> None:
    optional = FieldSpec(name="cpa", type=FieldType.DISTANCE, required=False, example="1 nm")
    template = WHOLE.model_copy(update={"fields": (*WHOLE.fields, optional)})
    check_fields(template, FILLED)
    with pytest.raises(PeerError, match="field cpa: must be in nautical miles"):
        check_fields(template, FILLED | {"cpa": "1 km"})
