"""What every page has: how far, what happens now, why, what comes next, questions, buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from hotline.desk.guided.port import Guide
from hotline.desk.guided.views import CONSOLE_KEY, ROOT_KEY, SetupView, Unlocking
from hotline.tui.guided.answers import Answers
from hotline.tui.guided.app_port import GuideShell, shell_of
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.head import HeadRows
from hotline.tui.guided.keys import PAGE
from hotline.tui.literal import literal
from hotline.tui.look import KEY, PLAIN
from hotline.tui.widgets.choice_box import ChoiceBox
from hotline.tui.widgets.footer_row import FooterRow
from hotline.tui.widgets.guide_row import GuideRow
from hotline.tui.widgets.mode_band import ModeBand
from hotline.tui.widgets.push import Push
from hotline.tui.widgets.too_small import MIN_COLUMNS, MIN_ROWS, TooSmall

Buttons = tuple[tuple[str, str], ...]

MOST_ROOMY = 4
"""More questions than these stand close together, to fit 24 rows."""


class GuidePage(Screen[None]):
    """Base of every page: a subclass gives words, questions, buttons and what they do.

    Attributes:
        STEP: Which step of the setup it belongs to, from 1; 0: none.
        TITLE: Its name in row 0.
        FOOTER: Ids of the actions in the footer, the first to stay when it is narrow.
    """

    STEP: ClassVar[int] = 0
    TITLE: ClassVar[str] = ""
    PLACE: ClassVar[str] = PAGE
    FOOTER: ClassVar[tuple[str, ...]] = ("help", "words", "pane", "back", "chord", "leave")
    WORDS: ClassVar[Mapping[str, str]] = {}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-broad")]

    @property
    def shell(self) -> GuideShell:
        """The app, as pages may use it."""
        return shell_of(self)

    @property
    def guide(self) -> Guide:
        """What is asked and done."""
        return self.shell.guide

    @property
    def view(self) -> SetupView:
        """How far the home has come."""
        return self.shell.view

    @property
    def answers(self) -> Answers:
        """What was answered so far."""
        return self.shell.answers

    @property
    def too_small(self) -> bool:
        """Whether the terminal is under 80x24."""
        return self.app.size.width < MIN_COLUMNS or self.app.size.height < MIN_ROWS

    def now(self) -> str:
        """Say what happens on this page."""
        return ""

    def why(self) -> str:
        """Say why it is needed."""
        return ""

    def then(self) -> str:
        """Say what comes next."""
        return ""

    def guide_words(self) -> str:
        """Say which key to press."""
        return "Type; Enter goes on to the next field. On a button, Enter presses it."

    def questions(self) -> ComposeResult:
        """Yield what stands between the words and the buttons."""
        return iter(())

    def buttons(self) -> Buttons:
        """Return (id, words) of the buttons."""
        return (("next", "Next"),)

    def press(self, button: str) -> None:
        """Do what a button says."""

    def compose(self) -> ComposeResult:
        """Yield the frame around the page."""
        yield HeadRows()
        yield GuideRow()
        with VerticalScroll(id="body", can_focus=False):
            for label, words in (("NOW", self.now()), ("WHY", self.why()), ("NEXT", self.then())):
                if words:
                    with Horizontal(classes="told"):
                        yield Static(literal(label, KEY), classes="told-label", markup=False)
                        yield Static(literal(words, PLAIN), classes="told-words", markup=False)
            yield from self.questions()
            with Horizontal(id="buttons"):
                for name, words in self.buttons():
                    yield Push(words, id=name)
        yield TooSmall()
        yield ModeBand()
        yield FooterRow()

    def on_mount(self) -> None:
        """Show how far it is, then let keys go to the first question."""
        self._fit_terminal()
        self.set_class(len(self.query(Ask)) > MOST_ROOMY, "-tight")
        self.refresh_frame()
        self.begin()

    def begin(self) -> None:
        """Say where the keys go first: the first question, else the first button."""
        asks = list(self.query(Ask))
        if asks:
            asks[0].focus_box()
        else:
            self.query(Push).first().focus()

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another page was up."""
        self._fit_terminal()
        self.refresh_frame()

    def on_resize(self, event: events.Resize) -> None:
        """Take away or give back the page when the terminal crosses 80x24."""
        self._fit_terminal()
        self.call_after_refresh(self.refresh_frame)

    def _fit_terminal(self) -> None:
        self.set_class(self.too_small, "-small")

    def refresh_frame(self) -> None:
        """Bring everything around the page up to date."""
        try:
            realm = self.view.realm or self.answers.realm
            station = self.view.station or self.answers.station
            self.query_one(HeadRows).show(realm, station, self.STEP, self.TITLE)
            words, fault = self.shell.outcome()
            said = self.shell.busy or self.guide_words()
            self.query_one(GuideRow).show(said, words, fault=fault)
            self.query_one(ModeBand).show(realm)
            self.query_one(FooterRow).show(self.shell.footer_keys())
            for button in self.query(Push):
                button.disabled = bool(self.shell.busy)
        except NoMatches:
            if self.is_running and self.app.is_running:
                raise

    def ask(self, name: str) -> Ask:
        """Return the question called `name`."""
        return next(one for one in self.query(Ask) if one.name == name)

    def typed(self, name: str) -> str:
        """Return what was answered to the question `name`; "" when it is not asked."""
        return next((one.value for one in self.query(Ask) if one.name == name), "")

    def refused(self, faults: Mapping[str, str]) -> bool:
        """Show what is wrong beside each question and go to the first; False: nothing is."""
        first: Ask | None = None
        for one in self.query(Ask):
            fault = faults.get(one.name or "", "")
            one.show_fault(fault)
            if fault and first is None:
                first = one
        if first is not None:
            first.focus_box()
            self.shell.say("Not yet: see what stands under the marked field.", fault=True)
        return first is not None

    def blame(self, sentence: str) -> None:
        """Mark the question that a refusal speaks of: a passphrase that is wrong, a file."""
        for one in self.query(Ask):
            one.show_fault("")
            if isinstance(one.box, Input) and one.box.password:
                one.empty()
        for one in self.query(Ask):
            if any(name in sentence for name in one.about):
                one.show_fault("Type it again.")
                one.focus_box()
                return

    def locked(self, *keys: str) -> list[str]:
        """Return the key files among `keys` whose passphrases are needed and not known."""
        view = self.view
        return [key for key in keys if view.protected and key not in view.held]

    def unlocking(self, *keys: str) -> ComposeResult:
        """Yield questions for the passphrases that are not known, and for root.key."""
        if ROOT_KEY in keys and not self.view.root_here:
            yield Ask(
                "root-file",
                "Where root.key is",
                told="As in /media/safe/root.key. It stays there.",
                about=("is not there", "cannot be read"),
            )
        for key in self.locked(*keys):
            told = "Its passphrase, as it was chosen. It is not shown."
            yield Ask(key, f"Unlock {key}", told=told, about=(key,), unseen=True)

    def unlocked(self) -> Unlocking:
        """Return what was typed to open key files, and forget it on the page."""
        phrases = {
            one.name: one.value
            for one in self.query(Ask)
            if one.name and isinstance(one.box, Input) and one.box.password
        }
        return Unlocking(phrases, self.typed("root-file"))

    def missing_phrases(self) -> dict[str, str]:
        """Say which passphrases are still empty."""
        return {
            key: "Type the passphrase of this key file."
            for key in (CONSOLE_KEY, ROOT_KEY)
            if any(one.name == key and not one.value for one in self.query(Ask))
        }

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says, once: not while something is done, or another page is up."""
        if not self.shell.busy and self.is_current:
            self.press(event.button.id or "")

    def on_choice_box_chosen(self, event: ChoiceBox.Chosen) -> None:
        """Take back what was wrong, and let the page follow the answer."""
        for one in self.query(Ask):
            if one.box is event.box:
                one.show_fault("")
                self.follow(one)

    def follow(self, ask: Ask) -> None:
        """Let the page follow a changed answer."""
