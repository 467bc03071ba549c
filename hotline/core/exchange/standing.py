"""What stands in a Situation until somebody acts: releases, gaps, forks."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.exchange.delivery import token_of
from hotline.core.messages.statement import Statement


@dataclass(slots=True)
class Release:
    """A statement that one officer signed and another must sign; only the fold changes it.

    Attributes:
        index: The entry that encloses its bytes; below 0 in an earlier generation.
        certificate, officer: Who signed first.
        state: AWAITING, RELEASED, REFUSED, WITHDRAWN or EXPIRED.
        reason: Why it ended otherwise than by its release.
        steps: (time in ms, words) of what happened to it, oldest first.
    """

    digest: str
    statement: Statement
    index: int
    at_ms: int
    certificate: str
    officer: str
    need: int
    until_ms: int
    state: str = "AWAITING"
    reason: str = ""
    steps: list[tuple[int, str]] = field(default_factory=list)

    @property
    def token(self) -> str:
        """Three characters that name it on the screen and by voice."""
        return token_of(self.digest)


@dataclass(slots=True)
class Gap:
    """Numbers of a station's order that had not come when a later one did.

    Attributes:
        index: The entry that told of it.
        first, last: As they were found, both included; `missing`: (first, last) of each
            stretch that is still missing, in order.
    """

    peer: str
    generation: int
    first: int
    last: int
    index: int
    at_ms: int
    missing: list[tuple[int, int]]


@dataclass(slots=True)
class Fork:
    """Two statements under one number. `resolved` is "" until officers resolved it.

    Attributes:
        seq: The number; 0 where it is a split view: two histories of one ledger.
        held, other: Digests of the orders: of the one that stands, of the second; of a split
            view the roots of two heads of one size.
        digest: The second statement, "" of a split view.
    """

    peer: str
    generation: int
    seq: int
    held: str
    other: str
    digest: str
    at_ms: int
    resolved: str = ""

    @property
    def split(self) -> bool:
        """Whether these are two histories of a ledger and not two statements."""
        return self.seq == 0

    @property
    def words(self) -> str:
        """What the station did."""
        if self.split:
            return f"{self.peer} shows two histories of its ledger"
        return f"{self.peer} gave number {self.seq} to two statements"
