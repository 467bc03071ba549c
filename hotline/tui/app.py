"""The live console: a shell with a post, where an officer reads, writes, sends, acknowledges."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from hotline.core.seams import Clock
from hotline.desk.port import Desk
from hotline.desk.views import Direction, DraftView, MessageView, RootView, TemplateChoice
from hotline.tui.actions import CONSOLE_ACTIONS, Action, app_bindings, find_action
from hotline.tui.closing import Closing
from hotline.tui.locking import Locking
from hotline.tui.screens.choose import ChooseScreen
from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.files import AttachScreen, SaveScreen
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.new_root import NewRootScreen
from hotline.tui.screens.readback import ReadBackScreen
from hotline.tui.screens.release import ReleaseScreen
from hotline.tui.screens.send import SendScreen
from hotline.tui.screens.watch import WatchScreen

FIELD_LIMIT_S = 1.0
"""How long the next key waits for a field to take the ones before it."""

BEFORE_AN_ANSWER = frozenset(
    (
        *("help", "pane", "pane_back", "back", "chord", "leave", "acknowledge", "open", "lock"),
        *("up", "down", "page_up", "page_down", "first", "last"),
    )
)
"""What works while a changed root waits: a FLASH is read and acknowledged, nothing is composed."""

READ_NOT_AGREED = "It does not say that you agree."


class ConsoleApp(Locking):
    """The console of one officer on one line.

    Args:
        desk: What is read and what is done.
        ascii: Draw borders with plain ASCII.
        clock: Milliseconds; times the key guard and the bell, never what is shown.
        closing: What the question before leaving says of the line.
    """

    ACTIONS = CONSOLE_ACTIONS
    BINDINGS = [*app_bindings(CONSOLE_ACTIONS)]

    def __init__(
        self,
        desk: Desk,
        *,
        ascii: bool = False,
        clock: Clock,
        closing: Closing = Closing.STOPS,
    ) -> None:
        super().__init__(desk, ascii=ascii, clock=clock, closing=closing)
        self._answered: set[str] = set()

    def footer_word(self, frame: FrameScreen, action: Action) -> str:
        """Return the word for `action`; F8 names the statement that it is about."""
        if action.id == "acknowledge":
            target = self._to_acknowledge()
            if target is None or self._unread_below(target):
                return ""
            return f"{'Open' if self.locked else 'Read'} {target.token}".rstrip()
        if action.id == "release" and not self.view.awaiting:
            return ""
        if action.id == "files" and isinstance(frame, MessageScreen):
            message = frame.message
            return action.word if message is not None and message.files else ""
        if action.id == "page_down" and isinstance(frame, MessageScreen):
            return frame.WORDS[action.id] if frame.shown_digest is None else ""
        return super().footer_word(frame, action)

    def flash_key_words(self) -> str:
        """Say what F8 does with the FLASH: open it first, then READ BY OFFICER."""
        flash, frame = self.view.flash, self.frame
        if flash is None or frame is None or frame.too_small:
            return ""
        if not self.offers(find_action(self.ACTIONS, "acknowledge")):
            return "Esc, then F8"
        target = self._to_acknowledge()
        if target is None or target.digest != flash.digest:
            return "first F2"
        if self.locked:
            return "first unlock" if self._is_open(target) else "F8=OPEN"
        if self._unread_below(target):
            return "PgDn, then F8"
        return "F8=READ BY OFFICER" if frame.shown_digest == flash.digest else "F8=OPEN"

    def _unread_below(self, message: MessageView) -> bool:
        """Whether the message's own screen is up and its end was not in sight yet."""
        frame = self.frame
        return self._is_open(message) and frame is not None and frame.shown_digest is None

    def _is_open(self, message: MessageView) -> bool:
        """Whether the message's own screen is up."""
        frame = self.frame
        return isinstance(frame, MessageScreen) and frame.digest == message.digest

    def _to_acknowledge(self) -> MessageView | None:
        """Return what F8 is about: the statement on the screen, else the FLASH, else the mark.

        On the watch screen it is what the desk's notice names, whatever the mark is on.
        """
        frame, flash = self.frame, self.view.flash
        if frame is None or not frame.is_ready:
            return None
        named = self.view.next_read if isinstance(frame, WatchScreen) else ""
        on_strip = flash.digest if flash else None
        for digest in (named, frame.shown_digest, on_strip, frame.marked_digest):
            message = self.feed.message(digest) if digest else None
            if message is None or message.direction is not Direction.IN:
                continue
            if message.can_acknowledge:
                return message
        return None

    def do_acknowledge(self) -> None:
        """F8: open what is not on the screen as a whole; then say READ BY OFFICER."""
        message = self._to_acknowledge()
        if message is None:
            self.say("Nothing here waits for READ BY OFFICER.")
        elif self.keys_guarded():
            self.say("A FLASH came in just now. Look at it, then press F8 again.", fault=True)
        elif self.only_reading(self._is_open(message)):
            return
        elif self.frame is not None and self.frame.shown_digest == message.digest:
            self.act(
                self.desk.acknowledge(message.digest), partial(self._acknowledged, message.token)
            )
        elif self._unread_below(message):
            self.say("First read it to its end: PgDn reads on. Then press F8.", fault=True)
        else:
            self.open_message(message.digest)

    def _acknowledged(self, token: str, _: None) -> None:
        self.say(f"{token}: the sender is told READ BY OFFICER. {READ_NOT_AGREED}")

    def do_compose(self) -> None:
        """F3: the draft that is open, else the list of forms."""
        if isinstance(self.frame, ComposeScreen):
            self.say("This is the composer. Esc goes back and keeps the draft.")
        elif not self._back_to(ComposeScreen) and not self._back_to(ChooseScreen):
            self._go(ChooseScreen(self._incident_in_view()))

    def _incident_in_view(self) -> str | None:
        name = getattr(self.frame, "incident", None)
        return name if isinstance(name, str) and name else None

    def on_mount(self) -> None:
        """Ask at once what must be asked before anything else."""
        self.call_after_refresh(self.refresh_view)

    def refresh_view(self) -> None:
        """Show what is so; a changed root stands before everything until it is answered.

        Spec: docs/protocol.md §4.25
        """
        super().refresh_view()
        root = self.view.new_root
        if (
            root is not None
            and not self._asked
            and not self.locked
            and root.root not in self._answered
            and self.is_running
        ):
            self._go(NewRootScreen(root))

    def offers(self, action: Action) -> bool:
        """Return whether `action` works here: over a changed root only what reads and leaves."""
        return super().offers(action) and (not self._asked or action.id in BEFORE_AN_ANSWER)

    @property
    def _asked(self) -> bool:
        return any(isinstance(screen, NewRootScreen) for screen in self.screen_stack)

    def _go(self, screen: FrameScreen) -> None:
        if self._asked and screen.ACTS:
            self.say("First answer for the new root: Esc goes back to it.", fault=True)
            return
        super()._go(screen)

    def answer_root(self, root: RootView, *, agreed: bool) -> None:
        """Record what was found of a changed root; one that differs is asked about again later."""
        self.act(
            self.desk.compare_root(root.root, agreed=agreed), partial(self._answer, root, agreed)
        )

    def _answer(self, root: RootView, agreed: bool, _: None) -> None:
        self._answered.add(root.root)
        if isinstance(self.screen, NewRootScreen):
            self.go_back()
        words = f"The new root of {root.station} counts from now on."
        if not agreed:
            words = f"It stays UNVERIFIED. Call {root.station}; tell your security officer."
        self.say(words, fault=not agreed)

    def open_choice(self, choice: TemplateChoice) -> None:
        """Begin a draft from a form and show the composer."""
        if self.only_reading():
            return
        draft = self.try_act(partial(self.desk.open_draft, choice))
        if draft is not None:
            self.open_draft(draft)

    def open_draft(self, draft: DraftView) -> None:
        """Show the composer with a draft; another one that is open is kept and left."""
        if self.only_reading():
            return
        self.drafts[draft.draft] = draft
        if any(isinstance(screen, ComposeScreen) for screen in self.screen_stack):
            self.do_watch()
        if isinstance(self.frame, ChooseScreen):
            self.go_back()
        self._go(ComposeScreen(draft))

    def do_release(self) -> None:
        """^R: what the mark or the screen is on, if it awaits release, else the oldest."""
        waiting = self.view.awaiting
        frame = self.frame
        marked = frame.marked_digest if frame is not None and frame.is_ready else None
        digest = marked if marked in waiting else next(iter(waiting), "")
        release = self.try_act(partial(self.desk.awaiting, digest)) if digest else None
        if release is None:
            self.say("Nothing awaits a second officer.")
        else:
            self._go(ReleaseScreen(release))

    def open_sending(self, draft: DraftView) -> None:
        """Show the sending screen of a draft that is ready."""
        self._go(SendScreen(draft))

    def open_readback(self, message: MessageView) -> None:
        """Show the read-back form of a statement."""
        self._go(ReadBackScreen(message))

    def do_files(self) -> None:
        """^F: attach to the draft, or save what came with the statement."""
        frame = self.frame
        if isinstance(frame, ComposeScreen):
            frame.keep()
            self._go(AttachScreen(frame.draft, frame.take_files))
        elif isinstance(frame, MessageScreen):
            message = frame.message
            if message is None or not message.files:
                self.say("No file goes with this statement.")
            elif not self.only_reading():
                self._go(SaveScreen(message))

    async def do_preview(self) -> None:
        """^P."""
        if isinstance(self.frame, ComposeScreen):
            await self._after_typing(self.frame.check_and_preview)

    async def do_send(self) -> None:
        """^G."""
        if isinstance(self.frame, ComposeScreen):
            await self._after_typing(self.frame.ask_to_send)

    async def _after_typing(self, work: Callable[[], object]) -> None:
        """Do `work` once the field has taken the keys before this one, and before the next key.

        Keys typed right behind ^P then go to the field that ^P turned to.
        """
        done = asyncio.Event()

        def run() -> None:
            try:
                work()
            finally:
                done.set()

        field = self.focused
        if field is None or not field.is_running:
            work()
        elif field.call_later(run):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIELD_LIMIT_S):
                    await done.wait()
