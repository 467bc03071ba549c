"""Events of setting a line up, before there is one: cards that officers compared, and its steps.

They stand in the station journal (docs/ledger.md §23). `at_ms` is when a step was noted;
the entry may be younger, because the journal's key is not at hand at each of them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event

MAX_WITH = 16

_With = Annotated[tuple[str, ...], Field(strict=False, max_length=MAX_WITH)]


class CardAccepted(Event):
    """Another station's card was accepted.

    Attributes:
        root, card: Digests of the root record and of the card's bytes.
        how: Its words were compared now; or it is a newer one of a root that was compared.
        made_ms: When that station says it wrote the card.
    """

    kind: ClassVar[int] = 94
    station: str
    root: HexDigest
    card: HexDigest
    how: Literal["WORDS", "KNOWN_ROOT"]
    made_ms: int
    at_ms: int


class OtherRootRefused(Event):
    """Something showed another root for a station than the one that was compared.

    Attributes:
        root, known: Digests of the one shown and of the one on the card that is kept.
        shown_in: A card; the card in a line's file; or the charter in it, of another member.
        file: SHA-256 of what was refused.
        sender: Whose file it says it is.
    """

    kind: ClassVar[int] = 95
    station: str
    root: HexDigest
    known: HexDigest
    shown_in: Literal["CARD", "FILE", "CHARTER"]
    file: HexDigest
    sender: str
    at_ms: int


class LineStepTaken(Event):
    """A step by which a line is set up.

    Attributes:
        step: Opened or joined here; an answer came in; our side is complete; or given up.
        line, name: Id and name of the line.
        peers: The other stations in its charter, in its order.
        file: SHA-256 of the opening, of our answer, or of the answer that came in; else "".
        sender: Who answered; for JOINED who opened; else "".
    """

    kind: ClassVar[int] = 96
    step: Literal["OPENED", "JOINED", "ANSWERED", "COMPLETED", "GIVEN_UP"]
    line: HexDigest
    name: str
    peers: _With
    file: str
    sender: str
    at_ms: int


STEPS: tuple[type[Event], ...] = (CardAccepted, OtherRootRefused, LineStepTaken)
