"""What is shown is what is signed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.messages.fields import parse_field
from hotline.core.messages.rendering import (
    EXERCISE_LINE,
    MAX_HEADLINE_CHARACTERS,
    heading,
    headline,
    render,
)
from hotline.core.messages.statement import encode_statement
from hotline.core.messages.template import FieldType, Template
from hotline.core.text import refused_character
from tests.core.messages.forms import DIGEST, FILLED, NOW_MS, SILENT, WHOLE, Words, form, said
from tests.core.messages.forms import spec_of as spec

SPOKEN = Words(
    **{
        "test-form": "Test form",
        "test-form__says": "We say this.",
        "test-form__headline": "Test of {speed}",
        "test-form-speed": "Speed",
        "test-form-speed__line": "She makes {value}.",
        "test-form-bearing": "Course",
        "test-form-choice": "Intention",
        "test-form-choice__STOP": "stop",
        "unit-kn": "{value} knots",
        "unit-deg-T": "{value} degrees true",
        "statement-reference": "statement {value}",
        "reply-by": "Please reply by {dtg}.",
        "language-en": "English",
        "free-text": "Free text in {language}:",
    }
)
MOVING = form(spec(FieldType.SPEED), spec(FieldType.BEARING), spec(FieldType.DTG))
MOVES = {"speed": "12.5 kn", "bearing": "045 deg T", "dtg": "2026-11-22T14:31:00.000Z"}
TEXT = form(spec(FieldType.TEXT, max_length=1000))


def test_known_template_gives_numbered_sentences_in_words() -> None:
    shown = render(said(MOVING, MOVES), MOVING, SPOKEN)
    assert shown.title == "Test form"
    assert shown.lines == (
        "1. We say this.",
        "2. She makes 12.5 knots.",
        "3. Course: 045 degrees true",
        "4. dtg: 221431Z NOV 26",
    )
    assert shown.flags == ()


def test_language_without_phrases_still_shows_every_value() -> None:
    shown = render(said(WHOLE, FILLED), WHOLE, SILENT)
    assert shown.title == "test/form"
    assert len(shown.lines) == len(WHOLE.fields)
    assert "9. speed: 12.5 kn" in shown.lines
    assert shown.flags == ()


@pytest.mark.parametrize("line", ["She makes way.", "She makes {amount}."])
def test_sentence_that_does_not_show_its_value_gives_way_to_the_label(line: str) -> None:
    words = Words(**{"test-form-speed": "Speed", "test-form-speed__line": line})
    template = form(spec(FieldType.SPEED))
    assert render(said(template, {"speed": "8 kn"}), template, words).lines == ("1. Speed: 8 kn",)


def test_choice_is_shown_with_its_code() -> None:
    template = form(spec(FieldType.CHOICE))
    lines = [
        render(said(template, {"choice": code}), template, SPOKEN).lines[1]
        for code in ("STOP", "HOLD-COURSE")
    ]
    assert lines == ["2. Intention: stop (STOP)", "2. Intention: HOLD-COURSE"]


def test_optional_field_that_is_not_filled_is_left_out() -> None:
    template = form(spec(FieldType.SPEED, required=False), spec(FieldType.HULL))
    lines = render(said(template, {"hull": "DDG-51"}), template, SILENT).lines
    assert lines == ("1. hull: DDG-51",)


def test_exercise_statement_begins_and_ends_with_the_mark() -> None:
    lines = render(said(MOVING, MOVES, realm="EXERCISE"), MOVING, SPOKEN).lines
    assert lines[0] == lines[-1] == EXERCISE_LINE == "EXERCISE EXERCISE EXERCISE"
    assert EXERCISE_LINE not in render(said(MOVING, MOVES), MOVING, SPOKEN).lines


def test_unknown_template_is_shown_as_a_table_with_a_flag() -> None:
    shown = render(said(MOVING, MOVES), None, SPOKEN)
    assert shown.title == "test/form"
    assert shown.lines == tuple(f"{name}: {value}" for name, value in MOVES.items())
    assert shown.flags == ("template unknown here: shown as a table: test/form",)


@pytest.mark.parametrize(
    "ours",
    [
        MOVING.model_copy(update={"version": 2}),
        form(spec(FieldType.SPEED, maximum="300"), *MOVING.fields[1:]),
    ],
)
def test_other_version_is_shown_as_a_table_with_a_flag(ours: Template) -> None:
    shown = render(said(MOVING, MOVES), ours, SPOKEN)
    assert shown.lines == tuple(f"{name}: {value}" for name, value in MOVES.items())
    assert "another version" in shown.flags[0]
    assert headline(said(MOVING, MOVES), ours, SPOKEN) == "test/form v1"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (MOVES | {"speed": "12.50 kn"}, "field speed"),
        (MOVES | {"speed": "900 kn"}, "field speed"),
        (MOVES | {"more": "x"}, "field more"),
        ({"speed": "8 kn"}, "field bearing"),
    ],
)
def test_values_that_do_not_check_are_shown_as_a_table_with_a_flag(
    fields: dict[str, str], named: str
) -> None:
    shown = render(said(MOVING, fields), MOVING, SPOKEN)
    assert shown.lines == tuple(f"{name}: {value}" for name, value in fields.items())
    assert named in shown.flags[0]


def test_value_with_a_line_break_in_a_table_cannot_pose_as_a_row() -> None:
    lines = render(said(MOVING, {"speed": "8 kn\n2. Obey"}), None, SPOKEN).lines
    assert lines == ("speed: 8 kn", "    | 2. Obey")


def test_free_text_is_marked_line_by_line_with_its_language() -> None:
    statement = said(form(), {}, text="Good morning.\nEXERCISE EXERCISE EXERCISE\n\n1. Obey")
    assert render(statement, form(), SPOKEN).lines == (
        "1. We say this.",
        "Free text in English:",
        "> Good morning.",
        "> EXERCISE EXERCISE EXERCISE",
        "> ",
        "> 1. Obey",
    )


def test_free_text_in_a_language_without_a_name_shows_its_code() -> None:
    lines = render(said(form(), {}, text="Hei", lang="fi"), form(), SPOKEN).lines
    assert lines[1:] == ("Free text in fi:", "> Hei")


def test_reply_time_and_attachments_are_numbered_on() -> None:
    attachment = {"name": "a\nb.png", "type": "image/png", "size": 9, "digest": DIGEST}
    statement = said(MOVING, MOVES, reply_by="2026-11-22T15:00:00.000Z", attachments=(attachment,))
    lines = render(statement, MOVING, SPOKEN).lines
    assert lines[4] == "5. Please reply by 221500Z NOV 26."
    assert lines[5] == "6. Attachment: a / b.png: image/png: 9: 5f3c 9a1e 7b2d 4860"


def test_reference_that_is_not_among_the_refs_is_flagged() -> None:
    template = form(spec(FieldType.REFERENCE))
    fields = {"reference": DIGEST}
    assert render(said(template, fields), template, SPOKEN).flags == ()
    flags = render(said(template, fields, refs=("0" * 64,)), template, SPOKEN).flags
    assert flags == ("names a statement that is not among its references: reference",)


_HOSTILE = st.one_of(
    st.sampled_from(["{ $speed }", '{ "x" }', "[/10]", "{0}", "%s", "{value}", "\\u0041", "-term"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=80).filter(
        lambda text: refused_character(text) is None
    ),
)


@given(_HOSTILE)
def test_text_value_is_shown_literally(hostile: str) -> None:
    value = parse_field(TEXT.fields[0], hostile, now_ms=NOW_MS)
    words = Words(**{"test-form-text__line": "It says: {value}"})
    statement = said(TEXT, {"text": value})
    encode_statement(statement)
    assert render(statement, TEXT, words).lines == (f"1. It says: {value}",)
    assert f"text: {value}" in render(statement, None, words).lines


@given(st.lists(st.sampled_from([" ", "\n", "ab", "-"]), max_size=300).map("".join))
def test_headline_of_any_text_is_one_short_line(text: str) -> None:
    line = headline(said(form(), {}, text=text), form(), SPOKEN)
    assert 0 < len(line) <= MAX_HEADLINE_CHARACTERS
    assert "\n" not in line


def test_headline_shows_values_in_words_and_marks_its_cut() -> None:
    assert headline(said(MOVING, MOVES), MOVING, SPOKEN) == "Test of 12.5 knots"
    cut = headline(said(form(), {}, text="x" * 4000), form(), SPOKEN)
    assert cut == "Test form: " + "x" * 85 + " ..."


def test_heading_names_sender_addressees_time_and_references() -> None:
    statement = said(
        MOVING,
        MOVES,
        info=("EAST", "WEST"),
        incident="INC-04",
        refs=(DIGEST,),
        marking="NO FOREIGN\nTO EVIL",
    )
    assert heading(statement) == (
        "IMMEDIATE 221431Z NOV 26",
        "FM NORTH",
        "TO SOUTH",
        "INFO EAST WEST",
        "INCIDENT INC-04",
        "REF 5f3c 9a1e 7b2d 4860",
        "MARKING NO FOREIGN / TO EVIL",
    )
    assert heading(said(MOVING, MOVES)) == ("IMMEDIATE 221431Z NOV 26", "FM NORTH", "TO SOUTH")
