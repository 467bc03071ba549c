"""The console's side of the lock: it falls when no key is pressed, or on a key.

Spec: docs/enrolment.md §13
"""

from __future__ import annotations

from textual.events import Event, Key, Paste

from hotline.core.seams import Clock
from hotline.desk.lock import Why
from hotline.desk.port import Desk
from hotline.desk.views import Direction, MessageView
from hotline.tui.actions import Action
from hotline.tui.closing import Closing
from hotline.tui.idle import Idle
from hotline.tui.roaming import Roaming
from hotline.tui.screens.chord import ChordScreen
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.locked import LockedScreen

ONLY_READING = "This desk is locked: all can be read, nothing can be done. Esc, then unlock it."


class Locking(Roaming):
    """A shell whose desk is locked: what acts is refused, what reads goes on."""

    def __init__(self, desk: Desk, *, ascii: bool, clock: Clock, closing: Closing) -> None:
        super().__init__(desk, desk, ascii=ascii, clock=clock, closing=closing)
        self.desk = desk
        self._idle = Idle(clock())

    @property
    def locked(self) -> bool:
        """Whether the desk is locked, as of the last refresh."""
        return self.view.lock is not None

    async def on_event(self, event: Event) -> None:
        """Note that the officer is there: by keys only, never by what comes in.

        Spec: docs/enrolment.md §13.2
        """
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self._idle.pressed(self.clock())
        await super().on_event(event)

    def _tick(self) -> None:
        super()._tick()
        idle_ms = self._idle.span_ms(self.clock())
        if 0 < self.desk.lock_after_ms <= idle_ms:
            self._lock_desk("IDLE", idle_ms)

    def do_lock(self) -> None:
        """^L."""
        self._lock_desk("ASKED", 0)

    def _lock_desk(self, why: Why, idle_ms: int) -> None:
        if self.locked:
            return
        # The key is gone when this returns; keys that are on their way find a locked desk.
        recording = self.desk.lock(why, idle_ms)
        for screen in self.screen_stack:
            if isinstance(screen, FrameScreen):
                screen.forget()
        self.refresh_view()
        self.act(recording, lambda _: None)

    def refresh_view(self) -> None:
        """Show what is so; the locked screen lies over the others while the desk is locked."""
        super().refresh_view()
        if not self.is_running:
            return
        place = self._locked_at()
        if self.view.lock is not None and not place:
            if isinstance(self.screen, ChordScreen):
                self.pop_screen()
            self._go(LockedScreen(self.view.lock))
        elif self.view.lock is None and place:
            self.go_back(len(self.screen_stack) - place)
            self._note_shown()

    def _locked_at(self) -> int:
        """Return the place of the locked screen in the stack; 0: it is not up."""
        found = [at for at, one in enumerate(self.screen_stack) if isinstance(one, LockedScreen)]
        return found[0] if found else 0

    def _note_shown(self) -> None:
        """The officer is back, and sees what stands on the screen that was kept."""
        shown = self.frame.shown_digest if self.frame is not None else None
        message = self.feed.message(shown) if shown else None
        if message is not None and message.direction is Direction.IN:
            self.note_displayed(message)

    def note_displayed(self, message: MessageView) -> None:
        """Let the desk record that a statement was shown: to an officer, not to a locked desk.

        Spec: docs/enrolment.md §13.7
        """
        if not self.locked:
            super().note_displayed(message)

    def lowest(self) -> int:
        """Return how many screens stay: those below the locked one wait as they were left."""
        return self._locked_at() + 1 if self.locked else super().lowest()

    def offers(self, action: Action) -> bool:
        """Return whether `action` works here: at a locked desk F8 opens, and nothing else acts."""
        return super().offers(action) and not self._is_shut(action)

    def footer_word(self, frame: FrameScreen, action: Action) -> str:
        """Return the word for `action`, "" for what a locked desk refuses."""
        return "" if self._is_shut(action) else super().footer_word(frame, action)

    def _is_shut(self, action: Action) -> bool:
        return self.locked and action.acts and action.id != "acknowledge"

    def _go(self, screen: FrameScreen) -> None:
        if not self.only_reading(screen.ACTS):
            super()._go(screen)

    def only_reading(self, acts: bool = True) -> bool:
        """Return whether what `acts` is refused because the desk is locked, and say so.

        Spec: docs/enrolment.md §13.3
        """
        refused = acts and self.locked
        if refused:
            self.say(ONLY_READING, fault=True)
        return refused

    def guidance(self) -> str:
        """Say at a locked desk that all can be read."""
        reading = self.locked and not isinstance(self.frame, LockedScreen)
        return ONLY_READING if reading else super().guidance()
