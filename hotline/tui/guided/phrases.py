"""Step 3: a passphrase for each of the station's three key files; then the station is made."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from hotline.desk.guided.views import CONSOLE_KEY, ROOT_KEY, SUCCESSOR_KEY, NewStationAnswers
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.page import Buttons, GuidePage

_ORDER = (CONSOLE_KEY, ROOT_KEY, SUCCESSOR_KEY)
_WHY = {
    CONSOLE_KEY: "This machine works with it. You type it to start the console.",
    ROOT_KEY: "The highest key: it names officers, signs lines. Keep it in a safe.",
    SUCCESSOR_KEY: "It takes over if root.key is lost or stolen. Keep it in another safe.",
}


class PhrasePage(GuidePage):
    """Asks for one new passphrase, twice."""

    STEP = 3
    KEY: ClassVar[str] = CONSOLE_KEY

    @property
    def _number(self) -> int:
        return _ORDER.index(self.KEY) + 1

    @property
    def _exercise_first(self) -> bool:
        return self.KEY == CONSOLE_KEY and self.answers.realm != "LIVE"

    @property
    def _last(self) -> bool:
        return self.KEY == SUCCESSOR_KEY or not self.answers.protect

    def now(self) -> str:
        """Say what happens."""
        return f"You choose the passphrase of {self.KEY}, key file {self._number} of 3."

    def why(self) -> str:
        """Say why."""
        return _WHY[self.KEY]

    def then(self) -> str:
        """Say what comes next."""
        if self._number < len(_ORDER):
            return f"The passphrase of {_ORDER[self._number]}."
        return "The station is made. That takes a few seconds."

    def guide_words(self) -> str:
        """Say what is special about these fields."""
        return "What you type is not shown. Nobody can find a lost passphrase."

    def questions(self) -> ComposeResult:
        """Yield the passphrase, twice; in an exercise also whether there is one."""
        if self._exercise_first:
            yield Ask(
                "protect",
                "Passphrases?",
                value="yes" if self.answers.protect else "no",
                told="yes: as when LIVE. no: leave the two fields empty.",
                choices=(("yes", "yes"), ("no", "no, the keys stay open")),
            )
        told = "At least 12 characters; another one for each key."
        yield Ask("new", f"New for {self.KEY}", told=told, unseen=True)
        yield Ask("again", "The same again", told="So that no slip locks you out.", unseen=True)

    def buttons(self) -> Buttons:
        """Return the way on; the last one makes the station."""
        return (("next", "Make the station" if self.KEY == SUCCESSOR_KEY else "Next"),)

    def press(self, button: str) -> None:
        """Keep the passphrase, and make the station when there is none to come."""
        if self._exercise_first:
            self.answers.protect = self.typed("protect") == "yes"
        if self.answers.protect:
            if self.refused(self.guide.phrase_fault(self.typed("new"), self.typed("again"))):
                return
            self.answers.phrases[self.KEY] = self.typed("new")
        if not self._last:
            self.shell.go(_PAGE_OF[_ORDER[self._number]])
            return
        self._make()

    def _make(self) -> None:
        answers = self.answers
        new = NewStationAnswers(
            answers.home or answers.station.lower(),
            answers.station,
            answers.realm,
            answers.route,
            answers.listening,
            dict(answers.phrases) if answers.protect else {},
        )
        words = "The keys are drawn and locked. This takes a few seconds."
        self.shell.work(words, self.guide.make(new), self._made)

    def _made(self, _: None) -> None:
        self.answers.phrases.clear()
        self.shell.go("who", f"The station {self.view.station} is made.")


class RootPhrasePage(PhrasePage):
    """Of root.key."""

    TITLE, KEY = "KEYS: root.key", ROOT_KEY


class ConsolePhrasePage(PhrasePage):
    """Of console.key."""

    TITLE, KEY = "KEYS: console.key", CONSOLE_KEY


class SuccessorPhrasePage(PhrasePage):
    """Of successor.key."""

    TITLE, KEY = "KEYS: successor.key", SUCCESSOR_KEY


_PAGE_OF = {CONSOLE_KEY: "console", ROOT_KEY: "root", SUCCESSOR_KEY: "successor"}
