"""What screens and widgets may ask of the app that holds them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

from textual.dom import DOMNode

from hotline.core.seams import Clock
from hotline.desk.port import Feed, Post
from hotline.desk.views import (
    DraftView,
    MessageView,
    RootView,
    TemplateChoice,
    TimelineRow,
    WatchView,
)

Outcome = TypeVar("Outcome")


class ShellPort(Protocol):
    """The app as a screen sees it.

    Attributes:
        feed: What is read.
        post: What is done; None in a replay.
        view: The watch view as of the last refresh.
        drafts: Drafts that were begun and not sent, by name.
    """

    feed: Feed
    post: Post | None
    view: WatchView
    drafts: dict[str, DraftView]
    clock: Clock

    def say(self, words: str, *, fault: bool = False) -> None:
        """Show the outcome of an act until the officer acts again."""

    def act(
        self,
        work: Coroutine[Any, Any, Outcome],
        then: Callable[[Outcome], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Run `work` to its end whatever screen is up; say why when it cannot be done."""

    def try_act(self, work: Callable[[], Outcome]) -> Outcome | None:
        """Return what `work` returns, or None after saying why it cannot be done."""

    def keys_guarded(self) -> bool:
        """Return whether a FLASH came up so lately that a committing key is ignored."""

    def note_displayed(self, message: MessageView) -> None:
        """Let the desk record that an inbound statement was shown, once for each."""

    def footer_keys(self) -> list[tuple[str, str]]:
        """Return the keys that work on the screen that is up, with their words."""

    def flash_key_words(self) -> str:
        """Say what F8 does with the FLASH on this screen."""

    def band_words(self) -> str:
        """Return the words of the band above the footer in a replay, else ""."""

    def guidance(self) -> str:
        """Return guidance that goes before the screen's own (a replay's event), or ""."""

    def outcome(self) -> tuple[str, bool]:
        """Return the words last said and whether they are a fault; "" when none stand."""

    def refresh_view(self) -> None:
        """Read the watch view again and show it."""

    def open_message(self, digest: str) -> None:
        """Show one statement in full."""

    def open_log(self, row: TimelineRow) -> None:
        """Show one line of the station's own log in full."""

    def open_incident(self, name: str) -> None:
        """Show one incident with its ladder."""

    def open_choice(self, choice: TemplateChoice) -> None:
        """Begin a draft from a form and show the composer."""

    def open_draft(self, draft: DraftView) -> None:
        """Show the composer with a draft that was begun."""

    def open_sending(self, draft: DraftView) -> None:
        """Show the sending screen of a draft that is ready."""

    def open_readback(self, message: MessageView) -> None:
        """Show the read-back form of a statement."""

    def open_pick(
        self, title: str, choices: tuple[tuple[str, str], ...], chosen: Callable[[str], None]
    ) -> None:
        """Show a list of (value, words) to pick one from."""

    def answer_root(self, root: RootView, *, agreed: bool) -> None:
        """Record what was found of a changed root, and go on."""

    def go_back(self, screens: int = 1) -> None:
        """Leave that many screens; the watch screen always stays."""

    def leave(self) -> None:
        """End the app with exit code 0."""


def shell_of(node: DOMNode) -> ShellPort:
    """Return the app that holds `node`, as screens may use it."""
    return cast(ShellPort, node.app)
