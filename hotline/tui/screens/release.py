"""Releasing: the second officer reads what the first one signed, then signs it or refuses."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.core.times import format_clock, format_span
from hotline.desk.views import ReleaseView, WatchView
from hotline.tui.actions import RELEASE, move_bindings
from hotline.tui.alarm import KEY_GUARD_MS
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.choice_box import ChoiceBox
from hotline.tui.widgets.code_box import CodeBox
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.preview import preview_lines, release_lines
from hotline.tui.widgets.push import Push

LABEL_CELLS = 18
MAX_REASON_CHARACTERS = 240


class ReleaseScreen(FrameScreen):
    """Shows the exact statement; RELEASE can be pressed only after its end was on the screen.

    Where the officer of this desk signed first, another officer's key is unlocked here for
    one signature; else this desk's own key signs.
    """

    PLACE = RELEASE
    FOOTER = ("page_down", "pane", "back", "acknowledge", "chord")
    WORDS = {"pane": "Next", "page_down": "Read on", "back": "Back (it waits on)"}
    BINDINGS = [*move_bindings()]

    def __init__(self, release: ReleaseView) -> None:
        super().__init__()
        self.release = release
        self._opened_ms = 0
        self._acting = False

    def place_words(self) -> str:
        """Name what is released."""
        return f"RELEASE {self.release.token}"

    def compose_body(self) -> ComposeResult:
        """Yield the statement, who releases it, the code, the reason, and the buttons."""
        release = self.release
        yield Lines(id="statement")
        if release.ours:
            with Horizontal(classes="field-row"):
                yield self._label("Second officer")
                yield ChoiceBox(release.officers, self._only_officer(), id="officer")
            with Horizontal(classes="field-row"):
                yield self._label("Passphrase")
                box = Input(compact=True, select_on_focus=False, password=True, id="passphrase")
                box.cursor_blink = False
                yield from bracketed(box)
        if release.code:
            with Horizontal(classes="field-row"):
                yield self._label(f"Type {release.code}")
                yield from bracketed(CodeBox(id="code"))
        with Horizontal(classes="field-row"):
            yield self._label("Reason, if not")
            reason = Input(
                compact=True,
                select_on_focus=False,
                id="reason",
                max_length=MAX_REASON_CHARACTERS,
            )
            reason.cursor_blink = False
            yield from bracketed(reason)
        with Horizontal(id="buttons"):
            yield Push("RELEASE", id="release", disabled=True)
            yield Push("Refuse", id="refuse")
            if release.ours:
                yield Push("Withdraw", id="withdraw")
            yield Push("Cancel", id="cancel")

    def _only_officer(self) -> str:
        officers = self.release.officers
        return officers[0][0] if len(officers) == 1 else ""

    @staticmethod
    def _label(words: str) -> Static:
        label = literal(fit(f" {words}", LABEL_CELLS), BRIGHT)
        return Static(label, classes="field-label", markup=False)

    def begin(self) -> None:
        """Mark Cancel; the moving keys scroll the statement all the same."""
        self._opened_ms = self.shell.clock()
        statement = self.query_one("#statement", Lines)
        release = self.release
        statement.entitle(f"{release.number} {release.precedence} to {', '.join(release.to)}")
        statement.can_focus = False
        self.query_one("#cancel").focus()

    def show(self, view: WatchView) -> None:
        """Show the statement for the width there is."""
        statement = self.query_one("#statement", Lines)
        lines = [*release_lines(self.release), *preview_lines(self.release, self._width())]
        statement.set_lines(lines)
        self._weigh()

    def _width(self) -> int:
        return self.query_one("#statement", Lines).size.width or 76

    @property
    def _waits(self) -> bool:
        return self.release.digest in self.shell.view.awaiting

    def guide_words(self) -> str:
        """Say what is still to do."""
        if self._acting:
            return "Signing..."
        if not self._waits:
            return "It does not wait any more. Esc goes back; F2 shows what became of it."
        left_ms = self.release.until_ms - self.shell.view.status.clock_ms
        until = f"until {format_clock(self.release.until_ms)}, {format_span(max(0, left_ms))} left"
        if not self.query_one("#statement", Lines).seen:
            return f"Step 1: read it to the end, PgDn reads on. It waits {until}."
        if self.query_one("#release").has_focus:
            return "Enter SIGNS it as the second officer and sends it. Esc goes back."
        who = "the second officer chooses the name and types the passphrase; " * self.release.ours
        code = f"type {self.release.code}; " * bool(self.release.code)
        return f"Step 2: {who}{code}Tab to RELEASE. It waits {until}."

    def _weigh(self) -> None:
        """Let RELEASE be pressed when all that comes before it is done."""
        seen = self.query_one("#statement", Lines).seen
        ready = self._waits and not self._acting
        coded = not self.release.code or self._typed("code").upper() == self.release.code.upper()
        self.query_one("#release", Button).disabled = not (ready and seen and coded)
        for name in ("#refuse", "#withdraw"):
            for button in self.query(name).results(Button):
                button.disabled = not ready
        self.refresh_words()

    def _typed(self, name: str) -> str:
        boxes = self.query(f"#{name}").results(Input)
        return next((box.value for box in boxes), "")

    def _person(self) -> str:
        return next((box.value for box in self.query("#officer").results(ChoiceBox)), "")

    def action_move(self, way: str) -> None:
        """Scroll the statement wherever the focus is."""
        self.query_one("#statement", Lines).action_move(way)

    def on_lines_seen_to_end(self, message: Lines.SeenToEnd) -> None:
        """The statement's end was on the screen."""
        self._weigh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The code may be right now."""
        self._weigh()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Guidance depends on what is marked."""
        self.refresh_words()

    def on_choice_box_list_asked(self, event: ChoiceBox.ListAsked) -> None:
        """Show all officers who may release it."""
        self.shell.open_pick("Second officer", event.box.choices, event.box.take)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Release, refuse or withdraw once, or go back."""
        if event.button.id == "cancel":
            self.shell.go_back()
        elif self._too_early():
            self.shell.say("That key came too early. Look again, then press Enter.", fault=True)
        elif not self._acting and self._complete(event.button.id or ""):
            self._do(event.button.id or "")

    def _too_early(self) -> bool:
        # Keys still on their way from before this screen, a paste among them, must not sign.
        early = self.shell.clock() - self._opened_ms < KEY_GUARD_MS
        return early or self.shell.keys_guarded()

    def _complete(self, act: str) -> bool:
        """Return whether nothing is missing; else say what, and go there."""
        if act != "release" and not self._typed("reason").strip():
            self.query_one("#reason").focus()
            self.shell.say("Type the reason first; it is recorded.", fault=True)
            return False
        if act != "withdraw" and self.release.ours and not self._person():
            self.query_one("#officer").focus()
            self.shell.say("Choose the second officer: Left and Right.", fault=True)
            return False
        return True

    def _do(self, act: str) -> None:
        post, digest = self.shell.post, self.release.digest
        if post is None:
            return
        person, secret = self._person(), self._typed("passphrase")
        work: Coroutine[Any, Any, None]
        if act == "release":
            code = self._typed("code").upper()
            work = post.release(digest, code=code, person=person, passphrase=secret)
        elif act == "refuse":
            work = post.refuse_release(
                digest, self._typed("reason"), person=person, passphrase=secret
            )
        else:
            work = post.withdraw_release(digest, self._typed("reason"))
        self._acting = True
        self._forget_passphrase()
        self._weigh()
        words = _DONE[act].format(token=self.release.token)
        self.shell.act(work, lambda _: self._done(words), self._not_done)

    def _forget_passphrase(self) -> None:
        for box in self.query("#passphrase").results(Input):
            box.value = ""

    def _done(self, words: str) -> None:
        if self.app.screen is self:
            self.shell.go_back()
        self.shell.say(words)

    def _not_done(self) -> None:
        self._acting = False
        if self.app.screen is self:
            self._weigh()


_DONE = {
    "release": "{token} is released: both signatures are recorded. F2: its state, in TIMELINE.",
    "refuse": "{token} is refused and will not be sent; the reason is recorded.",
    "withdraw": "{token} is withdrawn and will not be sent.",
}
