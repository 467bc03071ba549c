"""Going from screen to screen: what a live console and a replay have in common."""

from __future__ import annotations

from collections.abc import Callable

from hotline.core.seams import Clock
from hotline.desk.port import Feed, Post
from hotline.desk.views import TimelineRow
from hotline.tui.closing import Closing
from hotline.tui.screens.alarms import AlarmScreen
from hotline.tui.screens.chord import ChordScreen
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.help import HelpScreen
from hotline.tui.screens.incident import IncidentScreen
from hotline.tui.screens.leave import LeaveScreen
from hotline.tui.screens.link import LinkScreen
from hotline.tui.screens.log_line import LogLineScreen
from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.pick import PickScreen
from hotline.tui.screens.watch import WatchScreen
from hotline.tui.shell import Shell


class Roaming(Shell):
    """A shell that can be walked through; the watch screen is always at the bottom."""

    def __init__(
        self, feed: Feed, post: Post | None, *, ascii: bool, clock: Clock, closing: Closing
    ) -> None:
        super().__init__(feed, post, ascii=ascii, clock=clock)
        self.closing = closing

    def go_back(self, screens: int = 1) -> None:
        """Leave that many screens; the lowest always stay."""
        for _ in range(min(screens, len(self.screen_stack) - self.lowest())):
            if self.frame is not None:
                self.frame.keep()
            self.pop_screen()

    def lowest(self) -> int:
        """Return how many screens always stay: the watch screen does."""
        return 1

    def _go(self, screen: FrameScreen) -> None:
        if self.frame is not None:
            self.frame.keep()
        self._said = ("", False)
        self.push_screen(screen)

    def _back_to(self, kind: type[FrameScreen]) -> bool:
        """Leave screens until one of `kind` is up; False, and nothing left, when none is open."""
        for above, screen in enumerate(reversed(self.screen_stack[self.lowest() - 1 :])):
            if isinstance(screen, kind):
                self.go_back(above)
                return True
        return False

    def open_message(self, digest: str) -> None:
        """Show one statement in full, unless it is the one that is up."""
        screen = self.frame
        if isinstance(screen, MessageScreen):
            if screen.digest == digest:
                return
            self.go_back()
        if self.feed.message(digest) is not None:
            self._go(MessageScreen(digest))

    def open_log(self, row: TimelineRow) -> None:
        """Show one line of the station's own log in full."""
        self._go(LogLineScreen(row))

    def open_incident(self, name: str) -> None:
        """Show one incident with its ladder."""
        if self.feed.incident(name) is not None:
            self._go(IncidentScreen(name))

    def open_pick(
        self, title: str, choices: tuple[tuple[str, str], ...], chosen: Callable[[str], None]
    ) -> None:
        """Show a list of (value, words) to pick one from."""
        self._go(PickScreen(title, choices, chosen))

    def do_watch(self) -> None:
        """F2."""
        self.go_back(len(self.screen_stack) - 1)

    def do_back(self) -> None:
        """Esc."""
        self.go_back()

    def do_pane(self) -> None:
        """Tab. Here, not in the widget: the next key must already go to the next field."""
        self.screen.focus_next()

    def do_pane_back(self) -> None:
        """Shift+Tab."""
        self.screen.focus_previous()

    def do_help(self) -> None:
        """F1."""
        self._go(HelpScreen(self.ACTIONS, read_only=self.post is None))

    def do_alarms(self) -> None:
        """F9."""
        self._go(AlarmScreen())

    def do_link(self) -> None:
        """^T."""
        self._go(LinkScreen())

    def raise_alarm(self) -> None:
        """Show the alarms unasked: they must be read before any other screen comes up."""
        if not isinstance(self.frame, AlarmScreen):
            self._go(AlarmScreen(unasked=True))

    def do_leave(self) -> None:
        """^X."""
        self._go(LeaveScreen(self.closing if self.post is not None else None))

    def do_chord(self) -> None:
        """^O: the next letter does what an F-key does."""
        letters = [one for one in self.ACTIONS if one.letter and self.offers(one)]
        self.push_screen(ChordScreen(letters), self._chord_done)

    def _chord_done(self, action_id: str | None) -> None:
        if action_id:
            self.call_next(self.action_do, action_id)

    def do_incident(self) -> None:
        """F4: the marked incident, or the most urgent; again: the next one."""
        names = [row.name for row in self.view.incidents]
        screen = self.frame
        if not names:
            write = " F3 writes a statement." if self.post is not None else ""
            self.say(f"No incident is open.{write}")
        elif isinstance(screen, IncidentScreen):
            place = names.index(screen.incident) + 1 if screen.incident in names else 0
            screen.show_incident(names[place % len(names)])
        elif not self._back_to(IncidentScreen):
            marked = screen.marked_incident() if isinstance(screen, WatchScreen) else None
            self.open_incident(marked or self.view.ladder_incident or names[0])
