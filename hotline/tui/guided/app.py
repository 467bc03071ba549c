"""The app of the guided setup: one page at a time, from nothing to a complete line."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from inspect import isawaitable
from typing import Any, ClassVar, TypeVar

from hotline.core.errors import HotlineError
from hotline.desk.guided.port import Guide
from hotline.desk.guided.views import SetupView
from hotline.tui.actions import Action, app_bindings, find_action
from hotline.tui.ground import Ground
from hotline.tui.guided.answers import Answers
from hotline.tui.guided.aside import GuideHelpPage, LeavePage
from hotline.tui.guided.keys import ASIDE, GUIDE_ACTIONS
from hotline.tui.guided.order import PAGES, page_before, page_to_begin
from hotline.tui.guided.page import GuidePage
from hotline.tui.guided.words import OwnWordsAside, WordBox
from hotline.tui.screens.chord import ChordScreen
from hotline.tui.terminal import catch_signals, release_signals
from hotline.tui.widgets.choice_box import ChoiceBox

Outcome = TypeVar("Outcome")


class GuideApp(Ground, inherit_bindings=False):
    """Walks a person through the setup of a station and its first line.

    Args:
        guide: What is asked and done.
        ascii: Draw borders with plain ASCII.
    Spec: docs/enrolment.md §12.1
    """

    ACTIONS: ClassVar[tuple[Action, ...]] = GUIDE_ACTIONS
    BINDINGS = [*app_bindings(GUIDE_ACTIONS)]
    CSS_PATH = [f"../styles/{name}.tcss" for name in ("frame", "chord", "guided")]
    AFTER_A_FAULT = "What was made and signed is on the disk; report this."

    def __init__(self, guide: Guide, *, ascii: bool = False) -> None:
        super().__init__(ascii=ascii)
        self.guide = guide
        self.view: SetupView = guide.view()
        self.answers = Answers(home=self.view.home)
        self.busy = ""
        self._said = ("", False)
        self._page = page_to_begin(self.view)
        if self.view.made:
            self._said = (f"{self.view.station} goes on where it stopped.", False)

    def on_mount(self) -> None:
        """Show the page at which the home stands; begin to follow signals and terminal."""
        self.push_screen(PAGES[self._page]())
        self.set_class(self.ascii_look, "-ascii-look")
        self.set_interval(1.0, self.check_terminal)
        catch_signals(self.leave)

    def on_unmount(self) -> None:
        """Give the signals back."""
        release_signals()

    @property
    def page(self) -> GuidePage | None:
        """The topmost page: the ^O row may lie over it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, GuidePage):
                return screen
        return None

    def say(self, words: str, *, fault: bool = False) -> None:
        """Show what came of an act until the person acts again."""
        self._said = (words, fault)
        self._refresh_frame()

    def outcome(self) -> tuple[str, bool]:
        """Return the words last said and whether they are a fault."""
        return self._said

    def sentence_of(self, error: HotlineError) -> str:
        """Return what is said of an act that failed."""
        return self.guide.advise(error)

    def refresh_view(self) -> None:
        """Read from the home how far it has come, and show it."""
        view = self._read()
        if view is not None:
            self.view = view
        self._refresh_frame()

    def _read(self) -> SetupView | None:
        try:
            return self.guide.view()
        except HotlineError as error:
            self._said = (self.sentence_of(error), True)
            return None

    def _refresh_frame(self) -> None:
        if self.page is not None:
            self.page.refresh_frame()

    def go(self, page: str, words: str = "", *, fault: bool = False) -> None:
        """Show another page; `words` say what came of the one before."""
        self._said = (words, fault)
        view = self._read()
        self.view = view or self.view
        self._page = page
        self.switch_screen(PAGES[page]())

    def go_back(self) -> None:
        """Show the page before, or close what lies over this one; nothing is undone by it."""
        if self.page is not None and self.page.PLACE == ASIDE:
            self.pop_screen()
            return
        before = page_before(self._page, self.view, self.answers)
        if before:
            self.go(before)
        else:
            self.say("This is the first page. ^X leaves.")

    def go_on_with(self, home: str) -> None:
        """Take up a station that stands in `home` already, where it stopped."""
        found = self.attempt(lambda: self.guide.name_home(home))
        if found is not None:
            page = page_to_begin(found)
            self.go(page, f"{found.station} stands there already. It goes on where it stopped.")

    def attempt(self, act: Callable[[], Outcome]) -> Outcome | None:
        """Return what `act` returns, or None after saying why it cannot be done."""
        try:
            return act()
        except HotlineError as error:
            self._failed(self.sentence_of(error))
            return None

    def work(
        self, words: str, act: Coroutine[Any, Any, Outcome], then: Callable[[Outcome], None]
    ) -> None:
        """Do what takes a moment, saying so; say why when it cannot be done."""
        self.busy = words
        self._said = ("", False)
        self._refresh_frame()

        def done(outcome: Outcome) -> None:
            self.busy = ""
            self.view = self._read() or self.view
            then(outcome)

        self.act(act, done, self._not_done)

    def _not_done(self) -> None:
        self.busy = ""
        self._failed(self._said[0])

    def _failed(self, sentence: str) -> None:
        if self.page is not None:
            self.page.blame(sentence)
        self.say(sentence, fault=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a key of the table work only where the table says so."""
        if action == "next_field":
            # Here, not in the widgets: of a burst of keys each finds its own field.
            typing = self.in_a_field() and not isinstance(self.focused, WordBox)
            return typing or isinstance(self.focused, ChoiceBox)
        if action != "do":
            return True
        return self.offers(find_action(self.ACTIONS, str(parameters[0])))

    def offers(self, action: Action) -> bool:
        """Return whether `action` works on the page that is up."""
        screen = self.screen
        if not isinstance(screen, GuidePage) or screen.too_small or self.busy:
            return False
        if action.id == "words" and not self.view.officers:
            return False
        return screen.PLACE in action.where

    def footer_keys(self) -> list[tuple[str, str]]:
        """Return the keys that work on the page that is up, with their words."""
        page = self.page
        if page is None:
            return []
        table = {action.id: action for action in self.ACTIONS}
        offered = [table[name] for name in page.FOOTER if page.PLACE in table[name].where]
        if not self.view.officers:
            offered = [one for one in offered if one.id != "words"]
        return [(one.shown, page.WORDS.get(one.id, one.word)) for one in offered]

    async def action_do(self, action_id: str) -> None:
        """Do what the table calls `action_id`."""
        self._said = ("", False)
        work = getattr(self, f"do_{action_id}")()
        if isawaitable(work):
            await work
        self._refresh_frame()

    def do_help(self) -> None:
        """F1."""
        self.push_screen(GuideHelpPage())

    def do_words(self) -> None:
        """F2."""
        self.push_screen(OwnWordsAside())

    def do_pane(self) -> None:
        """Tab."""
        self.screen.focus_next()

    def do_pane_back(self) -> None:
        """Shift+Tab."""
        self.screen.focus_previous()

    def do_back(self) -> None:
        """Esc."""
        self.go_back()

    def do_leave(self) -> None:
        """^X, and ^C."""
        self.push_screen(LeavePage())

    def do_chord(self) -> None:
        """^O: the next letter does what an F-key does."""
        letters = [one for one in self.ACTIONS if one.letter and self.offers(one)]
        self.push_screen(ChordScreen(letters), self._chord_done)

    def _chord_done(self, action_id: str | None) -> None:
        if action_id:
            self.call_next(self.action_do, action_id)
