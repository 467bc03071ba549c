"""The quick way through the character rules lets nothing through that the slow way refuses."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from hotline.core import text
from hotline.core.errors import PeerError


def test_plain_characters_none_is_refused_or_combines() -> None:
    plain = [chr(code) for code in range(sys.maxunicode + 1) if text._PLAIN.fullmatch(chr(code))]
    assert len(plain) > 700
    wrong = [
        char
        for char in plain
        if text.refused_character(char)
        or unicodedata.category(char).startswith("M")
        or not unicodedata.is_normalized("NFC", char)
    ]
    assert wrong == []


def test_newline_where_only_one_line_may_be_is_refused_by_the_quick_way_too() -> None:
    assert text.refused_character("a\nb", newlines=False) is not None
    with pytest.raises(PeerError, match=r"U\+000A"):
        text.check_text("a\nb", what="a line", newlines=False)
