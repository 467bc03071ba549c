"""Step 7: the telephone call. Our words are read out, theirs are typed as heard, all compared."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from hotline.desk.guided.views import PeerView
from hotline.tui.drawing import line_of
from hotline.tui.guided.cards import peer_lines
from hotline.tui.guided.keys import ASIDE
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import SaidLines
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, KEY, QUIET
from hotline.tui.widgets.field_box import bracketed

WORDS_IN_A_ROW = 4
_CELLS = 18


class WordTable(Static):
    """Words with their numbers, in capitals, a blank row between rows."""

    can_focus = False

    def __init__(self, words: tuple[str, ...]) -> None:
        rows: list[Content] = []
        for first in range(0, len(words), WORDS_IN_A_ROW):
            row = line_of("")
            for place, word in enumerate(words[first : first + WORDS_IN_A_ROW], start=first + 1):
                shown = f"{clean(word).upper():<{_CELLS - 4}}"
                row += line_of((f"{place:2}  ", QUIET), (shown, BRIGHT))
            rows += [row, line_of("")]
        super().__init__(Content("\n").join(rows[:-1]), classes="words", markup=False)


class OwnWordsPage(GuidePage):
    """This station's 24 words on one screen, to read out."""

    STEP, TITLE = 7, "READ OUT OUR WORDS"

    def now(self) -> str:
        """Say what happens."""
        whom = self._whom
        return f"Call {whom} where you know the voice. Read these words to them."

    @property
    def _whom(self) -> str:
        known = self.answers.looked_at or next(iter(self.view.peers), None)
        return known.station if known else "the other station"

    def why(self) -> str:
        """Say why."""
        return "They spell your root key. If theirs differ, the card was exchanged."

    def then(self) -> str:
        """Say what comes next."""
        if self.answers.looked_at is not None:
            return f"{self._whom} reads theirs, and you type some. F2 brings these back."
        return "You can come back here with F2."

    def guide_words(self) -> str:
        """Say how to read."""
        return "Read the number and the word, slowly. They ask for some, then for all 24."

    def questions(self) -> ComposeResult:
        """Yield the words."""
        yield WordTable(self.guide.own_words())

    def press(self, button: str) -> None:
        """Go on to their words, or where it stands."""
        if self.answers.looked_at is not None:
            self.shell.go("hear")
        else:
            self.shell.go("choice" if self.view.line is None else "carry")


class OwnWordsAside(OwnWordsPage):
    """The same words, brought up over another page by F2."""

    PLACE = ASIDE
    FOOTER = ("back",)

    def then(self) -> str:
        """Say how to get back."""
        return "Esc goes back to where you were; nothing is lost there."

    def buttons(self) -> Buttons:
        """Return the way back."""
        return (("next", "Back"),)

    def press(self, button: str) -> None:
        """Go back."""
        self.shell.go_back()


class WordBox(Input):
    """Takes one word. Enter hands it over, it does not go to the next field."""


class HearPage(GuidePage):
    """Some of the other station's words, typed as heard, one after the other."""

    STEP, TITLE = 7, "TYPE THEIR WORDS"

    def now(self) -> str:
        """Say what happens."""
        whom = self._peer.station
        return f"{whom} brings its own 24 words up with F2. You ask for six of them."

    @property
    def _peer(self) -> PeerView:
        return self.answers.looked_at or PeerView("They", (), "", "")

    def why(self) -> str:
        """Say why."""
        return "What you hear by voice shows whether this card is really theirs."

    def then(self) -> str:
        """Say what comes next."""
        return "All 24 are shown to you, to compare every one."

    def guide_words(self) -> str:
        """Say how to type."""
        return "Ask for the word by number. Type it as you HEAR it; four letters do."

    def questions(self) -> ComposeResult:
        """Yield whose card it is, what was heard, and the box for the next word."""
        yield SaidLines(peer_lines(self._peer))
        places, heard = self.guide.asked_places(), self.guide.heard()
        for count, place in enumerate(places):
            with Horizontal(classes="hear-row"):
                label = literal(f"word {place:2}", BRIGHT if count == heard else QUIET)
                yield Static(label, classes="said-label", markup=False)
                if count == heard:
                    box = WordBox(compact=True, select_on_focus=False, max_length=40, id="word")
                    box.cursor_blink = False
                    yield from bracketed(box)
                else:
                    told = literal("v  right", KEY) if count < heard else literal("", QUIET)
                    yield Static(told, markup=False)

    def buttons(self) -> Buttons:
        """Return the way on."""
        return (("next", "That is the word"),)

    def begin(self) -> None:
        """Keys go to the word."""
        self.query_one(WordBox).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the word."""
        if not self.shell.busy:
            self.press("next")

    def press(self, button: str) -> None:
        """Compare the word with the card's; one more try, then the card is refused."""
        box = self.query_one(WordBox)
        typed = box.value.strip()
        if not typed:
            self.shell.say("Type the word first.", fault=True)
            box.focus()
            return
        right = self.shell.attempt(lambda: self.guide.hear(typed))
        if right is None:
            words, _ = self.shell.outcome()
            self.answers.looked_at = None
            self.shell.go("theirs", words, fault=True)
        elif not right:
            box.value = ""
            box.focus()
            self.shell.say("That is not it. Have it read again, letter by letter.", fault=True)
        elif self.guide.their_words():
            self.shell.go("compare", "All that were asked for are right.")
        else:
            self.shell.go("hear", "Right. The next one.")


class ComparePage(GuidePage):
    """All 24 words of the other station; the officer says whether they agree."""

    STEP, TITLE = 7, "COMPARE ALL 24"

    def now(self) -> str:
        """Say what happens."""
        return "They read all 24 words. You compare each with what stands here."

    def why(self) -> str:
        """Say why."""
        return "The machine asked for six only. All 24 leave nobody room to cheat."

    def then(self) -> str:
        """Say what comes next."""
        return "If they agree, the card is kept. Then comes the line."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Compare all. Then Tab to your answer, and Enter."

    def questions(self) -> ComposeResult:
        """Yield the words."""
        yield WordTable(self.guide.their_words())

    def buttons(self) -> Buttons:
        """Return the answers; the first one changes nothing."""
        return (("wait", "Not yet"), ("agree", "ALL 24 AGREE"), ("differ", "THEY DIFFER"))

    def press(self, button: str) -> None:
        """Keep the card, or refuse it."""
        if button == "wait":
            self.shell.say("Compare every word first. Tab goes to the answers.")
            return
        peer = self.shell.attempt(lambda: self.guide.settle(agreed=button == "agree"))
        if peer is not None:
            self.answers.looked_at = None
            self.shell.go("choice", f"The card of {peer.station} is accepted.")
        elif button == "differ":
            words, _ = self.shell.outcome()
            self.answers.looked_at = None
            self.shell.go("theirs", words, fault=True)
