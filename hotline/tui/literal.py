"""Peer text as literal text: which characters may be drawn, and nothing is markup.

Two guards, each enough alone: `literal` cleans a text before it is laid out, and
`CharacterFilter` cleans every line that any widget draws.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.style import Style

from hotline.core.text import MAX_COMBINING, refused_character

MAX_DRAWN_CHARACTERS = 20_000
"""Longest text that is laid out; the rest is left out and said so."""


@lru_cache(maxsize=4096)
def _drawn(char: str) -> str:
    """Return what is drawn for `char`: itself, or as many blanks as it would take."""
    if refused_character(char, newlines=False) is None:
        return char
    return " " * cell_len(char)


def clean(text: str) -> str:
    """Return `text` without control, bidi, invisible and piled-up characters.

    A refused character that would take cells leaves blanks, so widths hold.
    Spec: docs/protocol.md §2.3
    """
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= MAX_COMBINING:
            kept.append(_drawn(char))
    return "".join(kept)


def literal(text: str, style: Style | None = None) -> Content:
    """Return `text` as content to draw: cleaned, bounded, never read as markup."""
    if len(text) > MAX_DRAWN_CHARACTERS:
        text = f"{text[:MAX_DRAWN_CHARACTERS]} [cut: {len(text)} characters]"
    cleaned = clean(text.replace("\n", " "))
    return Content(cleaned) if style is None else Content.styled(cleaned, style)


def literal_lines(text: str, style: Style | None = None) -> list[Content]:
    """Return one content for each line of `text`."""
    return [literal(line, style) for line in text[:MAX_DRAWN_CHARACTERS].split("\n")]


def fit(text: str, width: int) -> str:
    """Return `text` cleaned and cut to `width` cells, with ".." where something is missing."""
    text = clean(text[: max(width, 0) * 8].replace("\n", " "))
    if cell_len(text) <= width:
        return text
    if width < 3:
        return text[:0] if width < 1 else "." * width
    while cell_len(text) > width - 2:
        text = text[:-1]
    return text + ".."


def pad(text: str, width: int) -> str:
    """Return `text` fitted and filled with blanks to exactly `width` cells."""
    text = fit(text, width)
    return text + " " * (width - cell_len(text))


class CharacterFilter(LineFilter):
    """Deletes from every drawn line the characters that could act on the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with clean text and without control codes."""
        return [
            segment
            if segment.control is None and segment.text.isascii() and segment.text.isprintable()
            else Segment(clean(segment.text), segment.style)
            for segment in segments
        ]
