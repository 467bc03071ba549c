"""A read-back's outcome in words."""

from __future__ import annotations

from textual.content import Content

from hotline.desk.views import ReadBackView
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, FAULT, QUIET


def outcome_lines(outcome: ReadBackView) -> list[Content]:
    """Return three lines for each field that differs: its name, what was sent, what was typed."""
    lines: list[Content] = []
    for difference in outcome.differences:
        lines.append(line_of(("! ", FAULT), literal(difference.label, BRIGHT)))
        lines.append(line_of(("   sent   ", QUIET), literal(clean(difference.sent), BRIGHT)))
        lines.append(line_of(("   typed  ", QUIET), literal(clean(difference.typed), FAULT)))
    return lines
