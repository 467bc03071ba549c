"""Commands: what a station is asked to do, in the imperative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core.messages.statement import Statement
from hotline.core.messages.template import Template
from hotline.core.records.events import (
    EndpointTaken,
    Event,
    ForkResolvedElsewhere,
    ForkResolvedThere,
    KeyCertified,
    LedgerKeyChanged,
    OrderRef,
    PeerGenerationAdmitted,
    RootChanged,
    SuspensionLifted,
    TrustWithdrawn,
)

TrustEvent = (
    LedgerKeyChanged
    | KeyCertified
    | TrustWithdrawn
    | SuspensionLifted
    | RootChanged
    | EndpointTaken
)
"""What a public record that is admitted may change."""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement ready to be recorded, with what decisions need of it.

    Attributes:
        item: The packet item (envelope and order), kept as the entry's enclosure.
        template: Ours, when it is the same to the byte; else None.
        role, name: Of the first officer who signed.
        signers: Certificate ids (hex) of all who signed.
    """

    statement: Statement
    digest: str
    order: OrderRef
    item: bytes
    template: Template | None
    role: str
    name: str
    signers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskRelease:
    """The first officer's signature on a statement that needs another one.

    Attributes:
        envelope: The bytes and that signature, kept as the entry's enclosure.
        template: Ours, when it is the same to the byte; else None.
        certificate, officer: Of who signed: certificate id (hex); role, rank and name.
        need: How many persons must sign.
        inject: (id, trigger) when a drill's script sends it.
    """

    statement: Statement
    digest: str
    envelope: bytes
    template: Template | None
    certificate: str
    officer: str
    need: int
    inject: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class EndRelease:
    """An officer refuses or withdraws what awaits release. `how`: REFUSED or WITHDRAWN."""

    digest: str
    how: str
    certificate: str
    officer: str
    reason: str


@dataclass(frozen=True, slots=True)
class SendStatement:
    """Our officer's signed statement. `inject`: (id, trigger) when a drill's script sends it."""

    told: Told
    inject: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A statement of ours that went under an earlier generation's order, under a new one."""

    told: Told


@dataclass(frozen=True, slots=True)
class RecoverStatement:
    """A statement of ours that we lost with the end of a ledger; `peer` gave it back.

    `officers` as in `TakeStatement`.
    """

    told: Told
    peer: str
    officers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdmitGeneration:
    """The peer opened its next generation; `record` is its authorisation, verified."""

    event: PeerGenerationAdmitted
    record: bytes


@dataclass(frozen=True, slots=True)
class AdmitRecord:
    """A public record that came by the line, verified, and what it changes.

    Attributes:
        digest: Its identity in hex; `record`: its envelope, which the first entry binds.
    """

    digest: str
    record: bytes
    event: TrustEvent


@dataclass(frozen=True, slots=True)
class AdmitResolution:
    """The peer's officers resolved forks that they saw; `record` is their authorisation."""

    event: ForkResolvedThere | ForkResolvedElsewhere
    record: bytes


@dataclass(frozen=True, slots=True)
class TakeStatement:
    """The peer's verified statement.

    Attributes:
        peer: The station whose packet brought it.
        sent_at_ms: The peer's clock when it sealed the packet.
        officers: Role and name of every officer of the line, by certificate id (hex).
    """

    told: Told
    peer: str
    verdict: str
    sent_at_ms: int
    officers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Something of the peer's that may not be shown as a statement.

    Attributes:
        order: The one that the peer signed for it, None when there is none that verifies.
    """

    peer: str
    digest: str
    reason: str
    item: bytes | None
    order: OrderRef | None = None


@dataclass(frozen=True, slots=True)
class ProbeChannel:
    """Test a route to a peer now; `up`: it takes cells, else the test is missed at once."""

    peer: str
    route: str
    phrase: str
    up: bool


@dataclass(frozen=True, slots=True)
class HearTest:
    """A test of the peer's came by a route of ours."""

    peer: str
    route: str
    serial: int
    phrase: str


@dataclass(frozen=True, slots=True)
class HearEcho:
    """The peer says a test's phrase back by a route of ours, and how long its ledger is."""

    peer: str
    route: str
    serial: int
    phrase: str
    size: int


@dataclass(frozen=True, slots=True)
class HearQuery:
    """The peer's station asks for an officer's acknowledgement of a statement of its own."""

    peer: str
    digest: str
    step: int


@dataclass(frozen=True, slots=True)
class Note:
    """Facts that need no decision but may be news only once."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: look at the clocks."""


Command = (
    AskRelease
    | EndRelease
    | SendStatement
    | SendAgain
    | RecoverStatement
    | AdmitGeneration
    | AdmitRecord
    | AdmitResolution
    | TakeStatement
    | Quarantine
    | ProbeChannel
    | HearTest
    | HearEcho
    | HearQuery
    | Note
    | Tick
)
