"""Sending in two steps: read to the end (and type the code), then SEND. Cancel is marked first."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.core.seams import Clock
from hotline.desk.views import DraftView, WatchView
from hotline.tui.actions import SEND, move_bindings
from hotline.tui.alarm import KEY_GUARD_MS
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.code_box import CodeBox
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.preview import preview_lines, sending_title
from hotline.tui.widgets.push import Push


class SendScreen(FrameScreen):
    """Shows the exact statement; SEND can be pressed only after its end was on the screen."""

    PLACE = SEND
    FOOTER = ("page_down", "pane", "back", "acknowledge", "chord")
    WORDS = {"pane": "To SEND", "page_down": "Read on", "back": "Cancel (draft kept)"}
    BINDINGS = [*move_bindings()]

    def __init__(self, draft: DraftView) -> None:
        super().__init__()
        self.draft = draft
        self._opened_ms = 0
        self._sending = False

    @property
    def _verb(self) -> str:
        """What the button does: two officers sign before anything is sent."""
        return "SEND" if self.draft.need < 2 else "SIGN"

    @property
    def _clock(self) -> Clock:
        return self.shell.clock

    def compose_body(self) -> ComposeResult:
        """Yield the statement, the code when one is asked, and two buttons."""
        yield Lines(id="statement")
        if self.draft.code:
            with Horizontal(id="code-row"):
                words = literal(f" Type this code to send: {self.draft.code} ", BRIGHT)
                yield Static(words, id="code-words", markup=False)
                yield from bracketed(CodeBox(id="code"))
        with Horizontal(id="buttons"):
            yield Push(self._verb, id="send", disabled=True)
            yield Push("Cancel", id="cancel")

    def begin(self) -> None:
        """Mark Cancel; the moving keys scroll the statement all the same."""
        self._opened_ms = self._clock()
        self.query_one("#statement", Lines).entitle(sending_title(self.draft))
        self.query_one("#statement").can_focus = False
        self.query_one("#cancel").focus()

    def show(self, view: WatchView) -> None:
        """Show the statement for the width there is."""
        statement = self.query_one("#statement", Lines)
        statement.set_lines(preview_lines(self.draft, statement.size.width or 76))

    def guide_words(self) -> str:
        """Say what is still to do before SEND."""
        if self._sending:
            return "Sending..."
        if not self.query_one("#statement", Lines).seen:
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

    def _weigh(self) -> None:
        """Let SEND be pressed when all that comes before it is done."""
        seen = self.query_one("#statement", Lines).seen
        button = self.query_one("#send", Button)
        button.disabled = self._sending or not (seen and self._code_right())
        self.refresh_words()

    def action_move(self, way: str) -> None:
        """Scroll the statement wherever the focus is."""
        self.query_one("#statement", Lines).action_move(way)

    def on_lines_seen_to_end(self, message: Lines.SeenToEnd) -> None:
        """The statement's end was on the screen."""
        self._weigh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The code changed."""
        self._weigh()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the code goes on to SEND, and does not press it."""
        if not self.query_one("#send", Button).disabled:
            self.query_one("#send").focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Guidance depends on what is marked."""
        self.refresh_words()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Send once, or go back."""
        if event.button.id == "cancel":
            self.shell.go_back()
        elif self._too_early():
            self.shell.say("That key came too early. Look again, then press Enter.", fault=True)
        else:
            self._send()

    def _too_early(self) -> bool:
        # Keys still on their way from before this screen, a paste among them, must not send.
        return self._clock() - self._opened_ms < KEY_GUARD_MS or self.shell.keys_guarded()

    def _send(self) -> None:
        post = self.shell.post
        if post is None or self._sending or not self._code_right():
            return
        self._sending = True
        self._weigh()
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
        self._sending = False
        self._weigh()


def shell_is_on(screen: SendScreen) -> bool:
    """Return whether `screen` is the one that is up."""
    return screen.app.screen is screen
