"""The table of events: everything a ledger records, in the past tense (docs/ledger.md §3).

A kind's number is part of every leaf and never changes its meaning; a new fact
gets a new number. An event's fields are its content in the ledger, as
canonical JSON.
"""

from __future__ import annotations

from pydantic import ValidationError

from hotline.core import canonical
from hotline.core.errors import IntegrityError, InvariantError
from hotline.core.messages.statement import first_fault
from hotline.core.records.attachment_events import (
    AttachmentEvent,
    AttachmentHeldThere,
    AttachmentKeyed,
    AttachmentReceived,
    AttachmentRefused,
    AttachmentRefusedThere,
    AttachmentSaved,
)
from hotline.core.records.ceremony_events import CardAccepted, LineStepTaken, OtherRootRefused
from hotline.core.records.channel_events import (
    AcknowledgementMissing,
    ChannelChanged,
    ChannelTestAnswered,
    ChannelTestEchoed,
    ChannelTestMissed,
    ChannelTestSent,
    OfficerTestMissed,
    QueryReceived,
)
from hotline.core.records.event import MAX_REASON_CHARACTERS, Event, OrderRef, Reason
from hotline.core.records.exchange_events import (
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
    DialogueClosed,
    DialogueHeld,
    DialogueOpened,
    IncidentClosed,
    IncidentOpened,
    LadderMoved,
    StepOutOfTurn,
)
from hotline.core.records.keeping_events import (
    ContentErased,
    EpochKeyDestroyed,
    EpochKeyMade,
    GenerationOpened,
    HeadRefusedThere,
    HoldPlaced,
    HoldReleased,
    JournalAnchored,
    LedgerKeyChanged,
    LedgerRestored,
    PeerGenerationAdmitted,
    StatementRecovered,
    StatementRenumbered,
    WitnessAnswered,
    WitnessDropped,
    WitnessNamed,
)
from hotline.core.records.line_events import (
    LineClosed,
    LineContinued,
    RelayAdded,
    RelayRemoved,
    RouteChanged,
)
from hotline.core.records.standing_events import (
    ForkResolved,
    ForkResolvedElsewhere,
    ForkResolvedThere,
    ForkSeen,
    ReleaseAsked,
    ReleaseEnded,
    SplitSeen,
)
from hotline.core.records.statement_events import (
    ClockDoubted,
    DisplayedHere,
    DisplayedThere,
    GapSeen,
    OfficerAcknowledged,
    ReadBack,
    ReceiptObtained,
    RejectionReceived,
    StatementCorrected,
    StatementQuarantined,
    StatementReceived,
    StatementRetracted,
    StatementSent,
)
from hotline.core.records.station_events import (
    CellsRefused,
    DeskLocked,
    DeskUnlocked,
    DrillEnded,
    DrillStarted,
    HeadRefused,
    InjectPlayed,
    LedgerOpened,
    LinkChanged,
    PackLoaded,
    RecordAdmitted,
    WatchOpened,
)
from hotline.core.records.trust_events import (
    EndpointTaken,
    KeyCertified,
    ReachRenewed,
    RevocationsRefused,
    RootChanged,
    RootCompared,
    SpareAdmitted,
    SpareTested,
    SuspensionLifted,
    TrustWithdrawn,
)

__all__ = [
    "EVENTS",
    "MAX_EVENT_BYTES",
    "MAX_REASON_CHARACTERS",
    "AcknowledgementMissing",
    "AttachmentEvent",
    "AttachmentHeldThere",
    "AttachmentKeyed",
    "AttachmentReceived",
    "AttachmentRefused",
    "AttachmentRefusedThere",
    "AttachmentSaved",
    "CardAccepted",
    "CellsRefused",
    "ChannelChanged",
    "ChannelTestAnswered",
    "ChannelTestEchoed",
    "ChannelTestMissed",
    "ChannelTestSent",
    "ClockDoubted",
    "ContentErased",
    "DeadlineMet",
    "DeadlineMissed",
    "DeadlineSet",
    "DeskLocked",
    "DeskUnlocked",
    "DialogueClosed",
    "DialogueHeld",
    "DialogueOpened",
    "DisplayedHere",
    "DisplayedThere",
    "DrillEnded",
    "DrillStarted",
    "EndpointTaken",
    "EpochKeyDestroyed",
    "EpochKeyMade",
    "Event",
    "ForkResolved",
    "ForkResolvedElsewhere",
    "ForkResolvedThere",
    "ForkSeen",
    "GapSeen",
    "GenerationOpened",
    "HeadRefused",
    "HeadRefusedThere",
    "HoldPlaced",
    "HoldReleased",
    "IncidentClosed",
    "IncidentOpened",
    "InjectPlayed",
    "JournalAnchored",
    "KeyCertified",
    "LadderMoved",
    "LedgerKeyChanged",
    "LedgerOpened",
    "LedgerRestored",
    "LineClosed",
    "LineContinued",
    "LineStepTaken",
    "LinkChanged",
    "OfficerAcknowledged",
    "OfficerTestMissed",
    "OrderRef",
    "OtherRootRefused",
    "PackLoaded",
    "PeerGenerationAdmitted",
    "QueryReceived",
    "ReachRenewed",
    "ReadBack",
    "Reason",
    "ReceiptObtained",
    "RecordAdmitted",
    "RejectionReceived",
    "RelayAdded",
    "RelayRemoved",
    "ReleaseAsked",
    "ReleaseEnded",
    "RevocationsRefused",
    "RootChanged",
    "RootCompared",
    "RouteChanged",
    "SpareAdmitted",
    "SpareTested",
    "SplitSeen",
    "StatementCorrected",
    "StatementQuarantined",
    "StatementReceived",
    "StatementRecovered",
    "StatementRenumbered",
    "StatementRetracted",
    "StatementSent",
    "StepOutOfTurn",
    "SuspensionLifted",
    "TrustWithdrawn",
    "WatchOpened",
    "WitnessAnswered",
    "WitnessDropped",
    "WitnessNamed",
    "decode_event",
    "encode_event",
]

MAX_EVENT_BYTES = 16_384

EVENTS: dict[int, type[Event]] = {
    event.kind: event
    for event in (
        LedgerOpened,
        RecordAdmitted,
        StatementSent,
        StatementReceived,
        StatementQuarantined,
        ReceiptObtained,
        RejectionReceived,
        DisplayedHere,
        DisplayedThere,
        OfficerAcknowledged,
        ReadBack,
        DialogueOpened,
        DialogueHeld,
        DialogueClosed,
        IncidentOpened,
        IncidentClosed,
        LadderMoved,
        StepOutOfTurn,
        DeadlineSet,
        DeadlineMet,
        DeadlineMissed,
        LinkChanged,
        StatementRetracted,
        StatementCorrected,
        PackLoaded,
        WatchOpened,
        DrillStarted,
        InjectPlayed,
        DrillEnded,
        CellsRefused,
        HeadRefused,
        GapSeen,
        ClockDoubted,
        JournalAnchored,
        HeadRefusedThere,
        StatementRecovered,
        GenerationOpened,
        PeerGenerationAdmitted,
        LedgerKeyChanged,
        EpochKeyMade,
        EpochKeyDestroyed,
        HoldPlaced,
        HoldReleased,
        LedgerRestored,
        StatementRenumbered,
        KeyCertified,
        TrustWithdrawn,
        SuspensionLifted,
        RevocationsRefused,
        RootChanged,
        RootCompared,
        ReachRenewed,
        EndpointTaken,
        SpareAdmitted,
        SpareTested,
        WitnessNamed,
        WitnessDropped,
        WitnessAnswered,
        ReleaseAsked,
        ReleaseEnded,
        ForkSeen,
        ForkResolved,
        ForkResolvedThere,
        LineClosed,
        LineContinued,
        RouteChanged,
        DeskLocked,
        DeskUnlocked,
        ForkResolvedElsewhere,
        SplitSeen,
        CardAccepted,
        OtherRootRefused,
        LineStepTaken,
        RelayAdded,
        RelayRemoved,
        ChannelTestSent,
        ChannelTestEchoed,
        ChannelTestMissed,
        ChannelTestAnswered,
        ChannelChanged,
        AcknowledgementMissing,
        QueryReceived,
        OfficerTestMissed,
        AttachmentKeyed,
        AttachmentReceived,
        AttachmentRefused,
        AttachmentHeldThere,
        AttachmentRefusedThere,
        AttachmentSaved,
    )
}
"""Kind number to event, as docs/ledger.md §3 lists them."""


def encode_event(event: Event) -> bytes:
    """Return the event's content bytes, at most MAX_EVENT_BYTES.

    Raises:
        InvariantError: the event is larger than an event may be.
    """
    content = canonical.encode(event.model_dump(mode="json"))
    if len(content) > MAX_EVENT_BYTES:
        raise InvariantError(f"a {type(event).__name__} of {len(content)} bytes")
    return content


def decode_event(kind: int, content: bytes) -> Event:
    """Read an event back from a ledger.

    Raises:
        IntegrityError: no event has this kind, or the content is not one.
    Spec: docs/ledger.md §3
    """
    known = EVENTS.get(kind)
    if known is None:
        raise IntegrityError(
            f"the ledger holds an event of unknown kind {kind}",
            hint="open it with the version of hotline that wrote it",
        )
    try:
        return known.model_validate_json(content)
    except ValidationError as error:
        raise IntegrityError(f"a {known.__name__} does not read: {first_fault(error)}") from error
