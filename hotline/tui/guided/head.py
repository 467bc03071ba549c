"""The two rows above every page: whose setup it is, and how far it has come."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from hotline.tui.drawing import line_of
from hotline.tui.literal import clean
from hotline.tui.look import BRIGHT, GOOD, KEY, PLAIN, QUIET, mode_style
from hotline.tui.widgets.title_row import TitlePart

STEPS = (
    "Station",
    "Route",
    "Keys",
    "Officer",
    "Card",
    "Theirs",
    "Words",
    "Line",
    "Files",
)
"""The steps of a setup, one word each."""


class HeadRows(Vertical):
    """Row 0: realm, station, step and its title. Row 1: all steps, done, now and to come."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="head")

    def compose(self) -> ComposeResult:
        """Yield the rows."""
        yield TitlePart(id="head-title")
        yield TitlePart(id="head-steps")

    def show(self, realm: str, station: str, step: int, title: str) -> None:
        """Take what stands there now; `step` from 1, one more than there are: all are done."""
        self.query_one("#head-title", TitlePart).show(title_line(realm, station, step, title))
        self.query_one("#head-steps", TitlePart).show(steps_line(step))


def title_line(realm: str, station: str, step: int, title: str) -> Content:
    """Return row 0."""
    head = line_of((" HOTLINE ", QUIET))
    if realm:
        head += line_of((f" {clean(realm)} ", mode_style(realm)))
    how_far = f"step {step} of {len(STEPS)}" if 1 <= step <= len(STEPS) else ""
    if step > len(STEPS):
        how_far = f"all {len(STEPS)} steps are done"
    parts = [part for part in ("SET UP", clean(station), how_far) if part]
    return head + line_of((f"  {'  '.join(parts)}  ", PLAIN), (title, BRIGHT))


def steps_line(step: int) -> Content:
    """Return row 1: "v" before what is done, ">" before the step that is up."""
    line = line_of(" ")
    for number, word in enumerate(STEPS, start=1):
        if not step:
            line += line_of((f"{number} {word} ", QUIET))
        elif number < step:
            line += line_of(("v ", GOOD), (f"{word} ", QUIET))
        elif number == step:
            line += line_of((">", KEY), (f" {word} ", BRIGHT))
        else:
            line += line_of((f". {word} ", QUIET))
    return line
