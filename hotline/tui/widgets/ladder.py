"""The de-escalation ladder, the highest rung on top."""

from __future__ import annotations

from textual import events
from textual.content import Content

from hotline.desk.views import LadderView, RungView
from hotline.tui.drawing import line_of, wrap_lines
from hotline.tui.literal import clean, fit, literal
from hotline.tui.look import BRIGHT, FAULT, GOOD, KEY, PLAIN, QUIET
from hotline.tui.widgets.lines import Lines

LEGEND = "v own p peer * both"
_SYMBOL_STYLES = {"*": GOOD, "v": PLAIN, "p": KEY, "!": FAULT}


def _rung_lines(rung: RungView, width: int) -> list[Content]:
    """Return the rung on one line; the current one in full, however many lines that takes."""
    style = BRIGHT if rung.current else QUIET
    symbol = clean(rung.symbol).strip()[:1] or " "
    head = f"{'>' if rung.current else ' '}{rung.number} "
    words = f"{rung.title}: {rung.state_word}" if rung.state_word else rung.title
    room = max(width - len(head) - 2, 8)
    first, *more = literal(words if rung.current else fit(words, room), style).wrap(room)
    lines = [line_of((head, style), (f"{symbol} ", _SYMBOL_STYLES.get(symbol, style)), first)]
    return lines + [line_of(" " * (len(head) + 2), line) for line in more]


class Ladder(Lines):
    """Shows one incident's ladder, or says that there is none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ladder: LadderView | None = None
        self.entitle("LADDER")

    def show(self, ladder: LadderView | None, incident: str) -> None:
        """Take the ladder of `incident`; what is current stays in sight."""
        self._ladder = ladder if ladder and (ladder.rungs or ladder.state_word) else None
        state = f"{ladder.state_word} {incident}" if self._ladder and ladder else ""
        self.entitle(f"LADDER {state}".strip(), LEGEND if self._ladder else "")
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Cut the rungs for the new width."""
        self._draw()

    def _draw(self) -> None:
        ladder, width = self._ladder, self.size.width
        if ladder is None:
            words = "No ladder runs. The first proposal to step back starts one."
            self.set_lines([literal(words, QUIET)])
            return
        lines = wrap_lines([literal(ladder.whose_turn, BRIGHT)], width) if ladder.whose_turn else []
        current = 0
        for rung in reversed(ladder.rungs):
            current = len(lines) if rung.current else current
            lines.extend(_rung_lines(rung, width))
        self.set_lines(lines)
        if not self.has_focus:
            self.scroll_to(y=current - 2, animate=False, force=True, immediate=True)
