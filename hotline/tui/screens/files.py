"""Files beside a statement: put to a draft, or taken out of the record."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from hotline.desk.views import DraftView, MessageView
from hotline.tui.actions import FILES
from hotline.tui.literal import literal
from hotline.tui.look import BRIGHT, PLAIN
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.field_box import bracketed
from hotline.tui.widgets.push import Push

MAX_PATH_CHARACTERS = 1_000


class FilesScreen(FrameScreen):
    """A path to type, and buttons; nothing is opened or shown of what is in a file."""

    PLACE = FILES
    ACTS = True
    FOOTER = ("help", "pane", "back", "acknowledge", "chord", "watch")
    ASKED = ""
    BUTTONS: tuple[tuple[str, str], ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._acting = False

    def lines(self) -> tuple[str, ...]:
        """Return what stands above the path."""
        raise NotImplementedError

    def buttons(self) -> tuple[tuple[str, str], ...]:
        """Return (id, word) of each button but Back."""
        raise NotImplementedError

    def take(self, button: str, path: str) -> None:
        """Do what a button says."""
        raise NotImplementedError

    def compose_body(self) -> ComposeResult:
        """Yield the files, the path and the buttons."""
        yield Static("", id="files", markup=False)
        with Horizontal(id="path-row"):
            yield Static(literal(f" {self.ASKED} ", BRIGHT), id="path-words", markup=False)
            box = Input(
                compact=True, select_on_focus=False, max_length=MAX_PATH_CHARACTERS, id="path"
            )
            box.cursor_blink = False
            yield from bracketed(box)
        with Horizontal(id="buttons"):
            for name, word in self.buttons():
                yield Push(word, id=name)
            yield Push("Back", id="cancel")

    def begin(self) -> None:
        """Keys go to the path."""
        self.redraw()
        self.query_one("#path").focus()

    def redraw(self) -> None:
        """Show the files as they are now."""
        shown = [literal(f" {line}", PLAIN) for line in self.lines()]
        self.query_one("#files", Static).update(Content("\n").join(shown))

    def guide_words(self) -> str:
        """Say what to type, and what Enter does."""
        if self._acting:
            return "A moment..."
        if isinstance(self.focused, Input):
            return "Type the path; Enter goes on to the buttons."
        return "Enter presses the marked button; Tab goes on. Esc goes back."

    def on_descendant_focus(self) -> None:
        """Guidance depends on where the keys go."""
        self.refresh_words()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Go back, or act once."""
        if event.button.id == "cancel":
            self.shell.go_back()
        elif not self._acting and self.shell.post is not None:
            self.take(event.button.id or "", self.query_one("#path", Input).value.strip())

    def acts(self) -> None:
        """Say that something is being done."""
        self._acting = True
        self.refresh_words()

    def rests(self) -> None:
        """Say that it is over."""
        self._acting = False
        if self.is_ready:
            self.redraw()
            self.refresh_words()


class AttachScreen(FilesScreen):
    """Seals a file of this machine and puts it to a draft."""

    ASKED = "File to attach"

    def __init__(self, draft: DraftView, took: Callable[[DraftView], None]) -> None:
        super().__init__()
        self._draft, self._took = draft, took

    def place_words(self) -> str:
        """Name the screen."""
        return "FILES"

    def lines(self) -> tuple[str, ...]:
        """Name what the draft has."""
        attached = self._draft.attached
        if not attached:
            return ("No file goes with this draft. Up to four may, of 16 MiB each.",)
        return tuple(f"{number}. {name}" for number, name in enumerate(attached, 1))

    def buttons(self) -> tuple[tuple[str, str], ...]:
        """Return what can be done."""
        return ("attach", "Attach"), ("detach", "Remove all")

    def take(self, button: str, path: str) -> None:
        """Attach the file, or remove all."""
        post = self.shell.post
        if post is None:
            return
        if button == "detach":
            draft = self.shell.try_act(lambda: post.detach(self._draft.draft))
            if draft is not None:
                self._taken(draft)
        elif not path:
            self.shell.say("Type the path of a file first.", fault=True)
        else:
            self.acts()
            self.shell.act(post.attach(self._draft.draft, path), self._taken, self.rests)

    def _taken(self, draft: DraftView) -> None:
        self._draft = draft
        self._took(draft)
        if self.is_ready:
            self.query_one("#path", Input).value = ""
        self.rests()
        count = len(draft.attached)
        self.shell.say(f"{count} file{'s' * (count != 1)} with this draft. Esc goes back to it.")


class SaveScreen(FilesScreen):
    """Takes the files of a statement out of the record, each into a directory of choice."""

    ASKED = "Into the directory"

    def __init__(self, message: MessageView) -> None:
        super().__init__()
        self._digest, self._files = message.digest, message.files

    def place_words(self) -> str:
        """Name the screen."""
        return "FILES"

    def lines(self) -> tuple[str, ...]:
        """Tell where each file is."""
        message = self.shell.feed.message(self._digest)
        return message.files if message is not None else self._files

    def buttons(self) -> tuple[tuple[str, str], ...]:
        """Return one for each file."""
        numbers = [line.partition(".")[0] for line in self._files]
        return tuple((f"save-{number}", f"Save {number}") for number in numbers)

    def take(self, button: str, path: str) -> None:
        """Save that file."""
        post = self.shell.post
        if post is None:
            return
        if not path:
            self.shell.say("Type the path of a directory first.", fault=True)
            return
        self.acts()
        number = int(button.partition("-")[2])
        self.shell.act(post.save_file(self._digest, number, path), self._saved, self.rests)

    def _saved(self, path: str) -> None:
        self.rests()
        self.shell.say(f"Saved {path}. Open it on another machine than this one.")
