"""Events of what stands until officers act: statements awaiting release, forks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, Reason
from hotline.core.records.keeping_events import Officers


class ReleaseAsked(Event):
    """The first of several officers signed; the entry encloses the bytes and the signature.

    Attributes:
        certificate, officer: Who signed first: certificate id; role, rank and name.
        need: How many persons must have signed before it may be sent.
        until_ms: What is not released by then has expired.
    """

    kind: ClassVar[int] = 49
    digest: HexDigest
    certificate: HexDigest
    officer: str
    need: int
    until_ms: int


class ReleaseEnded(Event):
    """A statement that awaited release will not be sent, and why; `officer` is "" if EXPIRED."""

    kind: ClassVar[int] = 50
    digest: HexDigest
    how: Literal["REFUSED", "WITHDRAWN", "EXPIRED"]
    certificate: str
    officer: str
    reason: Reason


class ForkSeen(Event):
    """A station ordered two statements under one number: nothing is agreed until it is resolved.

    Attributes:
        held: Order that stands here (its digest); `other`: the one that came second.
        digest: The second statement; the entry before this one quarantined it.
    """

    kind: ClassVar[int] = 51
    peer: str
    generation: int
    seq: int
    held: HexDigest
    other: HexDigest
    digest: HexDigest


class SplitSeen(Event):
    """A station showed another member another history of its ledger than it showed here.

    Attributes:
        held: Root of its head of `size` that is witnessed here; `other`: of the other one. Both
            are signed by its ledger key; the HeadRefused before this entry has the other head.
    """

    kind: ClassVar[int] = 93
    peer: str
    generation: int
    size: int
    held: HexDigest
    other: HexDigest


class ForkResolved(Event):
    """Two officers resolved every fork of a station that stood; the entry encloses their act.

    Attributes:
        forks: How many stood; `evidence`: digest over them (docs/protocol.md §7.11).
    """

    kind: ClassVar[int] = 52
    peer: str
    forks: int = Field(ge=1)
    evidence: HexDigest
    authorisation: HexDigest
    officers: Officers
    reason: Reason


class ForkResolvedThere(Event):
    """The peer's officers resolved forks of ours that they saw; the entry encloses their act."""

    kind: ClassVar[int] = 53
    peer: str
    forks: int
    generation: int
    seq: int
    authorisation: HexDigest
    officers: Officers
    reason: Reason


class ForkResolvedElsewhere(Event):
    """The officers of `peer` resolved forks of a third station; the entry encloses their act."""

    kind: ClassVar[int] = 92
    peer: str
    of: str
    forks: int
    generation: int
    seq: int
    authorisation: HexDigest
    officers: Officers
    reason: Reason
