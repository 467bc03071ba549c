"""What a case of the tamper matrix is, and why some looks find nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.ledger.tamper.forge import Act
from tests.ledger.tamper.judging import Way


class Why(Enum):
    """Why a way of looking finds nothing: one clause each, said in the document."""

    WHEN_READ = (
        "opening costs the same for every length: it checks schema, newest head, the edge of the "
        "tree, the last page of leaves and head.db; the rest is checked when it is read"
    )
    BESIDE = (
        "it stands beside the log; opening and reading rely on it only when they need it, and "
        "verification judges all of it"
    )
    NOT_SIGNERS = "reading compares entries with the newest head and does not ask who signed it"
    WHOLE = (
        "what is left is a whole ledger, signed as it must be; only what others hold of it "
        "contradicts it"
    )
    NOBODY_SAW = "the peer has not countersigned that end yet"
    SUPERFLUOUS = "later ones cover the same and more, so that no proof is lost with it"
    SEALED = "nobody can compare sealed content with its commitment without the content key"
    ITS_OWN = "nothing else in the file says how many there were"
    PASSED_OVER = (
        "in a ledger of more than 4,096 heads, `verify` judges the signatures on which somebody "
        "relies: the newest head, those signed for long, what each witness countersigned last; "
        "with --audit, and in every shorter ledger, it judges all"
    )
    UNSEEN = "nothing that any reader sees has changed"
    BOTH_BACK = (
        "head.db was put back with it; the peer's countersigned view, which a station asks for, "
        "is ahead of both"
    )
    NOTED = "a clock that goes back is noted and is no fault: nothing was altered"
    NOT_EVIDENCE = "head.db is no part of the evidence; it guards the station against itself"
    OTHER_LEDGER = "it is a good ledger; the verdict says whose it is"
    REBUILT = "the station compares it with head.db only, and moves head.db forward along the log"


Missed = Mapping[Way, Why]

WHEN_READ: Missed = {Way.OPENING: Why.WHEN_READ}
BESIDE: Missed = {Way.OPENING: Why.BESIDE, Way.READING: Why.BESIDE}
OLDER: Missed = {**BESIDE, Way.ALONE: Why.PASSED_OVER}
ALONE = (Way.ALONE, Way.AUDIT)
REVIEW = (*ALONE, Way.PEER)
EVERY = tuple(Way)


def missed(ways: Iterable[Way], why: Why) -> dict[Way, Why]:
    """Say for several ways at once why they find nothing."""
    return dict.fromkeys(ways, why)


@dataclass(frozen=True)
class Case:
    """One attack on NORTH's ledger.

    Attributes:
        place: What is attacked: entry, enclosure, head, schema, whole file, ...
        operation: Edit, delete, insert, reorder, truncate, replace, ...
        how: What exactly is done, a clause.
        missed: The ways that find nothing and why; every other one must find it.
    """

    place: str
    operation: str
    how: str
    act: Act
    missed: Missed = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return what a test is called after."""
        return f"{self.place}-{self.operation}-{self.how}"
