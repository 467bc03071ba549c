"""The card that shows the marked statement in full."""

from __future__ import annotations

from textual.content import Content

from hotline.desk.views import MessageView, TimelineRow
from hotline.tui.literal import literal
from hotline.tui.look import QUIET
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.message_text import log_lines, message_lines


class MessageCard(Lines):
    """Shows a statement; `shown_digest` is set once its whole text has been in sight."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._digest: str | None = None
        self._said: tuple[tuple[str, ...], ...] = ()
        self.entitle("MESSAGE")

    @property
    def shown_digest(self) -> str | None:
        """Digest of the statement whose whole text has been on the screen, or None."""
        return self._digest if self.seen and self.display and self.size.width else None

    def show_log(self, row: TimelineRow) -> None:
        """Take a line of the station's own log."""
        self._show_else("LOG", log_lines(row))

    def _show_else(self, title: str, lines: list[Content]) -> None:
        """Show what is no statement: it can never count as a statement that was read."""
        self._digest, self.seen = None, False
        self.entitle(title)
        self.set_lines(lines)
        self.seen = False

    def show(self, message: MessageView | None) -> None:
        """Take the statement, or None."""
        if message is None:
            words = "Mark a statement with Up and Down; its text stands here."
            self._show_else("MESSAGE", [literal(words, QUIET)])
            return
        if message.digest != self._digest:
            self._digest, self.seen = message.digest, False
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.entitle(f"MESSAGE {message.token}")
        # Its state may change after it was read; its words and warnings must not, unread.
        said = (message.lines, message.flags)
        read, self._said = self.seen and said == self._said, said
        lines, whole = message_lines(message)
        self.set_lines(lines, needed=whole)
        self.seen = self.seen or read
