"""Colours, theme and the symbols beside words: colour never stands alone."""

from __future__ import annotations

from textual.color import Color
from textual.style import Style
from textual.theme import Theme

from hotline.desk.views import Direction, Mark

PAPER = "#0d1117"
PANEL = "#161b22"
INK = "#c9d1d9"
FAINT = "#8b949e"
LINE = "#484f58"
VERMILION = "#D55E00"
AMBER = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"

DARK = Theme(
    name="hotline-dark",
    primary=SKY,
    secondary=GREEN,
    warning=AMBER,
    error=VERMILION,
    success=GREEN,
    accent=SKY,
    foreground=INK,
    background=PAPER,
    surface=PAPER,
    panel=PANEL,
    dark=True,
    variables={
        "line": LINE,
        "faint": FAINT,
        "input-cursor-background": INK,
        "input-cursor-foreground": PAPER,
        "input-selection-background": "#264f78",
        "block-cursor-background": "#264f78",
        "block-cursor-foreground": "#ffffff",
        "border": SKY,
        "border-blurred": LINE,
    },
)


def _style(front: str, back: str | None = None, *, bold: bool = False) -> Style:
    return Style(
        foreground=Color.parse(front),
        background=Color.parse(back) if back else None,
        bold=bold or None,
    )


PLAIN = _style(INK)
BRIGHT = _style("#ffffff", bold=True)
QUIET = _style(FAINT)
KEY = _style(SKY, bold=True)
SELECTED = Style(background=Color.parse("#264f78"), foreground=Color.parse("#ffffff"))
SELECTED_ASIDE = Style(background=Color.parse("#21262d"))
FAULT = _style(VERMILION, bold=True)
WARNING = _style(AMBER, bold=True)
GOOD = _style(GREEN, bold=True)
FLASH_STRIP = _style("#000000", VERMILION, bold=True)
ALARM_STRIP = _style("#000000", AMBER, bold=True)
LOCK_STRIP = _style("#000000", "#ffffff", bold=True)
EXERCISE = _style("#000000", AMBER, bold=True)
LIVE = _style("#000000", "#ffffff", bold=True)
REPLAY = _style("#000000", SKY, bold=True)

_MARKS = {
    Mark.CALM: PLAIN,
    Mark.NOTICE: _style(SKY),
    Mark.WARNING: WARNING,
    Mark.ALARM: FAULT,
}
_MARK_SYMBOLS = {Mark.CALM: " ", Mark.NOTICE: "+", Mark.WARNING: "!", Mark.ALARM: "!!"}
_PRECEDENCE_SYMBOLS = {"FLASH": "!!", "IMMEDIATE": "!", "PRIORITY": "+", "ROUTINE": "."}
_MODES = {"LIVE": LIVE, "EXERCISE": EXERCISE, "REPLAY": REPLAY}
_DIRECTIONS = {Direction.IN: "IN ", Direction.OUT: "OUT", Direction.SYSTEM: "LOG"}


def mark_style(mark: Mark) -> Style:
    """Return the colour that goes with a mark's word."""
    return _MARKS[mark]


def mark_symbol(mark: Mark) -> str:
    """Return the symbol that goes with a mark's word, at most two characters."""
    return _MARK_SYMBOLS[mark]


def precedence_symbol(precedence: str) -> str:
    """Return "!!", "!", "+" or "." for FLASH to ROUTINE, "" for anything else."""
    return _PRECEDENCE_SYMBOLS.get(precedence, "")


def mode_style(mode: str) -> Style:
    """Return the style of the realm word on row 0."""
    return _MODES.get(mode, LIVE)


def direction_word(direction: Direction) -> str:
    """Return three characters: "IN ", "OUT" or "LOG"."""
    return _DIRECTIONS[direction]
