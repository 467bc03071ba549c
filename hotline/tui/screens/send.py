"""Sending in two steps: read to the end (and type the code), then SEND. Cancel is marked first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.desk.views import DraftView, WatchView
from hotline.tui.actions import SEND
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.signing import SigningScreen
from hotline.tui.widgets.code_box import CodeBox
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.preview import preview_lines, sending_title
from hotline.tui.widgets.push import Push


class SendScreen(SigningScreen):
    """Shows the exact statement; SEND can be pressed only after its end was on the screen."""

    PLACE = SEND
    FOOTER = ("page_down", "pane", "back", "acknowledge", "chord")
    WORDS = {"pane": "To SEND", "page_down": "Read on", "back": "Cancel (draft kept)"}

    def __init__(self, draft: DraftView) -> None:
        super().__init__()
        self.draft = draft

    @property
    def _verb(self) -> str:
        """What the button does: two officers sign before anything is sent."""
        return "SEND" if self.draft.need < 2 else "SIGN"

    def compose_body(self) -> ComposeResult:
        """Yield the statement, the code when one is asked, and two buttons."""
        yield Lines(id="statement")
        if self.draft.code:
            with Horizontal(id="code-row"):
                words = literal(
                    f" Type this code to {self._verb.lower()}: {self.draft.code} ", BRIGHT
                )
                yield Static(words, id="code-words", markup=False)
                yield from bracketed(CodeBox(id="code"))
        with Horizontal(id="buttons"):
            yield Push(self._verb, id="send", disabled=True)
            yield Push("Cancel", id="cancel")

    def statement_title(self) -> str:
        """Name form, precedence and receivers."""
        return sending_title(self.draft)

    def show(self, view: WatchView) -> None:
        """Show the statement for the width there is."""
        width = self.statement.size.width or 76
        self.statement.set_lines(preview_lines(self.draft, width))

    def guide_words(self) -> str:
        """Say what is still to do before SEND."""
        if self._acting:
            return "Sending..."
        if not self.statement.seen:
            return "Step 1: read it to the end. PgDn reads on."
        if not self._code_right():
            return self._code_words()
        if self.query_one("#send").has_focus:
            if self.draft.need > 1:
                return "Enter SIGNS it; it then waits for a second officer. Esc cancels."
            return "Enter SENDS it now. Esc cancels."
        return f"Step 2: Tab to {self._verb}, then Enter. Enter on Cancel keeps the draft."

    def _code_words(self) -> str:
        box, code = self.query_one("#code", Input), self.draft.code
        if len(box.value) >= len(code):
            return f"That is not the code: clear it with Backspace, then type {code}."
        first = "" if box.has_focus else "Tab, "
        return f"Step 2: {first}type {code}, then Tab to {self._verb}, then Enter."

    def _code_right(self) -> bool:
        if not self.draft.code:
            return True
        return self.query_one("#code", Input).value.upper() == self.draft.code.upper()

    def weigh(self) -> None:
        """Let SEND be pressed when all that comes before it is done."""
        seen = self.statement.seen
        button = self.query_one("#send", Button)
        button.disabled = self._acting or not (seen and self._code_right())
        self.refresh_words()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the code goes on to SEND, and does not press it."""
        if not self.query_one("#send", Button).disabled:
            self.query_one("#send").focus()

    def press(self, button: str) -> None:
        """Send once."""
        post = self.shell.post
        if post is None or self._acting or not self._code_right():
            return
        self._acting = True
        self.weigh()
        code = self.query_one("#code", Input).value.upper() if self.draft.code else ""
        self.shell.act(post.send(self.draft.draft, code), self._sent, self._not_sent)

    def _sent(self, digest: str) -> None:
        shell = self.shell
        shell.drafts.pop(self.draft.draft, None)
        shell.go_back(2 if shell_is_on(self) else 0)
        message = shell.feed.message(digest)
        token = f" as {message.token}" if message else ""
        if self.draft.need > 1:
            waits = "It is not sent before a second officer signs: ^R opens it."
            shell.say(f"{self.draft.number} is signed{token}. {waits}")
            return
        shell.say(f"{self.draft.number} is signed and recorded{token}. F2: its state, in TIMELINE.")

    def _not_sent(self) -> None:
        self._acting = False
        self.weigh()


def shell_is_on(screen: SendScreen) -> bool:
    """Return whether `screen` is the one that is up."""
    return screen.app.screen is screen
