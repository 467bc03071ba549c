"""Which events stand in the timeline."""

from __future__ import annotations

from hotline.core.exchange.channels import is_news
from hotline.core.exchange.rules import ACKNOWLEDGEMENT
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.trust import TRUST_SHOWN
from hotline.core.records import events as ev

SHOWN = (
    ev.StatementSent,
    ev.StatementReceived,
    ev.StatementQuarantined,
    ev.RejectionReceived,
    ev.StepOutOfTurn,
    ev.LinkChanged,
    ev.WatchOpened,
    ev.DrillStarted,
    ev.DrillEnded,
    ev.DeadlineMissed,
    ev.IncidentClosed,
    ev.HeadRefused,
    ev.GapSeen,
    ev.CellsRefused,
    ev.ClockDoubted,
    ev.HeadRefusedThere,
    ev.GenerationOpened,
    ev.PeerGenerationAdmitted,
    ev.StatementRecovered,
    ev.LedgerKeyChanged,
    ev.EpochKeyDestroyed,
    ev.HoldPlaced,
    ev.HoldReleased,
    ev.LedgerRestored,
    *TRUST_SHOWN,
    ev.WitnessNamed,
    ev.WitnessDropped,
    ev.WitnessAnswered,
    ev.ReleaseAsked,
    ev.ReleaseEnded,
    ev.ForkSeen,
    ev.ForkResolved,
    ev.ForkResolvedThere,
    ev.LineClosed,
    ev.LineContinued,
    ev.RouteChanged,
    ev.DeskLocked,
    ev.DeskUnlocked,
    ev.ForkResolvedElsewhere,
    ev.SplitSeen,
    ev.CardAccepted,
    ev.OtherRootRefused,
    ev.LineStepTaken,
    ev.RelayAdded,
    ev.RelayRemoved,
    ev.ChannelTestEchoed,
    ev.ChannelTestMissed,
    ev.ChannelChanged,
    ev.AcknowledgementMissing,
    ev.QueryReceived,
    ev.OfficerTestMissed,
)
"""Events that stand in the timeline as rows of their own."""


def is_shown(situation: Situation, happening: Happening) -> bool:
    """Return whether an event that was folded stands in the timeline.

    An acknowledgement shows in the state of what it acknowledges, a channel test in the
    row of its day.
    """
    if not isinstance(happening.event, SHOWN):
        return False
    statement = happening.statement
    if statement is not None and statement.template.id == ACKNOWLEDGEMENT:
        return False
    return is_news(situation, happening.event, happening.at_ms)
