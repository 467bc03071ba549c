"""Row 0: realm, screen, stations, time, officer, link."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
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

_LONGEST_NAME, _SHORT_NAME = 16, 4
_REST_CELLS = 38
"""What the row holds besides realm, station and links: screen, clock, officer, spaces."""


class TitlePart(Widget):
    """A stretch of row 0; the terminal is sent only the stretches that changed."""

    can_focus = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._line = Content()

    def show(self, line: Content) -> None:
        """Take the stretch; the same one again draws nothing."""
        if not line.is_same(self._line):
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the stretch."""
        return strip_of(self._line, self.size.width, self.visual_style)


class TitleRow(Horizontal):
    """Row 0 in three stretches: what stands before the clock, the clock, what stands after."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="title")

    def compose(self) -> ComposeResult:
        """Yield the stretches."""
        yield TitlePart(id="title-before")
        yield TitlePart(id="title-clock")
        yield TitlePart(id="title-after")

    def show(self, status: StatusView, place: str) -> None:
        """Take the status and the words for the screen, as in "INCIDENT INC-04"."""
        before, after = title_ends(status, place, self.app.size.width)
        first = self.query_one("#title-before", TitlePart)
        first.styles.width = before.cell_length
        first.show(before)
        clock = line_of((format_clock(status.clock_ms), BRIGHT))
        self.query_one("#title-clock", TitlePart).show(clock)
        self.query_one("#title-after", TitlePart).show(after)


def title_ends(status: StatusView, place: str, width: int) -> tuple[Content, Content]:
    """Return what stands before and after the clock on a row of `width` cells.

    Realm, stations and link always stand; the officer's name, the screen's words and
    the product's name give way, in this order the last one first.
    """
    realm = f" {clean(_realm_words(status))} "
    line_pair = clean(status.station if status.links else f"{status.station}-{status.peer}")
    link = f"LINK {_links_words(status, width - cell_len(f'{realm}    {line_pair}') - _REST_CELLS)}"
    room = width - cell_len(f"{realm}    {line_pair}  00:00:00Z  OOW   {link} ")
    officer_cells = min(cell_len(status.officer), _OFFICER_CELLS)
    name = _NAME if room - len(_NAME) >= cell_len(place) + officer_cells else ""
    room -= len(name)
    place = fit(place, max(_PLACE_CELLS, room - officer_cells))
    before = line_of(
        (name, QUIET),
        (realm, mode_style(status.mode)),
        (f"  {place}", BRIGHT),
        (f"  {line_pair}  ", PLAIN),
    )
    after = line_of(
        ("  OOW ", QUIET),
        (fit(status.officer, max(0, room - cell_len(place))), PLAIN),
        ("  ", PLAIN),
        (link, mark_style(status.link_mark)),
    )
    return before, after


def _links_words(status: StatusView, room: int) -> str:
    """Name each of several links, or routes of one; what does not fit gives way.

    First the ends of the names, then all but a count.
    Spec: docs/transport.md §11.7
    """
    for cells in (_LONGEST_NAME, _SHORT_NAME) if status.links else ():
        words = " ".join(
            f"{clean(link.peer)[:cells]}{link.symbol}{clean(link.word)}" for link in status.links
        )
        if cell_len(words) <= room:
            return words
    fuller = [clean(words) for words in status.link_fuller]
    return next((words for words in fuller if cell_len(words) <= room), clean(status.link_word))


def _realm_words(status: StatusView) -> str:
    """Say the mode, and in a replay the realm of what is replayed."""
    if status.realm in ("", status.mode):
        return status.mode
    return f"{status.mode} {status.realm}"
