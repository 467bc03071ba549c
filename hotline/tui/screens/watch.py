"""The watch screen: incidents, clocks and a ladder at the left, the timeline beside them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical

from hotline.desk.views import Direction, IncidentView, WatchView
from hotline.tui.actions import WATCH
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.deadline_list import DeadlineList
from hotline.tui.widgets.incident_list import IncidentList
from hotline.tui.widgets.ladder import Ladder
from hotline.tui.widgets.message_card import MessageCard
from hotline.tui.widgets.rows import Rows
from hotline.tui.widgets.timeline import Timeline

_NOTHING_TO_DO = "Nothing waits for you. Enter opens the marked line; F3 writes a statement."
_READ_ONLY = "Enter opens the marked line. Left and Right step through the record."


class WatchScreen(FrameScreen):
    """Where an officer sits. Enter opens what is marked; nothing here commits anything."""

    PLACE = WATCH
    FOOTER = (
        "help",
        "step_back",
        "step_on",
        "play",
        "compose",
        "incident",
        "acknowledge",
        "release",
        "alarms",
        "open",
        "leave",
        "pane",
        "chord",
        "leap_on",
    )

    def compose_body(self) -> ComposeResult:
        """Yield the panes."""
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield IncidentList(can_write=self.shell.post is not None, id="incidents")
                yield DeadlineList(id="deadlines")
                yield Ladder(id="ladder")
            with Container(id="right"):
                can_write = self.shell.post is not None
                yield Timeline(self.shell.feed.timeline, can_write=can_write, id="timeline")
                yield MessageCard(id="card")

    def begin(self) -> None:
        """Show everything; keys go to the timeline first."""
        self.query_one("#timeline").focus()

    def guide_words(self) -> str:
        """Say whose turn it is and which key, as the desk puts it."""
        if self.shell.post is None:
            return _READ_ONLY
        named = self.shell.view.next_read
        beside = self.shell.feed.message(named) if named and named == self.shown_digest else None
        if beside is not None:
            return f"NEXT: read {beside.token} in MESSAGE beside; F8 then says READ BY OFFICER."
        return self.shell.view.notice or _NOTHING_TO_DO

    @property
    def shown_digest(self) -> str | None:
        """The card's statement, when its whole text has been in sight."""
        # A refresh that was asked for earlier finds no card while the screen comes or goes.
        return next((card.shown_digest for card in self.query(MessageCard)), None)

    @property
    def marked_digest(self) -> str | None:
        """The statement that the timeline's mark is on."""
        row = self.query_one(Timeline).marked_row()
        return row.digest if row else None

    def marked_incident(self) -> str | None:
        """Return the incident that the list's mark is on."""
        return self.query_one(IncidentList).marked_name()

    @property
    def incident(self) -> str | None:
        """The incident that a new statement would belong to."""
        focused = self.focused
        return self.marked_incident() if isinstance(focused, IncidentList) else None

    def show(self, view: WatchView) -> None:
        """Bring every pane up to date."""
        now_ms = view.status.clock_ms
        self.query_one(IncidentList).show(view.incidents, view.need_you, now_ms)
        self.query_one(DeadlineList).show(view.deadlines, now_ms)
        self.query_one(Timeline).show(view.timeline_length, view.line)
        self._show_ladder()
        self._show_card()

    def _show_ladder(self) -> None:
        view, marked = self.shell.view, self.marked_incident()
        chosen: IncidentView | None = None
        if marked and marked != view.ladder_incident:
            chosen = self.shell.feed.incident(marked)
        ladder = self.query_one(Ladder)
        if chosen is not None:
            ladder.show(chosen.ladder, chosen.name)
        else:
            ladder.show(view.ladder, view.ladder_incident)

    def _show_card(self) -> None:
        card = self.query_one(MessageCard)
        if not card.display:
            return
        row = self.query_one(Timeline).marked_row()
        if row is not None and row.digest is None:
            card.show_log(row)
        else:
            card.show(self.shell.feed.message(row.digest) if row and row.digest else None)

    def on_rows_marked(self, message: Rows.Marked) -> None:
        """Show what the mark is on."""
        if isinstance(message.rows, IncidentList):
            self._show_ladder()
        elif isinstance(message.rows, Timeline):
            self._show_card()
        self.refresh_words()

    def on_lines_seen_to_end(self, message: MessageCard.SeenToEnd) -> None:
        """Let the desk know that the card has shown the statement in full."""
        digest = self.shown_digest
        shown = self.shell.feed.message(digest) if digest else None
        if shown is not None and shown.direction is Direction.IN:
            self.shell.note_displayed(shown)
        self.refresh_words()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Open the incident, or the statement."""
        rows = message.rows
        if isinstance(rows, IncidentList):
            name = rows.marked_name()
            if name:
                self.shell.open_incident(name)
        elif isinstance(rows, DeadlineList):
            self.shell.open_message(rows.digest_at(message.index))
        elif isinstance(rows, Timeline):
            row = rows.row(message.index)
            if row and row.digest:
                self.shell.open_message(row.digest)
            elif row:
                self.shell.open_log(row)
