"""Releasing: the second officer reads what the first one signed, then signs it or refuses."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from hotline.core.times import format_clock, format_span
from hotline.desk.views import ReleaseView, WatchView
from hotline.tui.actions import RELEASE
from hotline.tui.literal import fit, literal
from hotline.tui.look import BRIGHT
from hotline.tui.screens.signing import SigningScreen
from hotline.tui.widgets.choice_box import ChoiceBox
from hotline.tui.widgets.code_box import CodeBox
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.passphrase_box import PassphraseBox
from hotline.tui.widgets.preview import preview_lines, release_lines
from hotline.tui.widgets.push import Push

LABEL_CELLS = 18
MAX_REASON_CHARACTERS = 240


class ReleaseScreen(SigningScreen):
    """Shows the exact statement; RELEASE can be pressed only after its end was on the screen.

    Where the officer of this desk signed first, another officer's key is unlocked here for
    one signature; else this desk's own key signs.
    """

    PLACE = RELEASE
    FOOTER = ("page_down", "pane", "back", "acknowledge", "chord")
    WORDS = {"pane": "Next", "page_down": "Read on", "back": "Back (it waits on)"}

    def __init__(self, release: ReleaseView) -> None:
        super().__init__()
        self.release = release

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
                yield from bracketed(PassphraseBox(id="passphrase"))
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

    def statement_title(self) -> str:
        """Name form, precedence and receivers."""
        release = self.release
        return f"{release.number} {release.precedence} to {', '.join(release.to)}"

    def show(self, view: WatchView) -> None:
        """Show the statement for the width there is."""
        lines = [*release_lines(self.release), *preview_lines(self.release, self._width())]
        self.statement.set_lines(lines)
        self.weigh()

    def _width(self) -> int:
        return self.statement.size.width or 76

    @property
    def _waits(self) -> bool:
        return self.release.digest in self.shell.view.awaiting

    def guide_words(self) -> str:
        """Say what is still to do."""
        if self._acting:
            return "Signing..."
        if not self._waits:
            return "It does not wait any more. Esc goes back; F2 shows what became of it."
        if any(box.has_focus for box in self.query("#passphrase")):
            return "The second officer's passphrase; empty for a key without one, as in drills."
        left_ms = self.release.until_ms - self.shell.view.status.clock_ms
        end = format_clock(self.release.until_ms)
        until = f"until {end}, {format_span(max(0, left_ms))} left"
        if not self.statement.seen:
            return f"Step 1: read it to the end, PgDn reads on. It waits {until}."
        if self.query_one("#release").has_focus:
            return "Enter SIGNS it as the second officer and sends it. Esc goes back."
        code = self.release.code
        if self.release.ours:
            typed = f"name, passphrase, code {code};" if code else "name and passphrase, then"
            return f"Step 2: second officer's {typed} RELEASE by {end}."
        return f"Step 2: {f'type {code}; ' * bool(code)}Tab to RELEASE. It waits {until}."

    def weigh(self) -> None:
        """Let RELEASE be pressed when all that comes before it is done."""
        seen = self.statement.seen
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

    def on_choice_box_list_asked(self, event: ChoiceBox.ListAsked) -> None:
        """Show all officers who may release it."""
        self.shell.open_pick("Second officer", event.box.choices, event.box.take)

    def press(self, button: str) -> None:
        """Release, refuse or withdraw once."""
        if not self._acting and self._complete(button):
            self._do(button)

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
        self.forget()
        self.weigh()
        words = _DONE[act].format(token=self.release.token)
        self.shell.act(work, lambda _: self._done(words), self._not_done)

    def forget(self) -> None:
        """Empty the box of the passphrase."""
        for box in self.query(PassphraseBox):
            box.take()

    def _done(self, words: str) -> None:
        if self.app.screen is self:
            self.shell.go_back()
        self.shell.say(words)

    def _not_done(self) -> None:
        self._acting = False
        if self.app.screen is self:
            self.weigh()


_DONE = {
    "release": "{token} is released: both signatures are recorded. F2: its state, in TIMELINE.",
    "refuse": "{token} is refused and will not be sent; the reason is recorded.",
    "withdraw": "{token} is withdrawn and will not be sent.",
}
