"""Which characters a text from outside may hold (docs/protocol.md §2)."""

from __future__ import annotations

import re
import unicodedata

from hotline.core.errors import PeerError

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, format characters (bidi overrides, zero-width), surrogates, private, unassigned."""

_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
"""Characters that show as nothing although their category is a letter, mark or symbol."""

_PLAIN = re.compile(
    "[\\n -~\\u00a1-\\u00ac\\u00ae-\\u02ff\\u0400-\\u0482\\u048a-\\u052f"
    "\\u2013\\u2014\\u2018-\\u201e\\u2026]*"
)
"""Texts of these alone hold nothing refused: most do, and are not looked at sign by sign."""

MAX_COMBINING = 4
"""Combining marks that may follow one another; more would paint over other rows."""


def is_plain(text: str) -> bool:
    """Return whether `text` is of characters alone that need no closer look.

    None of them is refused, combines, or is written otherwise in NFC.
    """
    return _PLAIN.fullmatch(text) is not None


def refused_character(text: str, *, newlines: bool = True) -> str | None:
    """Name the first character of `text` that may not stand in it, or return None.

    Args:
        text: What came from outside.
        newlines: Whether U+000A may separate lines.
    Spec: docs/protocol.md §2.3
    """
    marks = 0
    for place, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char == "\n" and newlines:
            continue
        hidden = char in _FILLERS or 0xFE00 <= ord(char) <= 0xFE0F or ord(char) >= 0xE0000
        if category in _REFUSED_CATEGORIES or hidden or marks > MAX_COMBINING:
            return f"U+{ord(char):04X} {unicodedata.name(char, 'CONTROL')} at character {place + 1}"
    return None


def check_text(text: str, *, what: str, newlines: bool = True) -> str:
    """Return `text` if a person may safely be shown it.

    Raises:
        PeerError: it is not NFC or holds a refused character; the code point is named.
    """
    if is_plain(text) and (newlines or "\n" not in text):
        return text
    refused = refused_character(text, newlines=newlines)
    if refused:
        raise PeerError(f"{what} holds {refused}, which is not allowed")
    if not unicodedata.is_normalized("NFC", text):
        raise PeerError(f"{what} is not in Unicode form NFC")
    return text
