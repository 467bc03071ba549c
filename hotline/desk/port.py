"""What a front end may ask of a desk: the feed it reads, the post it sends by.

Live desk, drill and replay give the same feed; replay has no post.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from hotline.desk.link_views import PeerLinkView
from hotline.desk.lock import Why
from hotline.desk.views import (
    AlarmView,
    DraftView,
    IncidentView,
    MessageView,
    ReadBackView,
    ReleaseView,
    TemplateChoice,
    TimelineRow,
    WatchView,
)


class Feed(Protocol):
    """The reading side. Calls are quick, pure of side effects, on the event loop's thread."""

    def watch(self) -> WatchView:
        """Return the watch screen's view as of now."""

    def timeline(self, start: int, stop: int) -> tuple[TimelineRow, ...]:
        """Return rows start..stop-1 of the timeline, oldest first; fewer at the ends."""

    def incident(self, name: str) -> IncidentView | None:
        """Return one incident, or None when there is none of that name."""

    def message(self, digest: str) -> MessageView | None:
        """Return one statement, or None when the ledger holds none of that digest."""

    def alarms(self) -> tuple[AlarmView, ...]:
        """Return what stands until somebody acts: the newest first, forks before gaps."""

    def links(self) -> tuple[PeerLinkView, ...]:
        """Return each peer's link with its routes and their tests."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` (coalesced by the front end) whenever a view may differ.

        Returns a function that ends the subscription.
        """


class Post(Protocol):
    """The acting side: what the officer does. Every call is durable before it returns.

    Each raises OperatorError with a sentence for the officer when it cannot be done; while
    the desk is locked, so does whatever signs, sends, acknowledges, releases or answers.
    """

    def choices(self, incident: str | None = None) -> tuple[TemplateChoice, ...]:
        """Return templates on offer, those that the protocol expects next first."""

    def open_draft(self, choice: TemplateChoice) -> DraftView:
        """Start a draft from a template."""

    def fill(
        self, draft: str, *, fields: Mapping[str, str], text: str, precedence: str
    ) -> DraftView:
        """Put values into a draft and check every field."""

    async def attach(self, draft: str, path: str) -> DraftView:
        """Let a file of this machine travel beside the statement of a draft."""

    def detach(self, draft: str) -> DraftView:
        """Let no file travel beside the statement of a draft any more."""

    def discard(self, draft: str) -> None:
        """Forget a draft, and its files."""

    async def send(self, draft: str, code: str) -> str:
        """Sign the previewed bytes and hand them to the station; return the digest in hex."""

    async def acknowledge(self, digest: str) -> None:
        """Say READ BY OFFICER of an inbound statement."""

    async def read_back(self, digest: str, typed: Mapping[str, str]) -> ReadBackView:
        """Compare blind-typed critical fields and tell the sender the outcome."""

    def awaiting(self, digest: str) -> ReleaseView | None:
        """Return a statement that awaits its second officer, rendered from the very bytes."""

    async def release(
        self, digest: str, *, code: str = "", person: str = "", passphrase: str = ""
    ) -> None:
        """Sign as the second officer and send."""

    async def refuse_release(
        self, digest: str, reason: str, *, person: str = "", passphrase: str = ""
    ) -> None:
        """Refuse to release it; it will not be sent."""

    async def withdraw_release(self, digest: str, reason: str) -> None:
        """Withdraw what this officer signed first."""

    async def compare_root(self, root: str, *, agreed: bool) -> None:
        """Record what the officer found who compared a changed root's words by voice."""

    async def save_file(self, digest: str, number: int, directory: str) -> str:
        """Write a file of a statement, counted from 1, into a directory; return its path."""

    async def displayed(self, digest: str) -> None:
        """Record that the officer's console has shown an inbound statement."""

    @property
    def lock_after_ms(self) -> int:
        """How long no key is pressed before the officer's key is locked; 0: for ever."""

    def lock(self, why: Why, idle_ms: int = 0) -> Coroutine[Any, Any, None]:
        """Drop the officer's key now; what is returned records it."""

    async def unlock(self, passphrase: str) -> None:
        """Take the officer's key again; "" where it has no passphrase."""


class Desk(Feed, Post, Protocol):
    """A desk that both reads and acts."""
