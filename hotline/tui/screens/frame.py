"""What every screen has: row 0, FLASH strip, guidance, mode band, footer; too small a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget

from hotline.desk.views import WatchView
from hotline.tui.shell_port import ShellPort, shell_of
from hotline.tui.widgets.alarm_strip import AlarmStrip
from hotline.tui.widgets.flash_strip import FlashStrip
from hotline.tui.widgets.footer_row import FooterRow
from hotline.tui.widgets.guide_row import GuideRow
from hotline.tui.widgets.lock_strip import LockStrip
from hotline.tui.widgets.mode_band import ModeBand
from hotline.tui.widgets.title_row import TitleRow
from hotline.tui.widgets.too_small import MIN_COLUMNS, MIN_ROWS, TooSmall


class FrameScreen(Screen[None]):
    """Base of every screen: a subclass gives the body, its guidance and what it shows.

    Attributes:
        PLACE: Name of the screen in the table of actions.
        FOOTER: Ids of the actions in the footer, the first to stay when it is narrow.
        WORDS: Words in the footer where they differ from the table's.
        ACTS: The officer composes, signs or answers on it.
    """

    PLACE: ClassVar[str] = ""
    FOOTER: ClassVar[tuple[str, ...]] = ()
    WORDS: ClassVar[Mapping[str, str]] = {}
    ACTS: ClassVar[bool] = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (120, "-broad"), (160, "-wide")]

    def __init__(self) -> None:
        super().__init__()
        self._focus_kept: Widget | None = None
        self.is_ready = False

    @property
    def shell(self) -> ShellPort:
        """The app, as screens may use it."""
        return shell_of(self)

    @property
    def too_small(self) -> bool:
        """Whether the terminal is under 80x24."""
        return self.app.size.width < MIN_COLUMNS or self.app.size.height < MIN_ROWS

    @property
    def shown_digest(self) -> str | None:
        """Digest of the statement whose whole text is on this screen, or None."""
        return None

    @property
    def marked_digest(self) -> str | None:
        """Digest of the statement that the mark is on, or None."""
        return None

    @property
    def blocks(self) -> bool:
        """Whether this screen must be read before another one comes up."""
        return False

    def compose_body(self) -> ComposeResult:
        """Yield the widgets between guidance and footer."""
        raise NotImplementedError

    def place_words(self) -> str:
        """Return the words for row 0."""
        return self.PLACE.upper()

    def guide_words(self) -> str:
        """Say what to do next on this screen."""
        return ""

    def show(self, view: WatchView) -> None:
        """Bring the body up to date."""

    def keep(self) -> None:
        """Hand over what was typed before the screen goes or is covered."""

    def forget(self) -> None:
        """Drop what must not stand here while the desk is locked: passphrases."""

    def compose(self) -> ComposeResult:
        """Yield the frame around the body."""
        yield TitleRow()
        yield FlashStrip()
        yield AlarmStrip()
        yield LockStrip()
        yield GuideRow()
        with Container(id="body"):
            yield from self.compose_body()
        yield TooSmall()
        yield ModeBand()
        yield FooterRow()

    def on_mount(self) -> None:
        """Show everything as of now, then let the screen begin."""
        self.is_ready = True
        self._fit_terminal()
        self.refresh_view()
        self.begin()

    def on_unmount(self) -> None:
        """A refresh that was asked for before the screen went finds nothing to draw on."""
        self.is_ready = False

    def begin(self) -> None:
        """Say where the keys go first."""

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was up."""
        self._fit_terminal()
        self.refresh_view()

    def on_resize(self, event: events.Resize) -> None:
        """Take away or give back the body when the terminal crosses 80x24; lay out anew."""
        self._fit_terminal()
        self.call_after_refresh(self.refresh_view)

    def _fit_terminal(self) -> None:
        small = self.too_small
        if small and not self.has_class("-small"):
            self._focus_kept = self.focused
            self.set_focus(None)
        self.set_class(small, "-small")
        if not small and self._focus_kept is not None:
            kept, self._focus_kept = self._focus_kept, None
            self.call_after_refresh(self.set_focus, kept)

    def refresh_view(self) -> None:
        """Bring the frame and the body up to date with the app's view."""
        if not self.is_ready:
            return
        view = self.shell.view
        try:
            self.query_one(TitleRow).show(view.status, self.place_words())
            self.query_one(ModeBand).show(view.status.mode, self.shell.band_words())
            self.show(view)
            self.refresh_words()
        except NoMatches:
            if self._is_whole():
                raise

    def _is_whole(self) -> bool:
        """Return whether the frame stands: when the console ends, widgets go before the screen."""
        parts = (TitleRow, FlashStrip, AlarmStrip, LockStrip, GuideRow, ModeBand, FooterRow)
        return self.app.is_running and all(self.query(part) for part in parts)

    def refresh_words(self) -> None:
        """Bring strip, guidance and footer up to date."""
        if not self.is_ready:
            return
        if not self._is_whole():
            return
        words, fault = self.shell.outcome()
        guidance = self.shell.guidance() or self.guide_words()
        self.query_one(FlashStrip).show(self.shell.view.flash, self.shell.flash_key_words())
        self.query_one(AlarmStrip).show(self.shell.view.alarm)
        self.query_one(LockStrip).show(self.shell.view.lock)
        self.query_one(GuideRow).show(guidance, words, fault=fault)
        self.query_one(FooterRow).show(self.shell.footer_keys())
