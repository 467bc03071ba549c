"""The alarms that stand: what each is, the evidence, what can be done."""

from __future__ import annotations

from textual.content import Content

from hotline.desk.views import Mark
from hotline.tui.actions import ALARM
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, FAULT, QUIET, WARNING
from hotline.tui.screens.reading import ReadingScreen
from hotline.tui.widgets.lines import Lines

NOTHING = "No alarm stands."


class AlarmScreen(ReadingScreen):
    """Text to read. One that came up by itself must be read to its end before anything else."""

    PLACE = ALARM
    FOOTER = ("page_down", "watch", "acknowledge", "back", "chord", "leave")
    WORDS = {"page_down": "Read on"}
    TITLE_WORDS = "ALARMS"

    def __init__(self, *, unasked: bool = False) -> None:
        super().__init__()
        self._unasked = unasked

    @property
    def blocks(self) -> bool:
        """Whether it must be read before any other screen comes up."""
        return self._unasked and not self.query_one(Lines).seen

    def guide_words(self) -> str:
        """Say how to get on, and back."""
        if self.blocks:
            return "Read it to its end: PgDn reads on. Then Esc goes back."
        if not self.shell.feed.alarms():
            return "Nothing stands. Esc goes back to where you were."
        return "It stands until it is over. Esc goes back to where you were."

    def on_lines_seen_to_end(self, message: Lines.SeenToEnd) -> None:
        """Guidance depends on it."""
        self.refresh_words()

    def lines(self) -> list[Content]:
        """Return the text as it is now."""
        lines: list[Content] = []
        for alarm in self.shell.feed.alarms():
            look = FAULT if alarm.mark is Mark.ALARM else WARNING
            lines += [Content()] if lines else []
            lines.append(line_of(("!! ", look), (clean(alarm.title), look)))
            lines.extend(literal(line, BRIGHT) for line in alarm.lines)
        return lines or [literal(NOTHING, QUIET)]
