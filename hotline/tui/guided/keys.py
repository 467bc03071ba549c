"""What keys do in the guided setup: bindings, footer and help are made from this table."""

from __future__ import annotations

from hotline.tui.actions import Action

PAGE, ASIDE = "page", "aside"
_BOTH = frozenset((PAGE, ASIDE))
_PAGE = frozenset((PAGE,))
_ASIDE = frozenset((ASIDE,))

GUIDE_ACTIONS = (
    Action("help", "f1", "F1", "h", "Help", "All keys, and what the words here mean.", _PAGE),
    Action(
        "words",
        "f2",
        "F2",
        "w",
        "My words",
        "This station's 24 words, whenever the other officer asks for them.",
        _PAGE,
    ),
    Action("pane", "tab", "Tab", "", "Next field", "Go to the next field or button.", _BOTH),
    Action(
        "pane_back",
        "shift+tab",
        "Shift+Tab",
        "",
        "Field before",
        "Go to the field or button before.",
        _BOTH,
    ),
    Action(
        "press",
        "enter",
        "Enter",
        "",
        "Go on",
        "In a field: go to the next one. On a button: press it.",
        _BOTH,
        by_widget=True,
    ),
    Action(
        "choose",
        "right",
        "Right",
        "",
        "Choose",
        "Right and Left go through the answers of a question.",
        _PAGE,
        by_widget=True,
    ),
    Action(
        "back",
        "escape",
        "Esc",
        "",
        "Back",
        "Go back one page. What was made or signed stays as it is.",
        _BOTH,
    ),
    Action(
        "chord",
        "ctrl+o",
        "^O",
        "",
        "Keys",
        "Then a letter does what an F-key does, for terminals that take the F-keys.",
        _PAGE,
    ),
    Action(
        "leave",
        "ctrl+x",
        "^X",
        "x",
        "Leave",
        "Leave, and go on later where you stopped; it asks first.",
        _PAGE,
    ),
    Action("page_up", "pageup", "PgUp", "", "Read back", "One page up.", _BOTH, by_widget=True),
    Action("page_down", "pagedown", "PgDn", "", "Read on", "One page down.", _BOTH, by_widget=True),
)
