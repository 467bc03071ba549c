"""The Situation: one fold over the ledger's events, the same live and in replay.

Nothing else says what is so. The fold trusts the ledger: what may be recorded
was decided before (hotline.core.exchange.decide).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.exchange.attachment_state import AttachmentId, AttachmentState
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.standing import Fork, Gap, Release
from hotline.core.exchange.tested import PeerTests, RouteTests
from hotline.core.messages.statement import Statement
from hotline.core.protocols.ladder import LadderState
from hotline.core.records.events import Event, OrderRef, TrustWithdrawn


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with its place in the ledger.

    Attributes:
        index: The entry; entries of earlier generations count up to -1, so that those
            of the newest ledger have their own numbers.
        statement: The statement of an event that a statement is enclosed with, else None.
        signers: Certificate ids (hex) of the officers who signed that statement.
    """

    index: int
    at_ms: int
    event: Event
    statement: Statement | None = None
    signers: tuple[str, ...] = ()


@dataclass(slots=True)
class Incident:
    """An incident, its statements in the order of the record, its ladder and when that moved."""

    name: str
    opened_by: str
    statement: str
    at_ms: int
    ladder: LadderState = field(default_factory=LadderState)
    ladder_at_ms: int = 0
    statements: list[str] = field(default_factory=list)
    out_of_turn: list[str] = field(default_factory=list)
    closed_at_ms: int | None = None


@dataclass(slots=True)
class Dialogue:
    """A statement that expects an answer. `how` is "" while it is open.

    Attributes:
        waiting: Stations that must still answer; those that were only told need not.
    """

    digest: str
    opener: str
    reply: str
    replies: tuple[str, ...]
    incident: str | None
    how: str = ""
    waiting: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Deadline:
    """A clock: `station` must act by `due_ms`. `state` is RUNNING, MET or MISSED."""

    digest: str
    clock: str
    station: str
    due_ms: int
    incident: str | None
    state: str = "RUNNING"
    met_late: bool = False


@dataclass(slots=True)
class Link:
    """What the ledger last said of a route to a peer, or of all of them together."""

    state: str = "DOWN"
    since_ms: int = 0
    reason: str = "not connected yet"


@dataclass(slots=True)
class Situation:
    """Everything that is so at one point of a line's ledger. Only `fold.apply` changes it.

    Attributes:
        length: Index of the entry to fold next.
        generation: Of the ledger folded last; `begun`: of the one folded first.
        generations: Newest generation that was admitted, by peer; 1 for those not here.
        now_ms: When the newest of them was recorded.
        our_order: Newest of our generation; `their_orders`: newest of each other station.
        timeline: Indices of entries that a timeline shows, oldest first, with the event.
        deadlines: Every clock ever set, by (digest, clock, station); `clocks`: those not met.
        links: By peer, all its routes as one; `routes`: by peer and route each of them.
        dialogues: Every dialogue by its statement; `expecting`: those still open.
        early: By a digest that is not here: statements that answer it and came before it.
        quarantined: (time in ms, sender, reason) of everything refused into quarantine.
        quarantine_keys: (sender, digest, reason) of each; `forks_kept`: how many of a
            sender's were forks, `refusals_kept`: how many were not.
        refused_numbers: By (station, generation) the numbers of what was refused.
        injects: (inject, trigger) that the drill has played here.
        erased: Epochs whose content is gone, and how many entries had it; what later
            events say of them is passed over.
        erased_received: Digests of the statements that were received in what was erased.
        erased_orders: By station the newest order up to the end of what was erased.
        holds: Cases under a legal hold, and why.
        withdrawn: By certificate (hex) what was recorded against it and stands.
        compared_roots: By changed root (hex) whether officers found its words right.
        doubted: Statements that came in UNVERIFIED and stood on no screen yet, oldest first.
        refused_lists: (station, number, digest) of every list of revocations refused.
        witnesses: How each outside witness stood to our log when it was last recorded.
        releases: Statements of ours that needed another signature, by digest.
        gaps: By the entry that told of it; `forks`: by (sender, generation, seq, the
            second order's digest). Both stay when they are filled or resolved.
        resolutions_there: Authorisations by which peers resolved forks, of ours or of others.
        attachments: Files that travel beside statements; `arriving`: those of peers that are
            neither here nor refused, oldest first.
        channels: By (peer, route) what is known of the route and its tests; `tests`: of the
            tests with each peer.
        closed_for: Id of the line that this one was closed for; "" while it is worked.
    """

    station: str = ""
    realm: str = ""
    line: str = ""
    length: int = 0
    now_ms: int = 0
    generation: int = 0
    begun: int = 0
    generations: dict[str, int] = field(default_factory=dict)
    our_order: OrderRef | None = None
    their_orders: dict[str, OrderRef] = field(default_factory=dict)
    seen_orders: dict[tuple[str, int, int], OrderRef] = field(default_factory=dict)
    statements: dict[str, StatementState] = field(default_factory=dict)
    outbox: dict[str, None] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    dialogues: dict[str, Dialogue] = field(default_factory=dict)
    expecting: dict[str, Dialogue] = field(default_factory=dict)
    early: dict[str, list[str]] = field(default_factory=dict)
    deadlines: dict[tuple[str, str, str], Deadline] = field(default_factory=dict)
    clocks: dict[tuple[str, str, str], Deadline] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    routes: dict[str, dict[str, Link]] = field(default_factory=dict)
    packs: dict[str, str] = field(default_factory=dict)
    timeline: list[Happening] = field(default_factory=list)
    quarantined: list[tuple[int, str, str]] = field(default_factory=list)
    quarantine_keys: set[tuple[str, str, str]] = field(default_factory=set)
    forks_kept: dict[str, int] = field(default_factory=dict)
    refusals_kept: dict[str, int] = field(default_factory=dict)
    refused_numbers: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    refused_heads: set[tuple[str, str]] = field(default_factory=set)
    refused_there: set[tuple[str, str, int, str]] = field(default_factory=set)
    injects: set[tuple[str, str]] = field(default_factory=set)
    erased: dict[int, int] = field(default_factory=dict)
    erased_received: set[str] = field(default_factory=set)
    erased_orders: dict[str, OrderRef] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    withdrawn: dict[str, TrustWithdrawn] = field(default_factory=dict)
    doubted: dict[str, None] = field(default_factory=dict)
    compared_roots: dict[str, bool] = field(default_factory=dict)
    refused_lists: set[tuple[str, int, str]] = field(default_factory=set)
    witnesses: dict[str, str] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    gaps: dict[int, Gap] = field(default_factory=dict)
    forks: dict[tuple[str, int, int, str], Fork] = field(default_factory=dict)
    resolutions_there: set[str] = field(default_factory=set)
    attachments: dict[AttachmentId, AttachmentState] = field(default_factory=dict)
    arriving: dict[AttachmentId, None] = field(default_factory=dict)
    channels: dict[tuple[str, str], RouteTests] = field(default_factory=dict)
    tests: dict[str, PeerTests] = field(default_factory=dict)
    closed_for: str = ""
    officer: str = ""
    role: str = ""
    drill_started_ms: int | None = None
    drill_scenario: str = ""
    drill_outcome: str = ""

    def generation_of(self, station: str) -> int:
        """Return the generation in which a station's ledger and orders stand now."""
        return self.generation if station == self.station else self.generations.get(station, 1)

    def next_seq(self) -> int:
        """Return the seq of our next order, from 1."""
        return 1 if self.our_order is None else self.our_order.seq + 1

    def running(self) -> list[Deadline]:
        """Return the clocks that run or were missed without an answer, nearest first."""
        return sorted(self.clocks.values(), key=lambda clock: clock.due_ms)

    def unread(self) -> list[StatementState]:
        """Return inbound statements that want our officer's acknowledgement, urgent first."""
        waiting = [
            self.statements[clock.digest]
            for clock in self.clocks.values()
            if clock.clock == "read" and clock.station == self.station
        ]
        return sorted(waiting, key=lambda state: (state.statement.precedence.rank, state.index))

    def deadlines_of(self, digest: str, clock: str) -> list[Deadline]:
        """Return the clocks of one kind that were set for a statement, one for each station."""
        state = self.statements.get(digest)
        named = (
            {*state.statement.to, *state.statement.info, state.statement.sender} if state else ()
        )
        found = (self.deadlines.get((digest, clock, station)) for station in sorted(named))
        return [one for one in found if one is not None]

    def open_dialogues(self) -> list[Dialogue]:
        """Return the dialogues that wait for an answer, oldest first."""
        return list(self.expecting.values())
