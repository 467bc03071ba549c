"""Pages over a page: the question before leaving, and help."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from hotline.tui.drawing import line_of
from hotline.tui.guided.glossary import GLOSSARY
from hotline.tui.guided.keys import ASIDE, GUIDE_ACTIONS
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT, KEY, PLAIN
from hotline.tui.widgets.lines import Lines

_TEXT_CELLS = 74


class LeavePage(GuidePage):
    """Asks whether to leave, and says how to go on; Stay is marked first."""

    TITLE = "LEAVE?"
    PLACE = ASIDE
    FOOTER = ("pane", "back")
    WORDS = {"pane": "Other button", "back": "Stay"}

    def now(self) -> str:
        """Say what is kept."""
        if self.view.made:
            return "What was made, accepted and signed is on the disk. It stays there."
        return "Nothing was made yet. What you typed is forgotten when you leave."

    def then(self) -> str:
        """Say how to go on."""
        if self.view.made:
            return f"To go on later: hotline init --guided {self.view.home}"
        return "To begin again: hotline init --guided"

    def guide_words(self) -> str:
        """Say which keys."""
        return "Enter presses the marked button. Tab goes to the other one."

    def buttons(self) -> Buttons:
        """Return both answers."""
        return (("stay", "Stay"), ("leave", "Leave"))

    def press(self, button: str) -> None:
        """Leave, or go back."""
        if button == "leave":
            self.shell.leave()
        else:
            self.shell.go_back()


class GuideHelpPage(GuidePage):
    """All keys, and what the words mean."""

    TITLE = "HELP"
    PLACE = ASIDE
    FOOTER = ("page_down", "page_up", "back")

    def guide_words(self) -> str:
        """Say how to read on and back."""
        return "PgDn reads on, Esc goes back to where you were."

    def questions(self) -> ComposeResult:
        """Yield the text."""
        yield Lines(id="help-text")

    def buttons(self) -> Buttons:
        """There is only a text."""
        return ()

    def begin(self) -> None:
        """Show the text; keys scroll it."""
        text = self.query_one(Lines)
        text.entitle("HELP")
        text.set_lines(_help_lines())
        text.focus()


def _help_lines() -> list[Content]:
    lines = [literal("WORDS", BRIGHT)]
    for word, meaning in GLOSSARY:
        lines += _hang(f"{word:16}", meaning)
    lines += [Content(), literal("KEYS", BRIGHT)]
    for action in GUIDE_ACTIONS:
        letter = f"^O {action.letter.upper()}" if action.letter else ""
        lines += _hang(f"{action.shown:10}{letter:6}", action.help)
    return lines


def _hang(head: str, words: str) -> list[Content]:
    first, *more = literal(words, PLAIN).wrap(_TEXT_CELLS - len(head))
    return [line_of((head, KEY), first), *(line_of(" " * len(head), line) for line in more)]
