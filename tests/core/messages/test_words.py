"""Words of caution about a draft."""

from __future__ import annotations

import pytest

from hotline.core.messages.words import MAX_URGENT_WORDS, cautions
from hotline.core.values import Precedence
from tests.core.messages.forms import SILENT, Words

LISTED = ("or else", "retaliat*", "don't test us")


def _found(text: str) -> tuple[str, ...]:
    words = Words(**{"caution-word": "{word}"})
    return cautions({}, text, Precedence.FLASH, LISTED, words)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Move OR\nELSE.", ("or else",)),
        ("We shall Retaliate, or else!", ("or else", "retaliat*")),
        ("Don’t test us", ("don't test us",)),
        ("For elsewhere, tor elsewise", ()),
        ("or something else", ()),
        ("", ()),
    ],
)
def test_listed_expressions_are_found_as_whole_words(text: str, found: tuple[str, ...]) -> None:
    assert _found(text) == found


def test_listed_expression_in_a_field_is_found() -> None:
    found = cautions({"act": "stop or else"}, "", Precedence.ROUTINE, LISTED, SILENT)
    assert found == ("may read as a threat or an ultimatum: or else",)


@pytest.mark.parametrize(
    ("precedence", "words", "warned"),
    [
        (Precedence.FLASH, MAX_URGENT_WORDS, False),
        (Precedence.FLASH, MAX_URGENT_WORDS + 1, True),
        (Precedence.IMMEDIATE, MAX_URGENT_WORDS + 1, True),
        (Precedence.PRIORITY, MAX_URGENT_WORDS + 1, False),
    ],
)
def test_length_is_warned_of_when_the_precedence_is_urgent(
    precedence: Precedence, words: int, warned: bool
) -> None:
    found = cautions({"a": "word"}, "word " * (words - 1), precedence, (), SILENT)
    assert bool(found) is warned
    assert all(str(words) in caution and "200" in caution for caution in found)
