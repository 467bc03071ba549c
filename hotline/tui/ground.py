"""What every app on a terminal rests on: no text acts on it, no fault shows what was in hand."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual.app import App
from textual.events import Resize
from textual.filter import LineFilter
from textual.geometry import Size
from textual.widgets import Input

from hotline.core.errors import HotlineError
from hotline.tui.crash import EXIT_FAULT, crash_words
from hotline.tui.literal import CharacterFilter
from hotline.tui.look import DARK
from hotline.tui.terminal import terminal_gone, terminal_size
from hotline.tui.widgets.code_box import CodeBox
from hotline.tui.widgets.passphrase_box import PassphraseBox

Outcome = TypeVar("Outcome")


class Ground(App[int], inherit_bindings=False):
    """Filters, theme, size, the end of the terminal, failed acts, crash lines."""

    ENABLE_COMMAND_PALETTE = False
    AFTER_A_FAULT: ClassVar[str] = "report this."

    def __init__(self, *, ascii: bool) -> None:
        super().__init__()
        self.ascii_look = ascii
        self._filters_used: tuple[LineFilter, ...] | None = None
        self.animation_level = "none"
        self.register_theme(DARK)
        self.theme = DARK.name

    def say(self, words: str, *, fault: bool = False) -> None:
        """Show the outcome of an act."""
        raise NotImplementedError

    def refresh_view(self) -> None:
        """Show what is so."""
        raise NotImplementedError

    def sentence_of(self, error: HotlineError) -> str:
        """Return what is said of an act that failed."""
        return error.sentence()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the character filter before whatever textual itself filters."""
        if self._filters_used is None:
            self._filters_used = (CharacterFilter(), *super().get_line_filters())
        return self._filters_used

    def check_terminal(self) -> bool:
        """Leave when the terminal is gone, and return that; else catch up with its size."""
        if self.is_headless:
            return False
        if terminal_gone():
            self.leave()
            return True
        # A change of size while the terminal is being set up comes without a signal.
        found = terminal_size()
        if found is not None and Size(*found) != self.size:
            self.post_message(Resize(Size(*found), Size(*found)))
        return False

    def act(
        self,
        work: Coroutine[Any, Any, Outcome],
        then: Callable[[Outcome], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Run `work` to its end whatever screen is up; say why when it cannot be done."""

        async def run() -> None:
            try:
                outcome = await work
            except HotlineError as error:
                self.say(self.sentence_of(error), fault=True)
            except Exception as error:  # noqa: BLE001 - one failed act must not end the console
                self.say(self._inner_fault(error), fault=True)
            else:
                then(outcome)
                self.refresh_view()
                return
            if failed is not None:
                failed()

        self.run_worker(run(), group="acts", exit_on_error=False)

    def _inner_fault(self, error: Exception) -> str:
        return f"Not done: a fault of the console ({type(error).__name__}). {self.AFTER_A_FAULT}"

    def in_a_field(self) -> bool:
        """Return whether keys go to a field from which Enter goes on to the next one."""
        whole = isinstance(self.focused, CodeBox | PassphraseBox)
        return isinstance(self.focused, Input) and not whole

    def action_next_field(self) -> None:
        """Go on from a field, before the next key is read: a burst of keys finds its fields."""
        self.screen.focus_next()

    def leave(self) -> None:
        """End the app with exit code 0; textual puts the terminal back."""
        self.exit(0)

    def notify(self, message: str, **options: Any) -> None:
        """Show a toast as literal text: nothing in it is ever markup."""
        super().notify(message, **{**options, "markup": False})

    def _handle_exception(self, error: Exception) -> None:
        super()._handle_exception(error)
        self._return_code = EXIT_FAULT

    def panic(self, *renderables: Any) -> None:
        """Print nothing but where the fault was: a rendered error may hold its input."""
        self._fatal_error()

    def _fatal_error(self) -> None:
        # textual's own screen prints local variables, and a passphrase may be one.
        if self._exception is not None and not self._exit_renderables:
            self._exit_renderables.append(Text("\n".join(crash_words(self._exception))))
        self._close_messages_no_wait()
