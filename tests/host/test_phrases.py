"""Texts by id: values are data, a missing phrase is None."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import OperatorError
from hotline.host.config import find_config
from hotline.host.phrases import FluentPhrasebook, decode_texts, load_phrasebook, read_shapes

ENGLISH = load_phrasebook(find_config(), "en")
BOOK = FluentPhrasebook(
    "en",
    [
        "greeting = Hello { $name }\n    .help = Say\n        it\n",
        "-firm = hotline\nfirm = { -firm }\nempty-one =\n    .part = x\n",
        "wrong = { NUMBER($name) }\n",
    ],
)


def test_phrase_with_its_values_is_formatted_without_isolation_marks() -> None:
    assert BOOK.phrase("greeting", name="שלום") == "Hello שלום"
    assert BOOK.phrase("firm") == "hotline"


def test_phrase_over_two_lines_comes_on_one() -> None:
    assert BOOK.phrase("greeting.help") == "Say it"


@pytest.mark.parametrize(
    "id", ["", "none", "greeting.none", "empty-one", "-firm", ".help", "wrong"]
)
def test_phrase_that_is_missing_or_fails_is_none(id: str) -> None:
    assert BOOK.phrase(id, name="x") is None


def test_phrase_without_its_value_is_none() -> None:
    assert BOOK.phrase("greeting") is None


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60))
def test_value_with_any_syntax_is_inserted_literally(value: str) -> None:
    assert BOOK.phrase("greeting", name=value) == f"Hello {value}"


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("kn", "1", "1 knot"),
        ("kn", "1.5", "1.5 knots"),
        ("kn", "0", "0 knots"),
        ("nm", "0.6", "0.6 nautical miles"),
        ("min", "1", "1 minute"),
        ("ft", "-1500", "-1500 feet"),
        ("m", "30", "30 metres"),
        ("deg-T", "007.5", "007.5 degrees true"),
    ],
)
def test_unit_agrees_with_its_number(unit: str, value: str, shown: str) -> None:
    assert ENGLISH.phrase(f"unit-{unit}", value=value) == shown


@pytest.mark.parametrize("value", ["many", "nan", "inf", "-inf", "", "1e999"])
def test_unit_with_a_value_that_is_no_number_is_not_an_exception(value: str) -> None:
    assert ENGLISH.phrase("unit-kn", value=value) is None
    assert ENGLISH.phrase("unit-deg-T", value=value) == f"{value} degrees true"


@pytest.mark.parametrize(
    ("id", "values"),
    [
        ("statement-reference", {"value": "v"}),
        ("reply-by", {"dtg": "v"}),
        ("attachment", {"name": "v", "type": "v", "size": "v", "digest": "v"}),
        ("free-text", {"language": "v"}),
        ("flag-unknown", {"id": "v"}),
        ("flag-other-version", {"id": "v", "theirs": "v", "ours": "v"}),
        ("flag-fields", {"reason": "v"}),
        ("flag-reference", {"field": "v"}),
        ("caution-word", {"word": "v"}),
        ("caution-length", {"words": "v", "most": "v", "precedence": "v"}),
    ],
)
def test_general_words_that_rendering_asks_for_are_there(id: str, values: dict[str, str]) -> None:
    phrase = ENGLISH.phrase(id, **values)
    assert phrase is not None
    assert phrase.count("v") >= len(values)


def test_language_that_no_pack_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(OperatorError, match="there are: en"):
        load_phrasebook(find_config(), "xx")


def test_shapes_tell_variables_that_a_choice_can_hide() -> None:
    shapes = read_shapes("a = { $x ->\n   *[other] { $y }\n  } { $z }\n    .b = plain\n")
    assert shapes["a"].variables == {"x", "y", "z"}
    assert shapes["a"].plain == {"z"}
    assert shapes["a.b"].variables == frozenset()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ok = fine\nbroken { $x\n", "line 2"),
        ("a = 1\na = 2\n", "a stands in it twice"),
        ("a = 1\n    .b = 1\n    .b = 2\n", "a stands in it twice"),
    ],
)
def test_text_that_is_not_sound_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(OperatorError, match=reason):
        read_shapes(text)


def test_text_file_with_a_hidden_character_is_refused_by_code_point() -> None:
    with pytest.raises(OperatorError, match=r"U\+200F"):
        decode_texts("a = \u200fb".encode())
