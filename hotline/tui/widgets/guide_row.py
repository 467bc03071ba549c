"""The line that says what just happened, or what to do next."""

from __future__ import annotations

from textual.widgets import Static

from hotline.tui.drawing import line_of
from hotline.tui.literal import literal
from hotline.tui.look import FAULT, GOOD, KEY, PLAIN


class GuideRow(Static):
    """Words of an outcome stand until the officer acts again; otherwise guidance."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="guide", markup=False)
        self._shown: tuple[str, str, bool] | None = None

    def show(self, guidance: str, outcome: str, *, fault: bool) -> None:
        """Show `outcome` when there is one ("!" in front of a fault), else `guidance`."""
        if self._shown == (guidance, outcome, fault):
            return
        self._shown = (guidance, outcome, fault)
        if not outcome:
            self.update(line_of((" > ", KEY), literal(guidance, PLAIN)))
        elif fault:
            self.update(line_of((" ! ", FAULT), literal(outcome, FAULT)))
        else:
            self.update(line_of((" * ", GOOD), literal(outcome, GOOD)))
