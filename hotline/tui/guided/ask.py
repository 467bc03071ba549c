"""One question of a page: label, box, and under it what to write, or what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from hotline.tui.drawing import line_of
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT, FAULT, QUIET
from hotline.tui.widgets.choice_box import ChoiceBox
from hotline.tui.widgets.field_box import bracketed

LABEL_CELLS = 22
MAX_TYPED_CHARACTERS = 4_096

Choices = tuple[tuple[str, str], ...]


class Ask(Vertical):
    """Asks one thing.

    Args:
        about: Names that an error may give to what stands here, as in "console.key".
        unseen: What is typed is not shown: a passphrase.
        choices: (value, words); then Left and Right answer it.
    """

    def __init__(
        self,
        name: str,
        label: str,
        *,
        value: str = "",
        told: str = "",
        about: tuple[str, ...] = (),
        unseen: bool = False,
        choices: Choices = (),
    ) -> None:
        super().__init__(classes="ask", name=name)
        self.label, self.about = label, about
        self._told, self._fault = told, ""
        self.box = self._make_box(value, choices, unseen)
        self._under = Static(self._words(), classes="ask-under", markup=False)

    def _make_box(self, value: str, choices: Choices, unseen: bool) -> ChoiceBox | Input:
        if choices:
            return ChoiceBox(choices, value)
        box = Input(
            value,
            compact=True,
            select_on_focus=False,
            password=unseen,
            max_length=MAX_TYPED_CHARACTERS,
        )
        box.cursor_blink = False
        return box

    @property
    def value(self) -> str:
        """What stands in the box; a passphrase just as it was typed."""
        typed = self.box.value
        return typed if isinstance(self.box, Input) and self.box.password else typed.strip()

    @property
    def fault(self) -> str:
        """What is wrong with it, "" for nothing."""
        return self._fault

    def compose(self) -> ComposeResult:
        """Yield label and box, and the line under them."""
        with Horizontal(classes="ask-row"):
            label = literal(fit(self.label, LABEL_CELLS - 1), BRIGHT)
            yield Static(label, classes="ask-label", markup=False)
            if isinstance(self.box, ChoiceBox):
                yield self.box
            else:
                yield from bracketed(self.box)
        yield self._under

    def tell(self, told: str) -> None:
        """Say something else under the box."""
        self._told = told
        self._under.update(self._words())

    def show_fault(self, fault: str) -> None:
        """Say what is wrong; "" takes it back."""
        self._fault = fault
        self._under.update(self._words())

    def empty(self) -> None:
        """Forget what was typed."""
        if isinstance(self.box, Input):
            self.box.value = ""

    def focus_box(self) -> None:
        """Let keys go to the box."""
        self.screen.set_focus(self.box)

    def _words(self) -> Content:
        if self._fault:
            return line_of(("! ", FAULT), literal(self._fault, FAULT))
        return literal(self._told, QUIET)
