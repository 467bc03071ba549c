"""Reading back: the critical fields typed from memory, compared by the machine."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, Static

from hotline.desk.views import MessageView, ReadBackView
from hotline.tui.actions import READBACK
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.push import Push
from hotline.tui.widgets.readback_words import outcome_lines

LABEL_CELLS = 34


class ReadBackScreen(FrameScreen):
    """Blind: the statement is not on this screen and nothing is filled in."""

    PLACE = READBACK
    ACTS = True
    FOOTER = ("help", "pane", "watch", "acknowledge", "back", "chord")
    WORDS = {"pane": "Next field", "back": "Back (typing lost)"}

    def __init__(self, message: MessageView) -> None:
        super().__init__()
        self.message = message
        self.incident = message.incident
        self._comparing = False

    def place_words(self) -> str:
        """Name what is read back."""
        return f"READ BACK {self.message.token}"

    def guide_words(self) -> str:
        """Say what to do."""
        return "Type what the message said. Tab goes on; then Enter on COMPARE."

    def compose_body(self) -> ComposeResult:
        """Yield one box for each field, two buttons and room for the outcome."""
        with VerticalScroll(id="fields", can_focus=False):
            for name, label in self.message.readback:
                with Horizontal(classes="field-row"):
                    words = literal(fit(f" {label}", LABEL_CELLS), BRIGHT)
                    yield Static(words, classes="field-label", markup=False)
                    box = Input(compact=True, select_on_focus=False, name=name, classes="readback")
                    box.cursor_blink = False
                    yield from bracketed(box)
        with Horizontal(id="buttons"):
            yield Push("COMPARE", id="compare")
            yield Push("Cancel", id="cancel")
        yield Lines(id="outcome")

    def begin(self) -> None:
        """Keys go to the first field."""
        self.query_one("#outcome").display = False
        self.query(".readback").first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Compare, or go back."""
        if event.button.id == "cancel":
            self.shell.go_back()
            return
        typed = {box.name or "": box.value for box in self.query(Input)}
        empty = next((box for box in self.query(Input) if not box.value.strip()), None)
        if empty is not None:
            empty.focus()
            self.shell.say("A field is empty. Type every field, then press COMPARE.", fault=True)
            return
        post = self.shell.post
        if post is not None and not self._comparing:
            self._comparing = True
            self.shell.act(
                post.read_back(self.message.digest, typed), self._compared, self._not_compared
            )

    def _not_compared(self) -> None:
        self._comparing = False
        if self.app.screen is not self:
            return
        said, _ = self.shell.outcome()
        named = (name for name, label in self.message.readback if said.startswith(f"{label}: "))
        name = next(named, None)
        for box in self.query(Input):
            if box.name == name:
                box.focus()

    def _compared(self, outcome: ReadBackView) -> None:
        self._comparing = False
        if self.app.screen is not self:
            return
        if outcome.agreed:
            self.shell.go_back()
            self.shell.say(f"{self.message.token} was read back right. The sender is told so.")
            return
        box = self.query_one("#outcome", Lines)
        box.display = True
        box.entitle("WHAT DIFFERS")
        box.set_lines(outcome_lines(outcome))
        words = "It differs; the sender is told so. Correct it here, or Esc and read again."
        self.shell.say(words, fault=True)
