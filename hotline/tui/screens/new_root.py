"""A changed root: the console waits until an officer has compared its words by voice."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.desk.views import RootView
from hotline.tui.actions import NEW_ROOT
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.push import Push

WORDS_IN_A_ROW = 6


class NewRootScreen(FrameScreen):
    """Stands until it is answered; a FLASH can still be read from here.

    Spec: docs/protocol.md §4.25
    """

    PLACE = NEW_ROOT
    ACTS = True
    FOOTER = ("help", "pane", "acknowledge", "leave", "chord")
    WORDS = {"pane": "Next field"}

    def __init__(self, root: RootView) -> None:
        super().__init__()
        self.root = root

    def place_words(self) -> str:
        """Name whose root it is."""
        return f"NEW ROOT OF {self.root.station}"

    def guide_words(self) -> str:
        """Say what to do."""
        return f"Call {self.root.station}. Compare every word. Type the last one; Tab; Enter."

    def compose_body(self) -> ComposeResult:
        """Yield both fingerprints, the word to type, and two buttons."""
        station = self.root.station
        yield from self._lines(
            f"! {station} has a new root. Its old one had committed to it. Whether it is",
            "  theirs, only a voice that you know can say. Until then what its new",
            "  keys sign is UNVERIFIED.",
            "",
        )
        yield from self._lines("NEW ROOT", *_rows(self.root.words), "")
        yield from self._lines("OLD ROOT", *_rows(self.root.before_words), "")
        with Horizontal(classes="field-row"):
            yield Static(
                literal("The last word that they read to you", BRIGHT),
                classes="field-label",
                markup=False,
            )
            box = Input(compact=True, select_on_focus=False, id="last-word")
            box.cursor_blink = False
            yield from bracketed(box)
        with Horizontal(id="buttons"):
            yield Push("THE WORDS AGREE", id="agree")
            yield Push("THEY DIFFER", id="differ")

    def _lines(self, *lines: str) -> ComposeResult:
        for line in lines:
            yield Static(literal(line or " ", BRIGHT), classes="words", markup=False)

    def begin(self) -> None:
        """Keys go to the field: nothing is answered by a key that was meant for another thing."""
        self.query_one("#last-word").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer, once the word that was heard is the one that stands here."""
        agreed = event.button.id == "agree"
        typed = self.query_one("#last-word", Input).value.strip().casefold()
        if self.shell.keys_guarded():
            self.shell.say("A FLASH came in just now. Look at it, then press again.", fault=True)
        elif agreed and typed != self.root.words[-1].casefold():
            self.shell.say("That is not the last word of the new root. Ask again.", fault=True)
        else:
            self.shell.answer_root(self.root, agreed=agreed)


def _rows(words: tuple[str, ...]) -> list[str]:
    return [
        "  " + "  ".join(words[first : first + WORDS_IN_A_ROW])
        for first in range(0, len(words), WORDS_IN_A_ROW)
    ]
