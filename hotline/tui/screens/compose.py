"""The composer: a form at the left, beside it what both stations will read."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from hotline.desk.views import DraftView, WatchView
from hotline.tui.actions import COMPOSE
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, fit, literal
from hotline.tui.look import BRIGHT, FAULT, PLAIN, QUIET
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.choice_box import ChoiceBox
from hotline.tui.widgets.field_box import LABEL_CELLS, FieldBox
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.preview import beside_lines

TEXT_HELP = "Free text, in your own language. May stay empty."


class ComposeScreen(FrameScreen):
    """Fills a draft. ^P checks and previews, ^G goes on to sending, Esc keeps the draft."""

    PLACE = COMPOSE
    ACTS = True
    FOOTER = ("help", "pane", "preview", "send", "acknowledge", "back", "chord", "watch", "files")
    WORDS = {"pane": "Field", "back": "Back (kept)"}

    def __init__(self, draft: DraftView) -> None:
        super().__init__()
        self.draft = draft
        self.incident = draft.incident
        self._checked = False
        self._stale = False
        # Held, not looked up: the draft is kept while the screen is taken down, too.
        self._boxes = [FieldBox(field) for field in draft.fields]
        words = tuple((one, one) for one in draft.precedences)
        self._precedence = ChoiceBox(words, draft.precedence, id="precedence")
        self._text = TextArea(draft.text, id="free-text", compact=True)
        self._under_text = Static(literal(TEXT_HELP, QUIET), id="text-under", markup=False)

    def compose_body(self) -> ComposeResult:
        """Yield the form and the pane beside it."""
        draft = self.draft
        with Horizontal(id="panes"):
            with VerticalScroll(id="form", can_focus=False) as form:
                form.border_title = Text(clean(f"{draft.number} {draft.title}"))
                yield Static(self._head(), id="head", markup=False)
                with Horizontal(classes="field-row"):
                    label = literal(fit(" Precedence", LABEL_CELLS), BRIGHT)
                    yield Static(label, classes="field-label", markup=False)
                    yield self._precedence
                yield from self._boxes
                with Vertical(classes="field"):
                    yield Static(literal(" Free text", BRIGHT), markup=False)
                    self._text.cursor_blink = False
                    self._text.highlight_cursor_line = False
                    yield self._text
                    yield self._under_text
            yield Lines(id="beside")

    def begin(self) -> None:
        """Keys go to the first field that is empty, or to the text where a form has no fields.

        Else they go to the precedence, where a letter chooses: nobody means to write there.
        """
        self.query_one("#beside", Lines).entitle("PREVIEW")
        empty = next((box for box in self._boxes if not box.value), None)
        if empty is not None:
            empty.focus_box()
        elif not self._boxes:
            self._text.focus()
        else:
            self._precedence.focus()

    def _head(self) -> Content:
        draft = self.draft
        parts = [f"To {', '.join(draft.to)}"]
        if draft.answers:
            answered = self.shell.feed.message(draft.answers)
            parts.append(f"answers {answered.token if answered else draft.answers[:12]}")
        if draft.incident:
            parts.append(draft.incident)
        if draft.attached:
            parts.append(f"with {', '.join(map(clean, draft.attached))}")
        return literal(f" {'  '.join(parts)}", PLAIN)

    def guide_words(self) -> str:
        """Say which key is next."""
        fresh = self._checked and not self._stale
        if fresh and self.draft.ready:
            return "Checked. Read it beside the form; ^G opens the sending screen."
        if fresh and self.draft.faults:
            return self._fault_words()
        if isinstance(self.focused, ChoiceBox):
            return "Left and Right change the choice; Enter shows all of them. Tab goes on."
        return "Tab goes from field to field; * must be filled. Then ^P checks it."

    def _fault_words(self) -> str:
        count = len(self.draft.faults)
        if not (self.draft.text_fault or any(field.fault for field in self.draft.fields)):
            return f"Not ready: {self.draft.faults[0]}"
        many = f"{count} places are" if count > 1 else "1 place is"
        if isinstance(self.focused, ChoiceBox):
            return f"Not ready: {many} wrong. Choose by Left and Right; Enter shows all."
        return f"Not ready: {many} wrong; the reason stands under it, behind !."

    def show(self, view: WatchView) -> None:
        """Bring the pane beside the form up to date."""
        beside = self.query_one("#beside", Lines)
        width = beside.size.width or 34
        beside.set_lines(beside_lines(self.draft, width, stale=self._stale, checked=self._checked))

    def _written(self) -> tuple[dict[str, str], str, str]:
        """Return what stands in the form: fields, free text, precedence."""
        fields = {box.field_name: box.value for box in self._boxes}
        return fields, self._text.text, self._precedence.value

    def _is_new(self) -> bool:
        draft = self.draft
        held = {field.name: field.value for field in draft.fields}
        return self._written() != (held, draft.text, draft.precedence)

    def _fill(self) -> bool:
        """Hand what stands in the form to the desk; False after saying why it did not take it."""
        post = self.shell.post
        if post is None:
            return False
        fields, text, precedence = self._written()
        draft = self.shell.try_act(
            partial(post.fill, self.draft.draft, fields=fields, text=text, precedence=precedence)
        )
        if draft is not None:
            self._take(draft)
        return draft is not None

    def _take(self, draft: DraftView) -> None:
        self.draft = draft
        self.shell.drafts[draft.draft] = draft
        by_name = {field.name: field for field in draft.fields}
        for box in self._boxes:
            if box.field_name in by_name:
                box.show(by_name[box.field_name])
        under = (
            line_of(("! ", FAULT), literal(draft.text_fault, FAULT))
            if draft.text_fault
            else literal(TEXT_HELP, QUIET)
        )
        self._under_text.update(under)

    def check_and_preview(self) -> bool:
        """^P: check every field, show the preview or go to the first fault; whether it is ready."""
        for box in self._boxes:
            box.touched = True
        if not self._fill():
            return False
        self._checked, self._stale = True, False
        if not self.draft.ready:
            faulty = next((box for box in self._boxes if box.field.fault), None)
            if faulty is not None:
                faulty.focus_box()
            elif self.draft.text_fault:
                self.set_focus(self._text)
        self.show(self.shell.view)
        self.refresh_words()
        return self.draft.ready

    def ask_to_send(self) -> None:
        """^G: the sending screen, when nothing is missing."""
        if self.shell.keys_guarded():
            self.shell.say("A FLASH came in just now. Look at it, then press ^G again.", fault=True)
        elif self.check_and_preview():
            self.shell.open_sending(self.draft)

    def _changed(self) -> None:
        if self.is_ready and not self._stale and self._is_new():
            self._stale = True
            self.show(self.shell.view)
            self.refresh_words()

    def on_input_changed(self, event: Input.Changed) -> None:
        """A preview holds no longer once a field changed."""
        self._forget_fault(event.input)
        self._changed()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """A preview holds no longer once the text changed."""
        self._changed()

    def on_choice_box_chosen(self, event: ChoiceBox.Chosen) -> None:
        """A preview holds no longer once a choice changed."""
        self._forget_fault(event.box)
        self._changed()

    def _forget_fault(self, widget: Widget) -> None:
        owner = widget.parent.parent if widget.parent else None
        if isinstance(owner, FieldBox) and owner.value != owner.field.value:
            owner.changed()

    def on_descendant_focus(self) -> None:
        """Guidance depends on the kind of the field."""
        self.refresh_words()

    def on_choice_box_list_asked(self, event: ChoiceBox.ListAsked) -> None:
        """Show the whole list."""
        owner = event.box.parent.parent if event.box.parent else None
        title = owner.field.label if isinstance(owner, FieldBox) else "Precedence"
        self.shell.open_pick(title, event.box.choices, event.box.take)

    def on_descendant_blur(self, event: object) -> None:
        """Leaving a field checks it and keeps the draft with the desk."""
        widget = getattr(event, "widget", None)
        owner = widget.parent.parent if widget is not None and widget.parent else None
        if isinstance(owner, FieldBox) and (owner.value or owner.touched):
            owner.touched = True
        self.keep()

    def take_files(self, draft: DraftView) -> None:
        """Take over a draft that got files or lost them: it must be checked again."""
        self._take(draft)
        self._stale = True
        if self.is_ready:
            self.query_one("#head", Static).update(self._head())

    def keep(self) -> None:
        """Hand the draft to the desk, unless it was sent or nothing is new."""
        if self.is_ready and self._stale and self.draft.draft in self.shell.drafts:
            self._fill()
