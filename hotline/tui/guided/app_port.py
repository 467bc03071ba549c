"""What the pages of the guided setup may ask of the app that holds them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

from textual.dom import DOMNode

from hotline.desk.guided.port import Guide
from hotline.desk.guided.views import SetupView
from hotline.tui.guided.answers import Answers

Outcome = TypeVar("Outcome")


class GuideShell(Protocol):
    """The app as a page sees it.

    Attributes:
        guide: What is asked and done.
        view: How far the home has come, as of the last act.
        answers: What was typed and is not on the disk yet.
    """

    guide: Guide
    view: SetupView
    answers: Answers

    @property
    def busy(self) -> str:
        """What is being done just now, "" for nothing."""

    def say(self, words: str, *, fault: bool = False) -> None:
        """Show what came of an act until the person acts again."""

    def outcome(self) -> tuple[str, bool]:
        """Return the words last said and whether they are a fault."""

    def footer_keys(self) -> list[tuple[str, str]]:
        """Return the keys that work on the page that is up, with their words."""

    def go(self, page: str, words: str = "", *, fault: bool = False) -> None:
        """Show another page; `words` say what came of the one before."""

    def go_back(self) -> None:
        """Show the page before; nothing is undone by it."""

    def go_on_with(self, home: str) -> None:
        """Take up a station that stands in `home` already, where it stopped."""

    def work(
        self, words: str, act: Coroutine[Any, Any, Outcome], then: Callable[[Outcome], None]
    ) -> None:
        """Do what takes a moment, saying so; say why when it cannot be done."""

    def attempt(self, act: Callable[[], Outcome]) -> Outcome | None:
        """Return what `act` returns, or None after saying why it cannot be done."""

    def leave(self) -> None:
        """End the app with exit code 0."""


def shell_of(node: DOMNode) -> GuideShell:
    """Return the app that holds `node`, as pages may use it."""
    return cast(GuideShell, node.app)
