"""The link to each peer: what it is worth now, its routes, their tests, what is owed."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from hotline.desk.link_views import PeerLinkView, RouteView
from hotline.tui.actions import LINK
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, PLAIN, QUIET, mark_style
from hotline.tui.screens.reading import ReadingScreen

NO_PEER = "This line has no other station."
_HEAD, _INDENT = 14, "   "


class LinkScreen(ReadingScreen):
    """Text to read; it changes while it is read."""

    PLACE = LINK
    FOOTER = ("page_down", "watch", "compose", "acknowledge", "alarms", "back", "chord", "leave")
    WORDS = {"page_down": "Read on"}
    TITLE_WORDS = "LINK"

    def guide_words(self) -> str:
        """Say what this is for, and the way back."""
        if self.shell.view.alarm:
            return "An alarm stands: F9 says what to do. Esc goes back to where you were."
        return "Tests run by themselves. Esc goes back to where you were."

    def lines(self) -> list[Content]:
        """Return the text as it is now."""
        lines: list[Content] = []
        for link in self.shell.feed.links():
            lines += [Content()] if lines else []
            lines.extend(_peer_lines(link))
        return lines or [literal(NO_PEER, QUIET)]


def _peer_lines(link: PeerLinkView) -> Iterator[Content]:
    yield line_of(
        (f"LINK TO {clean(link.peer)}  ", BRIGHT),
        (f"{link.colour.value}  {clean(link.word)}", mark_style(link.mark)),
    )
    yield literal(link.means, BRIGHT)
    for route in link.routes:
        yield from _route_lines(route)
    for line in link.lines:
        yield literal(line, PLAIN)


def _route_lines(route: RouteView) -> Iterator[Content]:
    name = clean(route.name)
    yield line_of((f"{_INDENT}{name:{_HEAD}} ", PLAIN), (clean(route.word), mark_style(route.mark)))
    for line in route.lines:
        yield literal(f"{_INDENT}{_INDENT}{line}", QUIET)
