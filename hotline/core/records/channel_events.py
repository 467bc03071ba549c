"""Events of channel tests, of queries for missing acknowledgements, and of officers' tests."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event

MAX_PHRASE_CHARACTERS = 240

Phrase = Annotated[str, Field(max_length=MAX_PHRASE_CHARACTERS)]
Stands = Literal["LINK DOWN", "NOT DELIVERED", "AT PEER, NOT READ"]
"""Why nobody there said READ BY OFFICER: no route is up; none has brought it yet; it is there."""


class ChannelTestSent(Event):
    """A test of one route to a peer; it leaves the station after this.

    Attributes:
        serial: Counts this station's tests with that peer, over all routes.
    """

    kind: ClassVar[int] = 103
    peer: str
    route: str
    serial: int
    phrase: Phrase


class ChannelTestEchoed(Event):
    """The peer recorded our test and said its phrase back.

    Attributes:
        rtt_ms: From our record to this one; `size`: of the peer's ledger then, as it says.
    """

    kind: ClassVar[int] = 104
    peer: str
    route: str
    serial: int
    rtt_ms: int
    size: int


class ChannelTestMissed(Event):
    """A test that was due has no echo; `serial` is 0 when the route was not up to send it."""

    kind: ClassVar[int] = 105
    peer: str
    route: str
    serial: int
    why: Literal["NO ECHO", "NOT UP"]


class ChannelTestAnswered(Event):
    """A test of the peer's came, by that route of ours; its echo leaves after this."""

    kind: ClassVar[int] = 106
    peer: str
    route: str
    serial: int
    phrase: Phrase


class ChannelChanged(Event):
    """What the tests say of a route changed (docs/transport.md §12.4)."""

    kind: ClassVar[int] = 107
    peer: str
    route: str
    before: str
    after: str


class AcknowledgementMissing(Event):
    """At a step of its precedence nobody at `peer` had acknowledged a statement of ours.

    Attributes:
        step: Which one, from 1. `after_ms`: how long it had been recorded here by then.
        queried: The peer's station is asked; only where it has the statement.
        voice: The voice line is to be tried now.
    """

    kind: ClassVar[int] = 108
    digest: HexDigest
    peer: str
    step: int
    after_ms: int
    stands: Stands
    queried: bool
    voice: bool


class QueryReceived(Event):
    """The sender's station asks for an acknowledgement that nobody here has given yet."""

    kind: ClassVar[int] = 109
    digest: HexDigest
    peer: str
    step: int


class OfficerTestMissed(Event):
    """A watch went by in which no officer tested the line to a peer and was answered."""

    kind: ClassVar[int] = 110
    peer: str
    due_ms: int
