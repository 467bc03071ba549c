"""Step 8, its end: the charter is read, then signed with root.key."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.guided.views import CONSOLE_KEY, ROOT_KEY
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import said_lines
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.push import Push


class CharterPage(GuidePage):
    """The charter in plain words; it must have been seen to its end."""

    STEP, TITLE = 8, "READ THE CHARTER"

    def now(self) -> str:
        """Say what happens."""
        return "You read the charter of the line to its end. Nothing is signed yet."

    def then(self) -> str:
        """Say what comes next."""
        return "You sign it with root.key. A charter that was signed stays as it is."

    def guide_words(self) -> str:
        """Say which keys."""
        if not self._text.seen:
            return "PgDn reads on to the end. Esc goes back, to change an answer."
        return "Tab goes to the button. Esc goes back, to change an answer."

    @property
    def _text(self) -> Lines:
        return self.query_one(Lines)

    def questions(self) -> ComposeResult:
        """Yield the charter."""
        yield Lines(id="charter")

    def buttons(self) -> Buttons:
        """Return the way on."""
        return (("next", "I have read it"),)

    def begin(self) -> None:
        """Keys go to the text."""
        self._text.entitle("CHARTER")
        self._text.focus()
        self.call_after_refresh(self._lay_out)

    def on_resize(self, event: object) -> None:
        """Wrap to the new width."""
        self._fit_terminal()
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        if self.is_running and self.query(Lines):
            self._text.set_lines(said_lines(self.answers.charter, self._text.size.width))
            self.refresh_frame()

    def refresh_frame(self) -> None:
        """The button waits until the end was in sight."""
        super().refresh_frame()
        for button in self.query(Push):
            button.disabled = button.disabled or not self._text.seen

    def on_lines_seen_to_end(self, event: Lines.SeenToEnd) -> None:
        """Let the button be pressed."""
        self.refresh_frame()

    def press(self, button: str) -> None:
        """Go on to signing."""
        self.shell.go("sign")


class SignPage(GuidePage):
    """Signs the charter that was read."""

    STEP, TITLE = 8, "SIGN THE CHARTER"

    @property
    def _line(self) -> str:
        return dict(self.answers.charter).get("Line", "")

    @property
    def _members(self) -> str:
        return dict(self.answers.charter).get("Members", "")

    def now(self) -> str:
        """Say what happens."""
        return f"You sign the charter of {self._line}: {self._members}."

    def why(self) -> str:
        """Say why."""
        return "root.key speaks for the station: who answers for it should sit here."

    def then(self) -> str:
        """Say what comes next."""
        if self.answers.opens:
            return "A file to carry to the other station, which joins with it."
        return "A file to carry back to the other station, which ends it."

    def guide_words(self) -> str:
        """Say which keys."""
        if self.locked(CONSOLE_KEY, ROOT_KEY):
            return "Type; then Tab to SIGN, and Enter. Not yet goes back and signs nothing."
        return "Tab to SIGN, then Enter. Not yet goes back and signs nothing."

    def questions(self) -> ComposeResult:
        """Yield what opens the keys."""
        yield from self.unlocking(ROOT_KEY, CONSOLE_KEY)

    def buttons(self) -> Buttons:
        """Return both answers, the one that signs nothing first."""
        return (("wait", "Not yet"), ("sign", "SIGN"))

    def press(self, button: str) -> None:
        """Sign, or go back."""
        if button == "wait":
            self.shell.go("charter")
        elif not self.refused(self.missing_phrases()):
            work = self.guide.sign(self.unlocked())
            self.shell.work("The charter is signed. A moment.", work, self._signed)

    def _signed(self, _: None) -> None:
        self.answers.charter = ()
        self.answers.written.pop("line", None)
        self.shell.go("carry", "The charter is signed.")
