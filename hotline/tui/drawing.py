"""From content to strips: the last step before the compositor, for line-API widgets."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.strip import Strip
from textual.style import Style

Part = str | Content | tuple[str, str | Style]
"""What a line is put together from: peer text only as Content made by `literal`."""


def line_of(*parts: Part) -> Content:
    """Return one line from its parts; strings are literal, never markup."""
    return Content.assemble(*parts)


def strip_of(line: Content, width: int, base: Style) -> Strip:
    """Draw one line exactly `width` cells wide on the style `base`."""
    strip = Strip(line.render_segments(base))
    return strip.adjust_cell_length(width, base.rich_style)


def wrap_lines(lines: Iterable[Content], width: int) -> list[Content]:
    """Wrap lines to `width` cells; an empty line stays one line."""
    wrapped: list[Content] = []
    for line in lines:
        wrapped.extend(line.wrap(max(width, 2)) if line.plain else [line])
    return wrapped
