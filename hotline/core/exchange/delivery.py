"""How far a statement has come, one step at a time and never back (docs/protocol.md §4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from hotline.core.messages.statement import Statement
from hotline.core.records.events import OrderRef


class Delivery(IntEnum):
    """The states that a sender sees, each backed by a recorded event.

    For an inbound statement the same steps say what our own officer did:
    DELIVERED is then "recorded here, on nobody's screen yet".
    """

    QUEUED = 0
    DELIVERED = 1
    DISPLAYED = 2
    READ = 3
    READ_BACK = 4
    ANSWERED = 5
    CLOSED = 6


WORDS = {
    Delivery.QUEUED: ("QUEUED", "."),
    Delivery.DELIVERED: ("DELIVERED", ">"),
    Delivery.DISPLAYED: ("DISPLAYED", "o"),
    Delivery.READ: ("READ BY OFFICER", "v"),
    Delivery.READ_BACK: ("READ BACK", "w"),
    Delivery.ANSWERED: ("ANSWERED", "a"),
    Delivery.CLOSED: ("CLOSED", "*"),
}
"""The word and the symbol of each step, as every front end shows them."""


@dataclass(slots=True)
class StatementState:
    """One statement and what the ledger says of it. Only the fold changes it.

    Attributes:
        index: The ledger entry that sent or received it; below 0 in an earlier generation.
        outbound: Whether this station sent it.
        reached: For each other station how far it came there; inbound: only our own, what
            other stations did with it stands in `read_by` and `readbacks`.
        order: Its newest place in its sender's order; `orders`: every one it had.
        receipted: Stations that proved that they recorded it.
        doubted_by: Stations that recorded it as UNVERIFIED.
        read_by: (station, role, name, time in ms) of each officer's READ.
        signers: Certificate ids (hex) of the officers who signed it.
        readbacks: (station, agreed) of each read-back.
        standby_until_ms: A promised full reply, or None; `held`: a holding reply came.
        queried: By station the last step at which its acknowledgement was missed; under our
            own name, of one that came in: how often its sender asked.
        steps: (time in ms, words) of everything that happened to it, oldest first.
    """

    digest: str
    statement: Statement
    index: int
    at_ms: int
    outbound: bool
    order: OrderRef
    verdict: str
    reached: dict[str, Delivery]
    receipted: set[str] = field(default_factory=set)
    doubted_by: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)
    read_by: list[tuple[str, str, str, int]] = field(default_factory=list)
    readbacks: list[tuple[str, bool]] = field(default_factory=list)
    held: bool = False
    standby_until_ms: int | None = None
    retracted_by: str | None = None
    corrected_by: str | None = None
    steps: list[tuple[int, str]] = field(default_factory=list)
    orders: list[OrderRef] = field(default_factory=list)
    signers: tuple[str, ...] = ()
    queried: dict[str, int] = field(default_factory=dict)

    def advance(self, station: str, step: Delivery) -> None:
        """Move forward to `step` at `station`; a step back changes nothing."""
        if station in self.reached:
            self.reached[station] = max(self.reached[station], step)

    def receipt(self, peer: str, verdict: str, at_ms: int) -> None:
        """Note that `peer` proved that it recorded this, and what it made of the signatures."""
        self.receipted.add(peer)
        self.advance(peer, Delivery.DELIVERED)
        flaw = "" if verdict == "VERIFIED" else f", there {verdict}"
        if flaw:
            self.doubted_by.add(peer)
        self.steps.append((at_ms, f"DELIVERED: {peer} recorded it{flaw}"))

    @property
    def least(self) -> Delivery:
        """How far it came at the station where it came least far."""
        return min(self.reached.values(), default=Delivery.QUEUED)

    @property
    def unreceipted(self) -> tuple[str, ...]:
        """Stations that must still get it: neither receipted nor refused."""
        if not self.outbound:
            return ()
        return tuple(
            station
            for station in self.reached
            if station not in self.receipted and station not in self.rejected
        )

    @property
    def token(self) -> str:
        """Three characters that name it on the screen and by voice."""
        return token_of(self.digest)


_TOKEN_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 signs without I, O, 0 and 1, which are misheard and misread."""


def token_of(digest: str) -> str:
    """Return the three-character name of a statement: 15 bits of its digest."""
    bits = int(digest[:4], 16)
    return "".join(_TOKEN_LETTERS[bits >> shift & 31] for shift in (11, 6, 1))
