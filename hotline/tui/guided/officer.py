"""Step 4: who stands watch. The first officer, and others."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.guided.views import CONSOLE_KEY, ROOT_KEY, OfficerAnswers, Unlocking
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import SaidLines


class WhoPage(GuidePage):
    """An officer's particulars."""

    STEP, TITLE = 4, "AN OFFICER"

    def now(self) -> str:
        """Say what happens."""
        return "You name an officer: a person who reads and signs on the line."

    def why(self) -> str:
        """Say why."""
        return "Each officer signs with an own key. The other side sees who it was."

    def then(self) -> str:
        """Say what comes next."""
        return "This officer's own passphrase."

    def questions(self) -> ComposeResult:
        """Yield id, name, rank, role."""
        typed = self.answers.officer or OfficerAnswers("", "")
        told = "A short name for files, as in lind"
        yield Ask("person", "Id", value=typed.person, told=told)
        told = "As the other station sees it, as in A. Lind"
        yield Ask("name", "Name", value=typed.name, told=told)
        yield Ask("rank", "Rank", value=typed.rank, told="As in CDR. May stay empty.")
        told = "As in Watch officer. May stay empty."
        yield Ask("role", "Role", value=typed.role, told=told)

    def press(self, button: str) -> None:
        """Check the particulars."""
        officer = OfficerAnswers(*(self.typed(one) for one in ("person", "name", "rank", "role")))
        self.answers.officer = officer
        if not self.refused(self.guide.officer_faults(officer)):
            self.shell.go("officer-key")


class OfficerKeyPage(GuidePage):
    """The officer's own passphrase; the root certifies the key."""

    STEP, TITLE = 4, "THE OFFICER'S KEY"

    @property
    def _officer(self) -> OfficerAnswers:
        return self.answers.officer or OfficerAnswers("", "")

    @property
    def _file(self) -> str:
        return f"officer-{self._officer.person}.key"

    def now(self) -> str:
        """Say what happens."""
        if not self.view.protected:
            return f"A key is made for {self._officer.name}, and root.key certifies it."
        return f"{self._officer.name} chooses a passphrase. Nobody else should see it typed."

    def why(self) -> str:
        """Say why."""
        return "The officer signs with this key. root.key certifies it for 92 days."

    def then(self) -> str:
        """Say what comes next."""
        return "One more officer, or this station's card."

    def guide_words(self) -> str:
        """Say what is special about these fields."""
        if not self.view.protected:
            return "Enter presses the marked button."
        return "What you type is not shown. Let the officer type it."

    def questions(self) -> ComposeResult:
        """Yield the new passphrase twice, and what opens the station's keys."""
        if self.view.protected:
            told = "At least 12 characters. Typed at each watch."
            yield Ask("new", "The officer's own", told=told, about=(self._file,), unseen=True)
            told = "So that no slip locks the officer out."
            yield Ask("again", "The same again", told=told, unseen=True)
        yield from self.unlocking(CONSOLE_KEY, ROOT_KEY)

    def buttons(self) -> Buttons:
        """Return the way on."""
        return (("next", "Make the key"),)

    def press(self, button: str) -> None:
        """Make the key and have it certified."""
        faults = self.missing_phrases()
        if self.view.protected:
            faults |= self.guide.phrase_fault(self.typed("new"), self.typed("again"))
        if self.refused(faults):
            return
        unlocking = self.unlocked()
        phrases = {**unlocking.phrases, self._file: self.typed("new")}
        unlocking = Unlocking(phrases, unlocking.root_file)
        work = self.guide.certify(self._officer, unlocking)
        self.shell.work("The key is made and certified. A moment.", work, self._certified)

    def _certified(self, _: None) -> None:
        officer, self.answers.officer, self.answers.more = self._officer, None, False
        self.shell.go("officers", f"{officer.name} is an officer of this station now.")


class OfficersPage(GuidePage):
    """Who the officers are; one more, or go on."""

    STEP, TITLE = 4, "THE OFFICERS"

    def now(self) -> str:
        """Say what happens."""
        return "These are the officers of this station. You may add another one."

    def why(self) -> str:
        """Say why."""
        return "If two officers must sign something, the station needs two of them."

    def then(self) -> str:
        """Say what comes next."""
        return "This station's card, a file for the other station."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Enter presses the marked button. Tab goes to the other one."

    def questions(self) -> ComposeResult:
        """Yield who they are."""
        yield SaidLines(
            ("Officer", f"{one}: {shown}, until {day}") for one, shown, day in self.view.officers
        )

    def buttons(self) -> Buttons:
        """Return both ways."""
        return (("next", "Next"), ("more", "One more officer"))

    def press(self, button: str) -> None:
        """Go on, or name one more."""
        self.answers.more = button == "more"
        if self.answers.more:
            self.answers.officer = None
        self.shell.go("who" if self.answers.more else "card")
