from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.text import MAX_COMBINING, check_text, refused_character

DEFAULT_IGNORABLE = [
    0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x180F, 0x200B,
    0x200C, 0x200D, 0x200E, 0x200F, 0x202A, 0x202E, 0x2060, 0x2064, 0x2066, 0x2069, 0x206F,
    0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0, 0x1BCA0, 0x1D173, 0xE0001, 0xE0020,
    0xE007F, 0xE0100, 0xE01EF, 0xE0FFF,
]  # fmt: skip


@pytest.mark.parametrize("point", DEFAULT_IGNORABLE, ids=hex)
def test_character_that_shows_as_nothing_is_refused(point: int) -> None:
    named = refused_character(f"ab{chr(point)}")
    assert named is not None
    assert named.startswith(f"U+{point:04X} ")
    assert named.endswith("at character 3")


@pytest.mark.parametrize("point", [*range(10), *range(11, 32), *range(0x7F, 0xA0)], ids=hex)
def test_control_character_is_refused(point: int) -> None:
    assert (refused_character(chr(point)) or "").startswith(f"U+{point:04X}")


@pytest.mark.parametrize("point", [0xD800, 0xDFFF, 0xE000, 0xF8FF, 0x0378, 0x2028, 0x2029, 0xF0000])
def test_surrogate_private_unassigned_and_line_separators_are_refused(point: int) -> None:
    assert refused_character(chr(point))


def test_newline_stands_in_running_text_only() -> None:
    assert refused_character("a\nb") is None
    assert refused_character("a\nb", newlines=False) == "U+000A CONTROL at character 2"


def test_combining_marks_are_bounded_in_a_row() -> None:
    marks = "\u0323" * MAX_COMBINING
    assert refused_character(f"q{marks}") is None
    assert refused_character(f"q{marks}\u0323")
    assert refused_character(f"q{marks}a{marks}") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "Grüße",
        "Привет",
        "你好",
        "مرحبا",
        "שלום",
        "ハロー",
        "한국어",
        "ไทย",
        "½ × 3′ — “x”",
    ],
)
def test_words_of_many_scripts_stand(text: str) -> None:
    assert check_text(text, what="text") == text


def test_text_that_is_not_composed_is_refused() -> None:
    with pytest.raises(PeerError, match="thing is not in Unicode form NFC"):
        check_text("e\u0301", what="thing")


@given(st.text(max_size=30))
def test_text_that_passes_holds_nothing_hidden(text: str) -> None:
    reason = _refusal(text)
    hidden = [char for char in text if not char.isprintable() and char not in " \n"]
    assert not any(char in reason for char in hidden)
    for char in "" if reason else text:
        assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _refusal(text: str) -> str:
    try:
        check_text(text, what="thing")
    except PeerError as error:
        return str(error)
    return ""
