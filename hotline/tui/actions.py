"""The one table of what keys do: bindings, footer and help screen are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from textual.binding import Binding

WATCH, MESSAGE, CHOOSE, COMPOSE = "watch", "message", "choose", "compose"
SEND, READBACK, INCIDENT, HELP, LEAVE, PICK = (
    "send",
    "readback",
    "incident",
    "help",
    "leave",
    "pick",
)
RELEASE, ALARM, LOCKED = "release", "alarm", "locked"
LINK, FILES = "link", "files"
ALL = frozenset(
    (
        *(WATCH, MESSAGE, CHOOSE, COMPOSE, SEND, READBACK, INCIDENT, HELP, LEAVE, PICK),
        *(RELEASE, ALARM, LOCKED, LINK, FILES),
    )
)
NEW_ROOT = "new root"
_ROAM = frozenset((WATCH, MESSAGE, CHOOSE, INCIDENT, HELP, COMPOSE, READBACK, LOCKED, LINK))
_LISTS = frozenset((WATCH, MESSAGE, CHOOSE, INCIDENT, PICK, LOCKED))
_TEXTS = frozenset((HELP, SEND, COMPOSE, RELEASE, ALARM, LINK))
_PLAYED = frozenset((WATCH, INCIDENT))


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does.

    Attributes:
        key: As textual names it; `shown` is what the officer reads on the key.
        letter: After ^O this letter does the same, or "" for none.
        word: In the footer; `help` is a sentence for the help screen.
        where: Screens on which the key works.
        acts: It changes something, so a replay does not offer it.
        by_widget: A widget or textual itself binds the key; the app does not.
    """

    id: str
    key: str
    shown: str
    letter: str
    word: str
    help: str
    where: frozenset[str]
    acts: bool = False
    by_widget: bool = False


_SHARED = (
    Action(
        "help",
        "f1",
        "F1",
        "h",
        "Help",
        "All keys, and how an exchange goes.",
        (ALL - {HELP}) | {NEW_ROOT},
    ),
    Action("watch", "f2", "F2", "w", "Watch", "Back to the watch screen.", ALL - {WATCH, LOCKED}),
    Action(
        "incident",
        "f4",
        "F4",
        "i",
        "Incident",
        "The incident and its ladder; press again for the next incident.",
        _ROAM,
    ),
    Action("open", "enter", "Enter", "", "Open", "Open the marked line.", _LISTS, by_widget=True),
    Action("pane", "tab", "Tab", "", "Pane", "Go to the next pane or field.", ALL | {NEW_ROOT}),
    Action(
        "pane_back",
        "shift+tab",
        "Shift+Tab",
        "",
        "Pane",
        "Go to the pane or field before.",
        ALL | {NEW_ROOT},
    ),
    Action(
        "back",
        "escape",
        "Esc",
        "",
        "Back",
        "Go back; nothing is sent and a draft is kept.",
        ALL - {WATCH, LOCKED},
    ),
    Action(
        "chord",
        "ctrl+o",
        "^O",
        "",
        "Keys",
        "Then a letter does what an F-key does, for terminals that take the F-keys.",
        ALL | {NEW_ROOT},
    ),
    Action(
        "alarms",
        "f9",
        "F9",
        "l",
        "Alarms",
        "What stands until it is over: who has not read, what is missing; and what to do.",
        ALL - {ALARM, LEAVE, PICK},
    ),
    Action(
        "link",
        "ctrl+t",
        "^T",
        "t",
        "Link",
        "The link: each route, its tests, what is owed on it.",
        ALL - {LINK, ALARM, LEAVE, PICK},
    ),
    Action(
        "leave",
        "ctrl+x",
        "^X",
        "x",
        "Leave",
        "Leave the console; it asks first.",
        (ALL - {LEAVE}) | {NEW_ROOT},
    ),
    Action("up", "up", "Up", "", "Up", "One line up.", _LISTS | _TEXTS, by_widget=True),
    Action(
        "down",
        "down",
        "Down",
        "",
        "Down",
        "One line down.",
        _LISTS | _TEXTS,
        by_widget=True,
    ),
)
_PAGING_HELP = (
    ("page_up", "pageup", "PgUp", "One page up."),
    ("page_down", "pagedown", "PgDn", "One page down."),
    ("first", "home", "Home", "To the first line."),
    ("last", "end", "End", "To the last line; new ones are then followed."),
)


def _paging(where: frozenset[str]) -> tuple[Action, ...]:
    return tuple(
        Action(name, key, shown, "", shown, words, where, by_widget=True)
        for name, key, shown, words in _PAGING_HELP
    )


_ACTING = (
    Action(
        "compose",
        "f3",
        "F3",
        "c",
        "Compose",
        "Write a statement: choose a form, fill it, check it, send it.",
        _ROAM,
        acts=True,
    ),
    Action(
        "acknowledge",
        "f8",
        "F8",
        "a",
        "Read",
        "Tell the sender READ BY OFFICER, once the whole text is on the screen. "
        "It does not say that you agree.",
        (ALL - {LEAVE, PICK}) | {NEW_ROOT},
        acts=True,
    ),
    Action(
        "release",
        "ctrl+r",
        "^R",
        "r",
        "Release",
        "Open what awaits a second officer: read it, then sign it, refuse it or withdraw it.",
        frozenset((WATCH, MESSAGE, INCIDENT, HELP)),
        acts=True,
    ),
    Action(
        "preview",
        "ctrl+p",
        "^P",
        "p",
        "Check+preview",
        "Check every field and show what both stations will read.",
        frozenset((COMPOSE,)),
        acts=True,
    ),
    Action(
        "send",
        "ctrl+g",
        "^G",
        "g",
        "Send...",
        "Open the sending screen: read to the end, then SEND. Cancel is marked first.",
        frozenset((COMPOSE,)),
        acts=True,
    ),
    Action(
        "files",
        "ctrl+f",
        "^F",
        "f",
        "Files",
        "In the composer: attach files. In a message: save the files that came with it.",
        frozenset((COMPOSE, MESSAGE)),
        acts=True,
    ),
)

_LOCK = Action(
    "lock",
    "ctrl+l",
    "^L",
    "k",
    "Lock",
    "Lock the desk: your key leaves the memory. All can be read; nothing can be signed "
    "before you unlock it.",
    (ALL - {LOCKED}) | {NEW_ROOT},
    acts=True,
)

CONSOLE_ACTIONS: tuple[Action, ...] = (
    *_SHARED,
    *_ACTING,
    _LOCK,
    *_paging(_LISTS | _TEXTS),
)

REPLAY_ACTIONS: tuple[Action, ...] = (
    *_SHARED,
    Action("step_on", "right", "Right", "", "1 on", "One event on.", _PLAYED),
    Action("step_back", "left", "Left", "", "1 back", "One event back.", _PLAYED),
    Action("leap_on", "pagedown", "PgDn", "", "10 on", "Ten events on.", _PLAYED),
    Action("leap_back", "pageup", "PgUp", "", "10 back", "Ten events back.", _PLAYED),
    Action("to_start", "home", "Home", "", "Start", "To before the first event.", _PLAYED),
    Action("to_end", "end", "End", "", "End", "To the last event.", _PLAYED),
    Action("play", "space", "Space", "", "Play", "Play, or pause.", _PLAYED),
    *_paging((_LISTS | {HELP, ALARM, LINK}) - _PLAYED),
)


def find_action(actions: Sequence[Action], action_id: str) -> Action:
    """Return the action called `action_id`; KeyError when the table has none."""
    found = {action.id: action for action in actions}
    return found[action_id]


def find_clashes(actions: Sequence[Action]) -> list[str]:
    """Say each pair of actions that share a key or a letter on some screen, or an id."""
    clashes: list[str] = []
    for one, other in combinations(actions, 2):
        if one.id == other.id:
            clashes.append(f"{one.id} stands twice in the table")
        if not one.where & other.where:
            continue
        if one.key == other.key:
            clashes.append(f"{one.id} and {other.id} share the key {one.shown}")
        if one.letter and one.letter == other.letter:
            clashes.append(f"{one.id} and {other.id} share the letter {one.letter}")
    return clashes


def app_bindings(actions: Iterable[Action]) -> list[Binding]:
    """Return the app's bindings: priority, so that no field swallows the key."""
    bindings = [
        Binding(action.key, f"do('{action.id}')", action.word, show=False, priority=True)
        for action in actions
        if not action.by_widget
    ]
    # Reflexes, not commands: ^C asks the same question as leaving does, Enter in a field
    # goes on to the next one.
    return [
        *bindings,
        Binding("ctrl+c", "do('leave')", show=False, priority=True),
        Binding("enter", "next_field", show=False, priority=True),
    ]


def move_bindings() -> list[Binding]:
    """Return the bindings of a list or a text that scrolls: `move('up')` and the like."""
    keys = [("up", "up"), ("down", "down")] + [(name, key) for name, key, _, _ in _PAGING_HELP]
    return [Binding(key, f"move('{name}')", show=False) for name, key in keys]
