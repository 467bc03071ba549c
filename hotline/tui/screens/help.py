"""Help: every key in words, how an exchange goes, what the words and symbols mean."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content

from hotline.tui.actions import HELP, Action
from hotline.tui.drawing import line_of
from hotline.tui.help_words import EXCHANGE, READING_ONLY, SYMBOLS
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT, KEY, PLAIN
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.lines import Lines

_TEXT_CELLS = 78
"""The help is wrapped for 80 columns: longer lines are harder to read anyway."""


class HelpScreen(FrameScreen):
    """One text to scroll; it is made from the same table as the bindings."""

    PLACE = HELP
    FOOTER = ("page_down", "page_up", "watch", "back", "chord", "leave")
    WORDS = {"page_down": "Read on", "page_up": "Read back"}

    def __init__(self, actions: Sequence[Action], *, read_only: bool) -> None:
        super().__init__()
        self._actions = actions
        self._read_only = read_only

    def compose_body(self) -> ComposeResult:
        """Yield the text."""
        text = Lines(id="help")
        text.entitle("HELP")
        yield text

    def begin(self) -> None:
        """Show the text; keys scroll it."""
        text = self.query_one(Lines)
        text.set_lines(self._lines())
        text.focus()

    def guide_words(self) -> str:
        """Say how to get on and back."""
        return "PgDn reads on, Esc goes back to where you were."

    def _lines(self) -> list[Content]:
        lines = [literal("KEYS", BRIGHT)]
        for action in self._actions:
            letter = f"^O {action.letter.upper()}" if action.letter else ""
            lines.extend(_hang(f"{action.shown:9} {letter:5} ", action.help))
        story = READING_ONLY if self._read_only else EXCHANGE
        lines += [Content(), literal("HOW AN EXCHANGE GOES", BRIGHT)]
        for place, words in enumerate(story, 1):
            lines.extend(_hang(f"{place:2} ", words))
        lines += [Content(), literal("WORDS AND SYMBOLS", BRIGHT)]
        for symbol, words in SYMBOLS:
            lines.extend(_hang(f"{symbol:16} ", words))
        return lines


def _hang(head: str, words: str) -> list[Content]:
    """Return the words wrapped beside their head, for the narrowest screen."""
    first, *more = literal(words, PLAIN).wrap(_TEXT_CELLS - len(head))
    return [line_of((head, KEY), first), *(line_of(" " * len(head), line) for line in more)]
