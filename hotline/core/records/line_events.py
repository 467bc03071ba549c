"""Events of lines that follow one another, and of where the other station is dialled."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event

MAX_LEFT = 100
"""Statements that a closed line names as left behind; what is beyond is counted."""

Left = Annotated[tuple[HexDigest, ...], Field(strict=False, max_length=MAX_LEFT)]


class LineClosed(Event):
    """The line was closed in favour of one that follows it; nothing is said on it any more.

    Attributes:
        successor, name: Id and name of the line that follows.
        undelivered: How many statements of ours the other station has not receipted.
        unreleased: How many of ours awaited a second officer.
        unanswered: How many dialogues were open on what had been delivered.
        left: Digests of all these, undelivered ones first, at most MAX_LEFT.
    """

    kind: ClassVar[int] = 82
    successor: HexDigest
    name: str
    undelivered: int
    unreleased: int
    unanswered: int
    left: Left


class LineContinued(Event):
    """This line took over from another one, whose ledger ended with this head.

    Attributes:
        predecessor, name: Id and name of that line.
        origin, size, root: The head at which its ledger closed it.
        head: SHA-256 of the three lines of that head, which the leaf names in the open.
    """

    kind: ClassVar[int] = 83
    predecessor: HexDigest
    name: str
    origin: str
    size: int
    root: HexDigest
    head: HexDigest


class RouteChanged(Event):
    """Where a peer is dialled from the next start on, and where it was until then."""

    kind: ClassVar[int] = 84
    peer: str
    host: str
    port: int
    before: str


class RelayAdded(Event):
    """A relay is a route of this line from the next start on.

    Attributes:
        key: The relay's public key, in hex.
        peers: The stations for whose words we have a mailbox there.
    """

    kind: ClassVar[int] = 97
    relay: str
    host: str
    port: int
    key: HexDigest
    priority: int
    peers: Annotated[tuple[str, ...], Field(strict=False, max_length=15)]


class RelayRemoved(Event):
    """A relay is no route of this line any more; `dropped`: it destroyed our mailboxes."""

    kind: ClassVar[int] = 98
    relay: str
    key: HexDigest
    dropped: bool
