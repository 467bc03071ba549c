"""Row 0: realm, screen, stations, time, officer, link."""

from __future__ import annotations

from rich.cells import cell_len
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from hotline.core.times import format_clock
from hotline.desk.views import StatusView
from hotline.tui.drawing import line_of, strip_of
from hotline.tui.literal import clean, fit
from hotline.tui.look import BRIGHT, PLAIN, QUIET, mark_style, mode_style

_NAME = " HOTLINE "
_PLACE_CELLS = 8
_OFFICER_CELLS = 8
"""What the screen's words and the officer's name keep; the product's name goes first."""


class TitleRow(Widget):
    """Draws row 0; a second that passes redraws the clock's cells alone."""

    def __init__(self) -> None:
        super().__init__(id="title")
        self._status: StatusView | None = None
        self._place = ""
        self._clock_at = 0

    def show(self, status: StatusView, place: str) -> None:
        """Take a new status and the words for the screen, as in "INCIDENT INC-04"."""
        before, self._status = self._status, status
        only_clock = before is not None and place == self._place and _same_words(before, status)
        self._place = place
        if only_clock:
            self.refresh(Region(self._clock_at, 0, 9, 1))
        else:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the row: the realm first, the officer gives way when it is narrow."""
        width, status = self.size.width, self._status
        if status is None:
            return Strip.blank(width, self.visual_style.rich_style)
        realm = f" {clean(status.mode)} "
        line_pair = f"{clean(status.station)}-{clean(status.peer)}"
        link = f"LINK {clean(status.link_word)}"
        room = width - cell_len(f"{realm}    {line_pair}  00:00:00Z  OOW   {link} ")
        officer_cells = min(cell_len(status.officer), _OFFICER_CELLS)
        wanted = cell_len(self._place) + officer_cells
        name = _NAME if room - len(_NAME) >= wanted else ""
        room -= len(name)
        place = fit(self._place, max(_PLACE_CELLS, room - officer_cells))
        officer = fit(status.officer, max(0, room - cell_len(place)))
        self._clock_at = cell_len(f"{name}{realm}  {place}  {line_pair}  ")
        line = line_of(
            (name, QUIET),
            (realm, mode_style(status.mode)),
            (f"  {place}", BRIGHT),
            (f"  {line_pair}", PLAIN),
            (f"  {format_clock(status.clock_ms)}", BRIGHT),
            ("  OOW ", QUIET),
            (officer, PLAIN),
            ("  ", PLAIN),
            (link, mark_style(status.link_mark)),
        )
        return strip_of(line, width, self.visual_style)


def _same_words(one: StatusView, other: StatusView) -> bool:
    return (one.mode, one.station, one.peer, one.officer, one.link_word, one.link_mark) == (
        other.mode,
        other.station,
        other.peer,
        other.officer,
        other.link_word,
        other.link_mark,
    )
