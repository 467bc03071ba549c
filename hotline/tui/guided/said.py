"""Facts in two columns: a label, and words that wrap beside it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, QUIET

LABEL_CELLS = 16


class SaidLines(Vertical):
    """Shows (label, words) pairs as they are; peer text among them is literal."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(classes="said")
        self._pairs = tuple(pairs)

    def compose(self) -> ComposeResult:
        """Yield one row for each pair."""
        for label, words in self._pairs:
            with Horizontal(classes="said-row"):
                yield Static(literal(label, QUIET), classes="said-label", markup=False)
                yield Static(literal(words, BRIGHT), classes="said-words", markup=False)


def said_lines(pairs: Iterable[tuple[str, str]], width: int) -> list[Content]:
    """Return the same as lines of text, for a box that scrolls."""
    lines: list[Content] = []
    for label, words in pairs:
        first, *more = literal(words, BRIGHT).wrap(max(width - LABEL_CELLS, 20))
        lines.append(line_of((f"{clean(label)[: LABEL_CELLS - 1]:<{LABEL_CELLS}}", QUIET), first))
        lines += [line_of(" " * LABEL_CELLS, line) for line in more]
    return lines
