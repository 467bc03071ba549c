"""What every screen that signs a statement does alike: read it to the end, then press a button."""

from __future__ import annotations

from textual import events
from textual.widgets import Button, Input

from hotline.tui.actions import move_bindings
from hotline.tui.alarm import KEY_GUARD_MS
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.lines import Lines


class SigningScreen(FrameScreen):
    """A statement, then buttons that count only once its end was on the screen.

    Cancel is marked first, and the moving keys scroll the statement wherever the focus is.
    """

    ACTS = True
    BINDINGS = [*move_bindings()]

    def __init__(self) -> None:
        super().__init__()
        self._opened_ms = 0
        self._acting = False

    def begin(self) -> None:
        """Mark Cancel."""
        self._opened_ms = self.shell.clock()
        self.statement.entitle(self.statement_title())
        self.statement.can_focus = False
        self.query_one("#cancel").focus()

    @property
    def statement(self) -> Lines:
        """The statement's text."""
        return self.query_one("#statement", Lines)

    def statement_title(self) -> str:
        """Return what stands over the statement."""
        raise NotImplementedError

    def press(self, button: str) -> None:
        """Do what a button other than Cancel is for."""
        raise NotImplementedError

    def weigh(self) -> None:
        """Let each button be pressed when all that comes before it is done."""
        raise NotImplementedError

    def action_move(self, way: str) -> None:
        """Scroll the statement wherever the focus is."""
        self.statement.action_move(way)

    def on_lines_seen_to_end(self, message: Lines.SeenToEnd) -> None:
        """The statement's end was on the screen."""
        self.weigh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """A code may be right now."""
        self.weigh()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Guidance depends on what is marked."""
        self.refresh_words()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Go back, or do it; never by a key that came too early."""
        if event.button.id == "cancel":
            self.shell.go_back()
        elif self._too_early():
            self.shell.say("That key came too early. Look again, then press Enter.", fault=True)
        else:
            self.press(event.button.id or "")

    def _too_early(self) -> bool:
        # Keys still on their way from before this screen, a paste among them, must not sign.
        early = self.shell.clock() - self._opened_ms < KEY_GUARD_MS
        return early or self.shell.keys_guarded()
