"""A locked desk: everything is in sight, and only its officer gets on from here."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.desk.views import LockView, WatchView
from hotline.tui.actions import LOCKED, move_bindings
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT, PLAIN
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.passphrase_box import PassphraseBox
from hotline.tui.widgets.push import Push
from hotline.tui.widgets.rows import Rows
from hotline.tui.widgets.timeline import Timeline


class LockedScreen(FrameScreen):
    """Lies over the screen that was up, which waits below as it was left.

    Spec: docs/enrolment.md §13.3
    """

    PLACE = LOCKED
    FOOTER = ("help", "acknowledge", "incident", "alarms", "open", "pane", "leave", "chord")
    WORDS = {"pane": "Timeline"}
    BINDINGS = [*move_bindings()]

    def __init__(self, lock: LockView) -> None:
        super().__init__()
        self.held = lock
        self._checking = False

    def compose_body(self) -> ComposeResult:
        """Yield what it means, the passphrase or a button, and the timeline."""
        lock = self.held
        why = "Nothing was typed for a while" if lock.idle else "It was locked with ^L"
        yield self._line(f" {why}: the key that signs has left the memory.")
        yield self._line(
            " The line works on; what comes in is shown here, and a FLASH rings the bell."
        )
        yield self._line(
            " Until it is unlocked nothing is signed, acknowledged or released. Drafts stay."
        )
        with Horizontal(id="unlock-row"):
            if lock.protected:
                yield Static(literal(" Passphrase ", BRIGHT), id="unlock-words", markup=False)
                yield from bracketed(PassphraseBox(id="passphrase"))
            else:
                words = " This exercise key has no passphrase: confirm only. "
                yield Static(literal(words, BRIGHT), id="unlock-words", markup=False)
                yield Push("UNLOCK", id="unlock")
        yield Timeline(self.shell.feed.timeline, can_write=False, id="timeline")

    @staticmethod
    def _line(words: str) -> Static:
        return Static(literal(words, PLAIN), classes="words", markup=False)

    def begin(self) -> None:
        """Keys go to the passphrase, or to the button."""
        self.query_one("#passphrase, #unlock").focus()

    def show(self, view: WatchView) -> None:
        """Bring the timeline up to date."""
        self.query_one(Timeline).show(view.timeline_length)

    @property
    def marked_digest(self) -> str | None:
        """The statement that the timeline's mark is on."""
        row = self.query_one(Timeline).marked_row()
        return row.digest if row else None

    def guide_words(self) -> str:
        """Say how to get on."""
        if self._checking:
            return "Checking the passphrase. The line works on meanwhile."
        if self.query_one(Timeline).has_focus:
            return "Up and Down mark a line, Enter opens it for reading. Tab goes to unlocking."
        if self.held.protected:
            return f"{self.held.who}: type your passphrase, unseen, then Enter."
        return f"Enter confirms that you are {self.held.who} and unlocks the desk."

    def on_descendant_focus(self) -> None:
        """Guidance depends on where the keys go."""
        self.refresh_words()

    def action_move(self, way: str) -> None:
        """Move the timeline's mark wherever the focus is."""
        self.query_one(Timeline).action_move(way)

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Open a statement, or a line of the log, for reading."""
        row = self.query_one(Timeline).row(message.index)
        if row and row.digest:
            self.shell.open_message(row.digest)
        elif row:
            self.shell.open_log(row)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Try the passphrase."""
        event.stop()
        typed = self.query_one(PassphraseBox).take()
        if typed:
            self._unlock(typed)
        else:
            self.shell.say("Type the passphrase first.", fault=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Confirm."""
        self._unlock("")

    def _unlock(self, passphrase: str) -> None:
        post = self.shell.post
        if post is None or self._checking:
            return
        self._checking = True
        # What was wrong before stands no longer: guidance says what is done now.
        self.shell.say("")
        self.shell.act(post.unlock(passphrase), self._opened, self._not_opened)

    def _opened(self, _: None) -> None:
        drafts = len(self.shell.drafts)
        kept = f" {drafts} draft{'s' if drafts > 1 else ''} not sent yet." if drafts else ""
        self.shell.say(f"Unlocked: you are where you were.{kept}")

    def _not_opened(self) -> None:
        self._checking = False
        self.refresh_words()

    def forget(self) -> None:
        """Empty the box."""
        for box in self.query(PassphraseBox):
            box.take()
