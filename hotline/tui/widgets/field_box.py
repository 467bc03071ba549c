"""One field of a form: label, box, unit; under it the fault, or what to write."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from hotline.desk.views import FieldView
from hotline.tui.drawing import line_of
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT, FAULT, PLAIN, QUIET
from hotline.tui.widgets.choice_box import ChoiceBox

LABEL_CELLS = 14
MAX_TYPED_CHARACTERS = 1_000
CHOICE_CELLS = 18
"""Longer words of a choice are cut in the narrow form, so they stand whole under it."""


def bracketed(box: Input) -> ComposeResult:
    """Yield the box between brackets: where it begins and ends shows without colour, too."""
    yield Static(Content("["), classes="bracket", markup=False)
    yield box
    yield Static(Content("]"), classes="bracket", markup=False)


class FieldBox(Vertical):
    """Holds what stands in a field; the reason why it cannot be sent stands beside it."""

    def __init__(self, field: FieldView) -> None:
        super().__init__(classes="field")
        self.field = field
        self.touched = bool(field.value)
        self._chosen = field.value
        # Held, not looked up: what was typed is asked for while the screen is taken down, too.
        self._box = self._make_box()
        self._under_row = Static(self._under(), classes="field-under", markup=False)

    def _make_box(self) -> ChoiceBox | Input:
        field = self.field
        if field.choices:
            choices = field.choices if field.required else (("", "(none)"), *field.choices)
            return ChoiceBox(choices, field.value)
        box = Input(
            field.value, compact=True, select_on_focus=False, max_length=MAX_TYPED_CHARACTERS
        )
        box.cursor_blink = False
        return box

    @property
    def field_name(self) -> str:
        """The field's name in the form."""
        return self.field.name

    @property
    def value(self) -> str:
        """What stands in the field."""
        return self._box.value

    def compose(self) -> ComposeResult:
        """Yield label, box and unit, and the line under them."""
        field = self.field
        star = "*" if field.required else " "
        with Horizontal(classes="field-row"):
            label = literal(fit(f"{star}{field.label}", LABEL_CELLS), BRIGHT)
            yield Static(label, classes="field-label", markup=False)
            if isinstance(self._box, ChoiceBox):
                yield self._box
            else:
                yield from bracketed(self._box)
            if field.unit:
                unit = literal(fit(field.unit, 9), QUIET)
                yield Static(unit, classes="field-unit", markup=False)
        yield self._under_row

    def show(self, field: FieldView) -> None:
        """Take what the desk says of the field; the officer's typing stays."""
        self.field = field
        self._under_row.update(self._under())
        self.set_class(bool(field.fault) and self.touched, "-faulty")

    def changed(self) -> None:
        """The officer changed it: what was found wrong with it is found anew when it is left."""
        if self.field.choices:
            self._chosen = self.value
        self.touched = False
        self._under_row.update(self._under())
        self.set_class(False, "-faulty")

    def focus_box(self) -> None:
        """Let keys go to the field, the very next one too: `focus` of the box takes its time."""
        self.screen.set_focus(self._box)

    def _under(self) -> Content:
        field = self.field
        if field.fault and self.touched:
            return line_of(("! ", FAULT), literal(field.fault, FAULT))
        chosen = dict(field.choices).get(self._chosen, "")
        if len(chosen) > CHOICE_CELLS:
            return literal(f"= {chosen}", PLAIN)
        example = f"e.g. {field.example}" if field.example and not field.choices else ""
        words = "  ".join(word for word in (example, field.help) if word)
        if not words:
            words = "must be filled" if field.required else "may stay empty"
        return literal(words, QUIET if not self.touched or not self.value_ok else PLAIN)

    @property
    def value_ok(self) -> bool:
        """Whether the desk found no fault."""
        return not self.field.fault
