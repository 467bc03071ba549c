"""States and events in words: the one place where a front end's English is written."""

from __future__ import annotations

from hotline.core.exchange.acknowledging import Stands, stands
from hotline.core.exchange.delivery import WORDS, Delivery, StatementState
from hotline.core.exchange.forks import ForkEvent
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.standing import Gap, Release
from hotline.core.records import events as ev
from hotline.core.times import format_span
from hotline.core.values import Precedence
from hotline.desk.line_rows import line_row
from hotline.desk.recipients import partly
from hotline.desk.views import Mark

UNVERIFIED = ("UNVERIFIED", "?")
"""Nobody can say who signed it: a certificate had ended, or was revoked or suspended."""

UNACKNOWLEDGED = ("UNACKNOWLEDGED", "!")


def outbound_state(state: StatementState, sending: str) -> tuple[str, str]:
    """Return the word and symbol of one of our statements; `sending`: the route, or ""."""
    some = partly(state)
    if state.rejected:
        return some or ("REJECTED", "x")
    if state.doubted_by:
        return UNVERIFIED
    if state.retracted_by:
        return "RETRACTED", "-"
    if state.least >= Delivery.ANSWERED:
        return WORDS[state.least]
    if state.held:
        return "STANDBY", "="
    if some is not None:
        return some
    if state.least is Delivery.QUEUED and sending:
        return f"SENDING [{sending}]", ">"
    return WORDS[state.least]


def late_state(situation: Situation, state: StatementState) -> tuple[str, str] | None:
    """Return where one of our statements stands that somebody is late with, None if nobody is.

    With several stations it is the worst that holds anywhere.
    Spec: docs/protocol.md §7.40
    """
    if state.rejected or state.doubted_by or state.retracted_by:
        return None
    found = []
    for peer in state.reached:
        where = stands(situation, state, peer)
        reply = situation.deadlines.get((state.digest, "reply", peer))
        late = reply is not None and reply.state == "MISSED"
        if where is None:
            continue
        if late and not state.held if where is Stands.NO_REPLY else peer in state.queried:
            found.append(where)
    return (min(found, key=list(Stands).index).value, "!") if found else None


def inbound_state(state: StatementState, *, unread: bool) -> tuple[str, str]:
    """Return the word and symbol of a statement of the peer's."""
    if state.verdict != "VERIFIED":
        return UNVERIFIED
    if state.retracted_by:
        return "RETRACTED", "-"
    if unread:
        return UNACKNOWLEDGED
    if state.least is Delivery.DELIVERED:
        return "RECEIVED", ">"
    return WORDS[state.least]


def release_state(release: Release) -> tuple[str, str, Mark]:
    """Return word, symbol and mark of a statement that needs or needed a second officer."""
    return {
        "AWAITING": ("AWAITING RELEASE", "=", Mark.WARNING),
        "RELEASED": ("RELEASED", "v", Mark.CALM),
        "REFUSED": ("REFUSED", "x", Mark.WARNING),
        "WITHDRAWN": ("WITHDRAWN", "-", Mark.CALM),
        "EXPIRED": ("EXPIRED", "x", Mark.WARNING),
    }[release.state]


def statement_mark(state: StatementState, *, unread: bool, overdue: bool) -> Mark:
    """Return how much attention a statement wants."""
    if state.rejected or state.doubted_by or state.verdict != "VERIFIED":
        return Mark.ALARM
    if unread and not state.outbound:
        flash = state.statement.precedence is Precedence.FLASH
        return Mark.ALARM if flash or overdue else Mark.WARNING
    return Mark.WARNING if overdue else Mark.CALM


def system_row(situation: Situation, happening: Happening) -> tuple[str, str, Mark]:
    """Return (state word, sentence, mark) of a timeline row that is no statement."""
    event = happening.event
    match event:
        case ev.StatementQuarantined():
            return "QUARANTINED", f"Refused from {event.sender}: {event.reason}", Mark.ALARM
        case ev.RejectionReceived():
            token = situation.statements[event.digest].token
            return "REJECTED", f"{event.peer} refused {token}: {event.reason}", Mark.ALARM
        case ev.StepOutOfTurn():
            return "NO EFFECT", f"{event.station}: {event.act}: {event.reason}", Mark.WARNING
        case ev.LinkChanged():
            mark = Mark.CALM if event.state == "UP" else Mark.WARNING
            return f"LINK {event.state}", f"{event.peer} by {event.route}: {event.reason}", mark
        case (
            ev.ChannelTestEchoed()
            | ev.ChannelTestMissed()
            | ev.ChannelChanged()
            | ev.AcknowledgementMissing()
            | ev.QueryReceived()
            | ev.OfficerTestMissed()
        ):
            return line_row(situation, happening.at_ms, event)
        case ev.WatchOpened():
            return "WATCH", f"{event.role} {event.name} has the watch here", Mark.CALM
        case ev.DrillStarted():
            return "STARTEX", f"EXERCISE EXERCISE EXERCISE: {event.title}", Mark.NOTICE
        case ev.DrillEnded():
            return "ENDEX", f"The exercise is over: {event.outcome}", Mark.NOTICE
        case ev.DeadlineMissed():
            state = situation.statements[event.digest]
            what = {
                "read": "no officer read it",
                "reply": "no reply",
                "promise": "promise not kept",
            }
            return "OVERDUE", f"{state.token}: {what[event.clock]} in time", Mark.ALARM
        case ev.IncidentClosed():
            last = situation.statements[event.statement].statement
            sides = "all sides" if len((*last.to, *last.info)) > 1 else "both sides"
            return "CLOSED", f"{event.incident}: {sides} closed the incident", Mark.NOTICE
        case _:
            return _evidence_row(situation, happening)


def _gap_row(gap: Gap | None, event: ev.GapSeen) -> tuple[str, str, Mark]:
    numbers = f"{event.first_seq} to {event.last_seq}"
    if gap is None or not gap.missing:
        return "GAP FILLED", f"Statements {numbers} of {event.peer} have come", Mark.CALM
    return "GAP", f"Statements {numbers} of {event.peer} are still missing", Mark.ALARM


def _fork_row(event: ForkEvent) -> tuple[str, str, Mark]:
    match event:
        case ev.ForkSeen():
            words = f"{event.peer} gave number {event.seq} to two statements: the line is frozen"
            return "FORK", f"{words}. Keep everything; speak by voice. F9 shows more.", Mark.ALARM
        case ev.SplitSeen():
            words = f"{event.peer} shows two histories of its ledger: the line is frozen"
            return "FORK", f"{words}. Keep everything; speak by voice. F9 shows more.", Mark.ALARM
        case ev.ForkResolved():
            who = " and ".join(event.officers)
            words = f"{who} resolved {event.forks} fork(s) of {event.peer}: {event.reason}"
            return "RESOLVED", words, Mark.NOTICE
        case ev.ForkResolvedThere():
            who = " and ".join(event.officers)
            words = f"{event.peer} had seen {_forked('ours', 'our ledger', event.seq)}"
            return "FORK", f"{words}; {who} resolved it there: {event.reason}", Mark.ALARM
        case ev.ForkResolvedElsewhere():
            who = " and ".join(event.officers)
            what = _forked(event.of, f"the ledger of {event.of}", event.seq)
            words = f"{event.peer} saw {what}"
            words = f"{words}; {who} resolved it there: {event.reason}"
            return "FORK", f"{words}. Compare with both by voice.", Mark.ALARM


def _forked(whose: str, ledger: str, seq: int) -> str:
    """Name what was seen: two statements, or, for the number 0, two histories."""
    return f"two statements of {whose} with number {seq}" if seq else f"two histories of {ledger}"


def _evidence_row(situation: Situation, happening: Happening) -> tuple[str, str, Mark]:
    event = happening.event
    match event:
        case (
            ev.ForkSeen()
            | ev.SplitSeen()
            | ev.ForkResolved()
            | ev.ForkResolvedThere()
            | ev.ForkResolvedElsewhere()
        ):
            return _fork_row(event)
        case ev.ReleaseEnded():
            release = situation.releases[event.digest]
            by = f" by {event.officer}" if event.officer else ""
            return event.how, f"{release.token} was not sent{by}: {event.reason}", Mark.NOTICE
        case ev.HeadRefused():
            words = f"{event.peer} showed a ledger that contradicts itself ({event.verdict})"
            if event.verdict == "UNJOINED":
                words = f"{event.peer} does not say how two heads that it signed go together"
            return "EVIDENCE", f"{words}. Keep everything; call the reviewer.", Mark.ALARM
        case ev.HeadRefusedThere():
            words = f"{event.peer} refused our ledger at {event.size} entries ({event.verdict})"
            return "EVIDENCE", f"{words}. Keep everything; call the reviewer.", Mark.ALARM
        case ev.GenerationOpened() | ev.PeerGenerationAdmitted():
            return "LEDGER", _generation_words(event), Mark.ALARM
        case ev.GapSeen():
            return _gap_row(situation.gaps.get(happening.index), event)
        case ev.CellsRefused():
            return "REFUSED", f"{event.count} {event.reason}", Mark.WARNING
        case ev.ClockDoubted():
            span = format_span(abs(event.difference_ms))
            return "CLOCK", f"The clocks of the stations differ by {span}", Mark.WARNING
        case _:
            return _upkeep_row(event)


def _upkeep_row(event: ev.Event) -> tuple[str, str, Mark]:
    match event:
        case ev.EpochKeyDestroyed():
            who = " and ".join(event.officers)
            return "ERASED", f"The content of {event.epoch} was erased by {who}", Mark.NOTICE
        case ev.HoldPlaced():
            return "HOLD", f"Case {event.case} is held: nothing is erased", Mark.NOTICE
        case ev.HoldReleased():
            who = " and ".join(event.officers)
            return "HOLD", f"The hold on case {event.case} was released by {who}", Mark.NOTICE
        case ev.LedgerKeyChanged():
            return "LEDGER", f"{event.station} signs its ledger with a new key", Mark.NOTICE
        case (
            ev.KeyCertified()
            | ev.TrustWithdrawn()
            | ev.SuspensionLifted()
            | ev.RevocationsRefused()
            | ev.RootChanged()
            | ev.RootCompared()
            | ev.ReachRenewed()
            | ev.EndpointTaken()
            | ev.SpareAdmitted()
            | ev.SpareTested()
        ):
            return _trust_row(event)
        case ev.LedgerRestored():
            words = f"A backup with {event.size} entries was put in place; nothing newer was known"
            return "LEDGER", words, Mark.WARNING
        case ev.WitnessNamed() | ev.WitnessDropped():
            done = "asked from now on" if isinstance(event, ev.WitnessNamed) else "asked no more"
            who = " and ".join(event.officers)
            name = event.vkey.partition("+")[0]
            return "WITNESS", f"{name} is {done}, decided by {who}", Mark.NOTICE
        case ev.WitnessAnswered():
            return _witness_row(event)
        case ev.LineClosed() | ev.LineContinued() | ev.RouteChanged():
            return _line_row(event)
        case ev.RelayAdded() | ev.RelayRemoved():
            return _relay_row(event)
        case ev.DeskLocked() | ev.DeskUnlocked():
            return _desk_row(event)
        case ev.CardAccepted() | ev.OtherRootRefused() | ev.LineStepTaken():
            return _ceremony_row(event)
        case _:
            return "LOG", type(event).__name__, Mark.CALM


def _line_row(event: ev.LineClosed | ev.LineContinued | ev.RouteChanged) -> tuple[str, str, Mark]:
    match event:
        case ev.LineClosed():
            return "CLOSED", f"The line {event.name} follows this one", Mark.NOTICE
        case ev.LineContinued():
            words = f"This line follows {event.name}, which ended with {event.size} entries"
            return "FOLLOWS", words, Mark.NOTICE
        case ev.RouteChanged():
            words = f"{event.peer} is dialled at {event.host}:{event.port}, before at"
            return "ROUTE", f"{words} {event.before}", Mark.NOTICE


def _relay_row(event: ev.RelayAdded | ev.RelayRemoved) -> tuple[str, str, Mark]:
    if isinstance(event, ev.RelayAdded):
        words = f"The relay {event.relay} at {event.host}:{event.port} is a route of the line"
        return "RELAY", words, Mark.NOTICE
    return "RELAY", f"The relay {event.relay} is no route of the line any more", Mark.NOTICE


def _desk_row(event: ev.DeskLocked | ev.DeskUnlocked) -> tuple[str, str, Mark]:
    who = f"{event.role} {event.name}"
    if isinstance(event, ev.DeskLocked):
        why = f"no key for {format_span(event.idle_ms)}" if event.why == "IDLE" else "on a key"
        return "LOCKED", f"The desk of {who} is locked: {why}", Mark.CALM
    failed = f" after {event.failed} tries in vain" if event.failed else ""
    return "UNLOCKED", f"{who} is at the desk again{failed}", Mark.CALM


def _ceremony_row(
    event: ev.CardAccepted | ev.OtherRootRefused | ev.LineStepTaken,
) -> tuple[str, str, Mark]:
    match event:
        case ev.CardAccepted():
            how = "its words were compared" if event.how == "WORDS" else "its root was known"
            return "CARD", f"The card of {event.station} was accepted: {how}", Mark.NOTICE
        case ev.OtherRootRefused():
            words = f"Another root was shown for {event.station} and refused. Ask their officers"
            return "OTHER ROOT", words, Mark.ALARM
        case ev.LineStepTaken():
            said = {
                "OPENED": "was opened here",
                "JOINED": f"was joined here, opened by {event.sender}",
                "ANSWERED": f"was answered by {event.sender}",
                "COMPLETED": "is complete here",
                "GIVEN_UP": "was given up here",
            }[event.step]
            words = f"The line {event.name} with {' and '.join(event.peers)} {said}"
            return event.step.replace("_", " "), words, Mark.NOTICE


def _trust_row(event: ev.Event) -> tuple[str, str, Mark]:
    match event:
        case ev.KeyCertified():
            return "NEW KEY", f"{event.station} certified {event.name}", Mark.NOTICE
        case ev.TrustWithdrawn():
            whose = event.name or "A certificate that is not here"
            words = f"{whose} of {event.station}: {event.reason}. What comes from it counts no more"
            return event.how.upper(), words, Mark.ALARM
        case ev.SuspensionLifted():
            return "LIFTED", f"A suspension at {event.station} is over: {event.reason}", Mark.NOTICE
        case ev.RevocationsRefused():
            words = (
                f"{event.peer} showed a list of revocations that was put back: number "
                f"{event.counter}, {event.known} are known. Its packets are not read"
            )
            return "REFUSED", words, Mark.ALARM
        case ev.RootChanged():
            return "NEW ROOT", f"{event.station} has a new root: {event.words}", Mark.ALARM
        case ev.ReachRenewed():
            return "NEW CARD", f"A newer card of {event.station} is in use", Mark.NOTICE
        case ev.EndpointTaken():
            who = " and ".join(event.officers)
            words = f"Spare console {event.endpoint} of {event.station} took the line over ({who})"
            return "TAKEN OVER", f"{words}: {event.reason}", Mark.ALARM
        case ev.SpareAdmitted():
            words = f"Spare console {event.endpoint} of {event.station} is known; it may not speak"
            return "SPARE", words, Mark.NOTICE
        case ev.SpareTested():
            words = f"Spare console {event.endpoint} of {event.station} was tested and is in order"
            return "SPARE", words, Mark.NOTICE
        case ev.RootCompared(agreed=True):
            words = f"{event.role} {event.name} found the new root of {event.station} right"
            return "NEW ROOT", words, Mark.NOTICE
        case ev.RootCompared():
            words = f"{event.role} {event.name} found ANOTHER root at {event.station}: call them"
            return "NEW ROOT", words, Mark.ALARM
        case _:
            return "LOG", type(event).__name__, Mark.CALM


def _witness_row(event: ev.WitnessAnswered) -> tuple[str, str, Mark]:
    match event.state:
        case "COSIGNS":
            return "WITNESS", f"{event.witness} countersigns our ledger", Mark.CALM
        case "CONTRADICTS":
            words = f"{event.witness} contradicts our ledger: {event.reason}"
            return "EVIDENCE", f"{words}. Keep everything; call the reviewer.", Mark.ALARM
        case _:
            words = f"{event.witness} does not countersign our ledger: {event.reason}"
            return "WITNESS", words, Mark.WARNING


def _generation_words(event: ev.GenerationOpened | ev.PeerGenerationAdmitted) -> str:
    if isinstance(event, ev.GenerationOpened):
        who = " and ".join(event.officers)
        return (
            f"This station's ledger begins anew after {event.kept_size} entries, authorised by "
            f"{who}: {event.reason}. What was lost comes back from the peer."
        )
    lost = "" if event.fits else " What it says of our countersignatures is NOT so: keep everything"
    return (
        f"{event.peer} put back its ledger and opened generation {event.generation}; of "
        f"{event.held_size} entries that we countersigned it kept {event.kept_size}; what it had "
        f"lost it asks back now: {event.reason}.{lost}"
    )


def deadline_words(clock: str, *, ours: bool) -> str:
    """Return what a clock of the list waits for: short, with the key that does it."""
    waits = {
        "read": ("read F8", "to read"),
        "reply": ("reply F3", "to reply"),
        "promise": ("promise F3", "promised"),
    }
    return waits[clock][0 if ours else 1]


def clock_words(clock: str, *, ours: bool) -> str:
    """Return what a deadline waits for, in words."""
    waits = {
        "read": ("acknowledge (F8)", "their acknowledgement"),
        "reply": ("reply", "their reply"),
        "promise": ("our promised reply", "their promised reply"),
    }
    return waits[clock][0 if ours else 1]
