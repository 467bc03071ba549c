"""Which page comes where: the first one of a home, and the one before each.

Spec: docs/enrolment.md §12.2
"""

from __future__ import annotations

from collections.abc import Mapping

from hotline.desk.guided.views import SetupView
from hotline.tui.guided.answers import Answers
from hotline.tui.guided.cards import OwnCardPage, TheirCardPage
from hotline.tui.guided.charter import CharterPage, SignPage
from hotline.tui.guided.done import DonePage
from hotline.tui.guided.files import AnswerPage, CarryPage, GiveUpPage
from hotline.tui.guided.line import ChoicePage, OpeningPage, PolicyPage
from hotline.tui.guided.officer import OfficerKeyPage, OfficersPage, WhoPage
from hotline.tui.guided.page import GuidePage
from hotline.tui.guided.phrases import ConsolePhrasePage, RootPhrasePage, SuccessorPhrasePage
from hotline.tui.guided.place import PlacePage, RoutePage
from hotline.tui.guided.words import ComparePage, HearPage, OwnWordsPage

PAGES: Mapping[str, type[GuidePage]] = {
    "place": PlacePage,
    "route": RoutePage,
    "console": ConsolePhrasePage,
    "root": RootPhrasePage,
    "successor": SuccessorPhrasePage,
    "who": WhoPage,
    "officer-key": OfficerKeyPage,
    "officers": OfficersPage,
    "card": OwnCardPage,
    "theirs": TheirCardPage,
    "own-words": OwnWordsPage,
    "hear": HearPage,
    "compare": ComparePage,
    "choice": ChoicePage,
    "policy": PolicyPage,
    "opening": OpeningPage,
    "charter": CharterPage,
    "sign": SignPage,
    "carry": CarryPage,
    "answer": AnswerPage,
    "give-up": GiveUpPage,
    "done": DonePage,
}
"""In the order in which they are gone through."""


def page_to_begin(view: SetupView) -> str:
    """Return the first page of what is not done yet in a home."""
    if not view.made:
        return "place"
    if view.line is not None:
        # Whether an answer was carried over stands in no home: the page that writes it says so.
        return "carry" if view.line.joined or not view.line.whole else "done"
    if not view.officers:
        return "who"
    return "choice" if view.peers else "card"


def page_before(page: str, view: SetupView, answers: Answers) -> str:
    """Return the page before `page` that has something to show now; "" when there is none."""
    names = list(PAGES)
    shown = _showing(view, answers)
    return next((one for one in reversed(names[: names.index(page)]) if one in shown), "")


def _showing(view: SetupView, answers: Answers) -> set[str]:
    """Return the pages that have something to show now, and that change nothing by it."""
    line, unsigned = view.line, bool(view.peers) and view.line is None
    shown = {"place", "route"}
    if not view.made:
        shown |= {"console"} | ({"root", "successor"} if answers.protect else set())
    elif answers.more or not view.officers:
        shown.add("who")
    if view.officers:
        shown |= {"officers", "card", "theirs", "own-words"}
    if answers.looked_at is not None:
        shown.add("hear")
    if unsigned:
        shown.add("choice")
        ways = {True: "policy", False: "opening"}
        shown |= {ways[answers.opens]} if answers.opens is not None else set()
        shown |= {"charter"} if answers.charter else set()
    if line is not None and (line.joined or not line.whole):
        shown |= {"carry"} if line.whole else {"carry", "answer"}
    return shown
