"""The app under every console: frame, refresh, alarm, keys. Live and replay differ above it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import ClassVar, TypeVar

from textual.screen import Screen

from hotline.core.errors import HotlineError
from hotline.core.seams import Clock
from hotline.desk.port import Feed, Post
from hotline.desk.views import DraftView, MessageView, WatchView
from hotline.tui.actions import Action, find_action
from hotline.tui.alarm import FlashAlarm
from hotline.tui.ground import Ground
from hotline.tui.refresh import Changed, Coalescer
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.watch import WatchScreen
from hotline.tui.terminal import catch_signals, release_signals

Outcome = TypeVar("Outcome")

OUTCOME_STANDS_MS = 5_000
"""How long "done" stands before guidance comes back; what went wrong stands until a key."""

NEWS_WAITS_MS = 2_000
"""So long "done" stands in any case, when the desk meanwhile has something new to say."""

STYLES = (
    *("frame", "watch", "message", "incident", "compose", "send", "readback", "release"),
    *("leave", "newroot", "chord", "locked", "files"),
)
"""One sheet for what all screens share, then one for each screen that has a look of its own."""


MAY_UNREAD = frozenset({"pane", "pane_back", "acknowledge"})
UNREAD = "Read this alarm to its end first: PgDn reads on."


class Shell(Ground, inherit_bindings=False):
    """Shows a feed. What can be done comes with a post; without one it is read-only."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    AFTER_A_FAULT = "The timeline shows what was sent; report this."
    CSS_PATH = [f"styles/{name}.tcss" for name in STYLES]

    def __init__(self, feed: Feed, post: Post | None, *, ascii: bool, clock: Clock) -> None:
        super().__init__(ascii=ascii)
        self.feed = feed
        self.post = post
        self.clock = clock
        self.view: WatchView = feed.watch()
        self.drafts: dict[str, DraftView] = {}
        self.alarm = FlashAlarm()
        self.coalescer = Coalescer(self, self.refresh_view)
        self._unsubscribe: Callable[[], None] | None = None
        self._said = ("", False)
        self._said_ms, self._said_over = 0, ""
        self._displayed: set[str] = set()
        self._frozen_by = ""
        self._rung: frozenset[str] = frozenset()

    def get_default_screen(self) -> Screen[None]:
        """Return the watch screen: the one at the bottom of the stack."""
        return WatchScreen()

    def on_mount(self) -> None:
        """Begin to follow the feed, the clock and the signals."""
        self.set_class(self.ascii_look, "-ascii-look")
        self._unsubscribe = self.feed.subscribe(self.coalescer.changed)
        self.set_interval(1.0, self._tick)
        self._raise_if_frozen()
        catch_signals(self.leave)
        self._ring_if_due()

    def on_unmount(self) -> None:
        """End the subscription and give the signals back."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        release_signals()

    def on_changed(self, message: Changed) -> None:
        """Refresh a moment after the first of many changes."""
        self.coalescer.start_timer()

    def _tick(self) -> None:
        if self.check_terminal():
            return
        words, fault = self._said
        stands_ms = OUTCOME_STANDS_MS if self.view.notice == self._said_over else NEWS_WAITS_MS
        if words and not fault and self.clock() - self._said_ms > stands_ms:
            self._said = ("", False)
        self.refresh_view()

    def refresh_view(self) -> None:
        """Read the watch view and show it on the screen that is up."""
        self.view = self.feed.watch()
        self._ring_if_due()
        frame = self.frame
        if frame is not None:
            frame.refresh_view()
        self._raise_if_frozen()

    def _raise_if_frozen(self) -> None:
        """Bring up the alarm when the line freezes, once for each fork that is news."""
        if self.view.frozen and self.view.frozen != self._frozen_by and self.post is not None:
            self.call_next(self.raise_alarm)
        self._frozen_by = self.view.frozen

    def raise_alarm(self) -> None:
        """Show the alarms, unasked; a shell that cannot roam has nowhere to show them."""

    def _ring_if_due(self) -> None:
        digest = self.view.flash.digest if self.view.flash and self.post else ""
        due = self.alarm.show(digest, self.clock())
        news = self.view.rings - self._rung if self.post else frozenset()
        self._rung = self.view.rings
        if due or news:
            self.bell()

    @property
    def frame(self) -> FrameScreen | None:
        """The topmost screen that has the frame: the ^O row may lie over it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, FrameScreen):
                return screen
        return None

    def say(self, words: str, *, fault: bool = False) -> None:
        """Show the outcome of an act until the officer acts again."""
        self._said = (words, fault)
        self._said_ms, self._said_over = self.clock(), self.view.notice
        if self.frame is not None:
            self.frame.refresh_words()

    def outcome(self) -> tuple[str, bool]:
        """Return the words last said and whether they are a fault."""
        return self._said

    def guidance(self) -> str:
        """Return guidance that goes before the screen's own; a live console has none."""
        return ""

    def band_words(self) -> str:
        """Return the words of the band; a live console has none of its own."""
        return ""

    def flash_key_words(self) -> str:
        """Say what F8 does with the FLASH on the strip; without a post nothing."""
        return ""

    def keys_guarded(self) -> bool:
        """Return whether a FLASH came up so lately that a committing key is ignored."""
        return self.alarm.guards(self.clock())

    def try_act(self, work: Callable[[], Outcome]) -> Outcome | None:
        """Return what `work` returns, or None after saying why it cannot be done."""
        try:
            return work()
        except HotlineError as error:
            self.say(error.sentence(), fault=True)
            return None

    def note_displayed(self, message: MessageView) -> None:
        """Let the desk record, once, that an inbound statement was shown in full."""
        if self.post is not None and message.digest not in self._displayed:
            self._displayed.add(message.digest)
            self.act(self.post.displayed(message.digest), lambda _: None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a key of the table work only where the table says so."""
        if action == "next_field":
            return self.in_a_field()
        if action != "do":
            return True
        return self.offers(find_action(self.ACTIONS, str(parameters[0])))

    def offers(self, action: Action) -> bool:
        """Return whether `action` works on the screen that is up."""
        screen = self.screen
        if not isinstance(screen, FrameScreen) or screen.too_small:
            return False
        return screen.PLACE in action.where and (self.post is not None or not action.acts)

    def footer_keys(self) -> list[tuple[str, str]]:
        """Return the keys that work on the screen that is up, with their words."""
        frame = self.frame
        if frame is None:
            return []
        table = {action.id: action for action in self.ACTIONS}
        actions = [table[name] for name in frame.FOOTER if name in table]
        offered = [one for one in actions if frame.PLACE in one.where]
        worded = [(one.shown, self.footer_word(frame, one)) for one in offered]
        return [(shown, word) for shown, word in worded if word]

    def footer_word(self, frame: FrameScreen, action: Action) -> str:
        """Return the word for `action` on that screen; "" leaves it out of the footer."""
        if action.id == "alarms" and not self.view.alarm:
            return ""
        return frame.WORDS.get(action.id, action.word)

    async def action_do(self, action_id: str) -> None:
        """Do what the table calls `action_id`."""
        self._said = ("", False)
        if self.frame is not None and self.frame.blocks and action_id not in MAY_UNREAD:
            self.say(UNREAD, fault=True)
            return
        work = getattr(self, f"do_{action_id}")()
        if isawaitable(work):
            await work
        if self.frame is not None:
            self.frame.refresh_words()
