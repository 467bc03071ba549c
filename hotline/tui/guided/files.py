"""Step 9: the file that goes over, and the answer that comes back."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.guided.views import CONSOLE_KEY, LineView
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.going_out import FileOutPage
from hotline.tui.guided.page import Buttons, GuidePage

_NO_LINE = LineView("", "", False, False, ())


class CarryPage(FileOutPage):
    """Writes the file that goes to the other station."""

    STEP, TITLE = 9, "THE FILE TO CARRY"
    FILE, NAME, WRITE = "file", "carry", "Write the file"

    @property
    def _line(self) -> LineView:
        return self.view.line or _NO_LINE

    @property
    def _what(self) -> str:
        return "answer" if self._line.joined else "opening"

    def now(self) -> str:
        """Say what happens."""
        if self.written:
            return f"Carry {self.written} to {self._line.peer}."
        return f"The charter is signed. You write the {self._what} file for them."

    def why(self) -> str:
        """Say why."""
        if self._line.joined:
            return f"{self._line.peer} completes the line with it. Here the line stands already."
        return f"{self._line.peer} reads the charter in it, signs, and sends an answer back."

    def then(self) -> str:
        """Say what comes next."""
        if self._line.joined:
            return "You are done here, and can start the console."
        return "You wait for their answer. You may leave meanwhile."

    def questions(self) -> ComposeResult:
        """Yield where it goes."""
        told = "What is secret in it, only they can open."
        file = self.written or self.guide.travelling_file()
        yield Ask("file", "File", value=file, told=told, about=("write",))

    def press(self, button: str) -> None:
        """Write it, or go on."""
        if button == "next":
            self.shell.go("done" if self._line.whole else "answer")
            return
        work = self.guide.write_travelling(self.typed("file"))
        self.shell.work("The file is written.", work, self.done)


class AnswerPage(GuidePage):
    """Takes the other station's answer in, which completes the line."""

    STEP, TITLE = 9, "THEIR ANSWER"

    def now(self) -> str:
        """Say what happens."""
        peer = (self.view.line or _NO_LINE).peer
        return f"You wait for the answer file of {peer}. When it is here: take it in."

    def why(self) -> str:
        """Say why."""
        return "It holds their signature and their half of the line's secret."

    def then(self) -> str:
        """Say what comes next."""
        return "The line is complete."

    def guide_words(self) -> str:
        """Say what to do while it has not come."""
        return "No answer yet? Leave with ^X, and go on here when it has come."

    def questions(self) -> ComposeResult:
        """Yield where it is."""
        told = "As in /media/stick/south-answer.enrol"
        yield Ask("file", "File of their answer", told=told, about=("file", "read"))
        yield from self.unlocking(CONSOLE_KEY)

    def buttons(self) -> Buttons:
        """Return the way on, and the way out."""
        return (("complete", "Complete the line"), ("give-up", "Give this line up..."))

    def press(self, button: str) -> None:
        """Complete the line, or ask whether to give it up."""
        if button == "give-up":
            self.shell.go("give-up")
            return
        file = self.typed("file")
        faults = {} if file else {"file": "Type the path of the file."}
        if not self.refused(faults | self.missing_phrases()):
            work = self.guide.complete(file, self.unlocked())
            self.shell.work("The line is completed. A moment.", work, self._completed)

    def _completed(self, _: None) -> None:
        self.shell.go("done", "The line is complete.")


class GiveUpPage(GuidePage):
    """Asks whether to forget a line that was opened; Cancel is marked first."""

    STEP, TITLE = 9, "GIVE THE LINE UP?"

    def now(self) -> str:
        """Say what happens."""
        name = (self.view.line or _NO_LINE).name
        return f"You may give up the line {name}, which is opened and not complete."

    def why(self) -> str:
        """Say why."""
        return "As when a rule is wrong, or both stations opened. Tell them, if you do."

    def then(self) -> str:
        """Say what comes next."""
        return "Its file and any answer to it are worthless then. Step 8 begins again."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Enter presses the marked button. Tab goes to the other one."

    def buttons(self) -> Buttons:
        """Return both answers."""
        return (("cancel", "Cancel"), ("give-up", "Give it up"))

    def press(self, button: str) -> None:
        """Give it up, or go back."""
        if button == "cancel":
            self.shell.go("answer")
        elif self.shell.attempt(self.guide.give_up) is not None:
            self.answers.written.pop("line", None)
            self.shell.go("choice", "The line is given up. Nothing of it is left here.")
