"""`apply`: the one function that turns events into a Situation (design law 4)."""

from __future__ import annotations

from collections.abc import Iterable

from hotline.core.errors import InvariantError
from hotline.core.exchange.acknowledging import fold_missing
from hotline.core.exchange.attaching import fold_attachment
from hotline.core.exchange.channels import begin_watch, fold_channel, fold_officers
from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.forks import fold_fork
from hotline.core.exchange.gaps import fold_filled, fold_gap, fold_given_up, fold_refused
from hotline.core.exchange.joining import join
from hotline.core.exchange.links import fold_link
from hotline.core.exchange.releasing import fold_release, fold_released
from hotline.core.exchange.rules import FIRST_GENERATION, FORK
from hotline.core.exchange.shown import is_shown
from hotline.core.exchange.situation import (
    Deadline,
    Dialogue,
    Happening,
    Incident,
    Situation,
)
from hotline.core.exchange.trust import doubt, keep_trust
from hotline.core.exchange.upkeep import is_later, keep_house
from hotline.core.messages.template import LadderAct
from hotline.core.protocols.ladder import CLOSED, Move, enter, keep
from hotline.core.records import events as ev


def fold(happenings: Iterable[Happening]) -> Situation:
    """Return the situation after all of `happenings`, in ledger order from entry 0."""
    situation = Situation()
    for happening in happenings:
        apply(situation, happening)
    return situation


def apply(situation: Situation, happening: Happening) -> None:
    """Bring `situation` forward by one event.

    Raises:
        InvariantError: the event is not the next one, or speaks of something
            that the ledger does not hold.
    """
    event = happening.event
    begins = isinstance(event, ev.LedgerOpened) and event.generation > situation.generation
    if begins and happening.index <= 0:
        situation.length = happening.index
    if happening.index != situation.length:
        raise InvariantError(f"entry {happening.index} does not follow {situation.length - 1}")
    situation.length += 1
    situation.now_ms = max(situation.now_ms, happening.at_ms)
    try:
        _dispatch(situation, happening, event)
    except KeyError as error:
        if situation.begun > FIRST_GENERATION or situation.erased:
            # It speaks of an earlier generation's record, which is not here, or of what
            # was erased.
            return
        raise InvariantError(f"entry {happening.index} speaks of what is not recorded") from error
    if is_shown(situation, happening):
        situation.timeline.append(happening)


def _dispatch(situation: Situation, happening: Happening, event: ev.Event) -> None:
    match event:
        case ev.StatementSent() | ev.StatementReceived() | ev.StatementRecovered():
            _statement(situation, happening, event)
            doubt(situation, event)
        case ev.IncidentOpened() | ev.IncidentClosed() | ev.LadderMoved() | ev.StepOutOfTurn():
            _incident(situation, happening, event)
        case ev.DialogueOpened() | ev.DialogueHeld() | ev.DialogueClosed():
            _dialogue(situation, happening, event)
        case ev.DeadlineSet() | ev.DeadlineMet() | ev.DeadlineMissed():
            _deadline(situation, happening, event)
        case (
            ev.ReceiptObtained()
            | ev.RejectionReceived()
            | ev.DisplayedHere()
            | ev.DisplayedThere()
            | ev.OfficerAcknowledged()
            | ev.ReadBack()
            | ev.StatementRetracted()
            | ev.StatementCorrected()
            | ev.ClockDoubted()
        ):
            _progress(situation, happening, event)
        case ev.GapSeen():
            fold_gap(situation, happening, event)
        case (
            ev.ForkSeen()
            | ev.SplitSeen()
            | ev.ForkResolved()
            | ev.ForkResolvedThere()
            | ev.ForkResolvedElsewhere()
        ):
            fold_fork(situation, happening, event)
        case (
            ev.ChannelTestSent()
            | ev.ChannelTestEchoed()
            | ev.ChannelTestMissed()
            | ev.ChannelTestAnswered()
            | ev.ChannelChanged()
            | ev.OfficerTestMissed()
        ):
            fold_channel(situation, happening, event)
        case ev.AcknowledgementMissing() | ev.QueryReceived():
            fold_missing(situation, happening, event)
        case ev.ReleaseAsked() | ev.ReleaseEnded():
            fold_release(situation, happening, event)
        case ev.AttachmentEvent():
            fold_attachment(situation, happening, event)
        case _:
            _station(situation, happening, event)


def _statement(
    situation: Situation,
    happening: Happening,
    event: ev.StatementSent | ev.StatementReceived | ev.StatementRecovered,
) -> None:
    statement = happening.statement
    if statement is None:
        raise InvariantError(f"entry {happening.index} came without its statement")
    order, sender = event.order, statement.sender
    situation.seen_orders[sender, order.generation, order.seq] = order
    words = f"number {order.seq} of {sender}"
    before = fold_released(situation, event)
    match event:
        case ev.StatementSent():
            situation.our_order = order
            situation.outbox[event.digest] = None
            reached = dict.fromkeys((*statement.to, *statement.info), Delivery.QUEUED)
            words = f"sent, {words}"
        case ev.StatementReceived():
            _follow(situation, sender, order)
            reached = {situation.station: Delivery.DELIVERED}
            words = f"recorded here, {words}"
        case ev.StatementRecovered():
            reached = dict.fromkeys((*statement.to, *statement.info), Delivery.QUEUED)
            reached[event.peer] = Delivery.DELIVERED
            if len(reached) > 1:
                # Whether the others ever got it, nobody here knows any more.
                situation.outbox[event.digest] = None
            words = f"given back by {event.peer}, {words} of generation {order.generation}"
    known = situation.statements.get(event.digest)
    if known is not None:
        _again(known, happening, order, words)
        return
    situation.statements[event.digest] = StatementState(
        digest=event.digest,
        statement=statement,
        index=happening.index,
        at_ms=happening.at_ms,
        outbound=not isinstance(event, ev.StatementReceived),
        order=order,
        verdict=event.verdict if isinstance(event, ev.StatementReceived) else "VERIFIED",
        reached=reached,
        receipted={event.peer} if isinstance(event, ev.StatementRecovered) else set(),
        steps=[*before, (happening.at_ms, words)],
        orders=[order],
        signers=happening.signers,
    )
    join(situation, event.digest, statement)


def _again(state: StatementState, happening: Happening, order: ev.OrderRef, words: str) -> None:
    """A statement of an earlier generation stands in this ledger, too; nothing follows from it."""
    later = is_later(order, state.order)
    if later or state.index < 0:
        state.index = happening.index
    if later:
        state.order = order
    if order not in state.orders:
        state.orders.append(order)
    if isinstance(happening.event, ev.StatementSent):
        state.receipted.clear()
    state.steps.append((happening.at_ms, f"again {words}"))


def _follow(situation: Situation, sender: str, order: ev.OrderRef) -> None:
    held = situation.their_orders.get(sender)
    if held is None or (order.generation, order.seq) > (held.generation, held.seq):
        situation.their_orders[sender] = order
    fold_filled(situation, sender, order)


def _incident(
    situation: Situation,
    happening: Happening,
    event: ev.IncidentOpened | ev.IncidentClosed | ev.LadderMoved | ev.StepOutOfTurn,
) -> None:
    match event:
        case ev.IncidentOpened():
            opened = Incident(event.incident, event.station, event.statement, happening.at_ms)
            opened.ladder_at_ms = happening.at_ms
            opened.statements.append(event.statement)
            situation.incidents[event.incident] = opened
        case ev.IncidentClosed():
            situation.incidents[event.incident].closed_at_ms = happening.at_ms
        case ev.StepOutOfTurn():
            incident = situation.incidents[event.incident]
            incident.ladder = keep(incident.ladder, _move(situation, event))
            incident.out_of_turn.append(event.statement)
        case ev.LadderMoved():
            incident = situation.incidents[event.incident]
            incident.ladder = enter(incident.ladder, _move(situation, event), event.after)
            incident.ladder_at_ms = happening.at_ms
            if event.statement in incident.out_of_turn:
                # It had come before what it follows.
                incident.out_of_turn.remove(event.statement)
            if event.before == CLOSED:
                incident.closed_at_ms = None


def _move(situation: Situation, event: ev.LadderMoved | ev.StepOutOfTurn) -> Move:
    statement = situation.statements[event.statement].statement
    return Move(
        act=LadderAct(event.act),
        value=event.value,
        step=event.step,
        station=event.station,
        digest=event.statement,
        at_ms=statement.at_ms,
        answers=statement.answers,
    )


def _dialogue(
    situation: Situation,
    happening: Happening,
    event: ev.DialogueOpened | ev.DialogueHeld | ev.DialogueClosed,
) -> None:
    match event:
        case ev.DialogueOpened():
            dialogue = Dialogue(
                event.digest, event.station, event.reply, event.replies, event.incident
            )
            dialogue.waiting.update(situation.statements[event.digest].statement.to)
            situation.dialogues[event.digest] = situation.expecting[event.digest] = dialogue
        case ev.DialogueHeld():
            state = situation.statements[event.digest]
            state.held, state.standby_until_ms = True, event.until_ms
            state.steps.append((happening.at_ms, "STANDBY: a holding reply, the clock runs on"))
        case ev.DialogueClosed():
            _closed(situation, happening, event)
            fold_officers(situation, happening, event)


def _closed(situation: Situation, happening: Happening, event: ev.DialogueClosed) -> None:
    """End a dialogue: for one station by its answer, for all when nobody's is awaited any more."""
    dialogue = situation.dialogues[event.digest]
    state = situation.statements[event.digest]
    words = f"dialogue {event.how.lower()}"
    if event.how in ("ANSWERED", "READ"):
        by = situation.statements[event.statement].statement.sender
        dialogue.waiting.discard(by)
        if event.how == "ANSWERED":
            state.advance(by, Delivery.ANSWERED)
        if len(state.statement.to) > 1:
            words = f"{event.how} by {by}"
    else:
        dialogue.waiting.clear()
    if event.how == "CLOSED":
        for station in state.reached:
            state.advance(station, Delivery.CLOSED)
    if not dialogue.waiting:
        dialogue.how = event.how
        situation.expecting.pop(event.digest, None)
    state.steps.append((happening.at_ms, words))


def _deadline(
    situation: Situation,
    happening: Happening,
    event: ev.DeadlineSet | ev.DeadlineMet | ev.DeadlineMissed,
) -> None:
    if isinstance(event, ev.DeadlineSet):
        clock = Deadline(event.digest, event.clock, event.station, event.due_ms, event.incident)
        key = (event.digest, event.clock, event.station)
        situation.deadlines[key] = situation.clocks[key] = clock
        return
    state = situation.statements[event.digest]
    for clock in situation.deadlines_of(event.digest, event.clock):
        if event.station not in ("", clock.station):
            continue
        if isinstance(event, ev.DeadlineMissed):
            clock.state = "MISSED"
            state.steps.append((happening.at_ms, f"OVERDUE: no {event.clock} by {clock.station}"))
        elif clock.state != "MET":
            clock.met_late = clock.state == "MISSED"
            clock.state = "MET"
            situation.clocks.pop((event.digest, event.clock, clock.station), None)


def _progress(situation: Situation, happening: Happening, event: ev.Event) -> None:
    at_ms = happening.at_ms
    match event:
        case ev.ReceiptObtained():
            state = situation.statements[event.digest]
            state.receipt(event.peer, event.verdict, at_ms)
            if not state.unreceipted:
                situation.outbox.pop(event.digest, None)
        case ev.RejectionReceived():
            state = situation.statements[event.digest]
            state.rejected[event.peer] = event.reason
            if not state.unreceipted:
                situation.outbox.pop(event.digest, None)
            state.steps.append((at_ms, f"REJECTED by {event.peer}: {event.reason}"))
        case ev.DisplayedHere():
            state = situation.statements[event.digest]
            situation.doubted.pop(event.digest, None)
            state.advance(situation.station, Delivery.DISPLAYED)
            state.steps.append((at_ms, f"DISPLAYED here to {event.role}"))
        case ev.DisplayedThere():
            state = situation.statements[event.digest]
            state.advance(event.peer, Delivery.DISPLAYED)
            state.steps.append((at_ms, f"DISPLAYED at {event.peer}"))
        case ev.OfficerAcknowledged():
            state = situation.statements[event.digest]
            state.advance(event.station, Delivery.READ)
            state.read_by.append((event.station, event.role, event.name, event.at_ms))
            state.steps.append((at_ms, f"READ BY OFFICER at {event.station}: {event.role}"))
        case ev.ReadBack():
            state = situation.statements[event.digest]
            state.readbacks.append((event.station, event.agreed))
            if event.agreed:
                state.advance(event.station, Delivery.READ_BACK)
            words = "agrees" if event.agreed else "DIFFERS"
            state.steps.append((at_ms, f"READ BACK by {event.station}: {words}"))
        case ev.StatementRetracted():
            state = situation.statements[event.digest]
            state.retracted_by = event.statement
            state.steps.append((at_ms, "RETRACTED by its originator"))
        case ev.StatementCorrected():
            state = situation.statements[event.digest]
            state.corrected_by = event.statement
            state.steps.append((at_ms, "CORRECTED by its originator"))
        case ev.ClockDoubted():
            words = f"clocks differ by {event.difference_ms // 1000} s"
            situation.statements[event.digest].steps.append((at_ms, words))


def _station(situation: Situation, happening: Happening, event: ev.Event) -> None:
    match event:
        case ev.LedgerOpened():
            situation.station, situation.realm = event.station, event.realm
            situation.line, situation.generation = event.line, event.generation
            situation.begun = situation.begun or event.generation
            situation.our_order = None
        case ev.PeerGenerationAdmitted():
            before = situation.generation_of(event.peer)
            situation.generations[event.peer] = max(before, event.generation)
            fold_given_up(situation, event.peer, None)
        case ev.StatementRenumbered():
            state = situation.statements[event.digest]
            state.order = event.order
            state.orders.append(event.order)
            sender = state.statement.sender
            situation.seen_orders[sender, event.order.generation, event.order.seq] = event.order
            _follow(situation, sender, event.order)
        case ev.LinkChanged():
            fold_link(situation, event, happening.at_ms)
            begin_watch(situation, event, happening.at_ms)
        case ev.StatementQuarantined():
            situation.quarantined.append((happening.at_ms, event.sender, event.reason))
            situation.quarantine_keys.add((event.sender, event.digest, event.reason))
            fork = event.reason.startswith(FORK)
            kept = situation.forks_kept if fork else situation.refusals_kept
            kept[event.sender] = kept.get(event.sender, 0) + 1
            fold_refused(situation, event)
        case ev.HeadRefused():
            situation.refused_heads.add((event.peer, event.note))
        case ev.HeadRefusedThere():
            situation.refused_there.add((event.peer, event.origin, event.size, event.verdict))
        case ev.PackLoaded():
            situation.packs[event.pack] = event.digest
        case ev.WatchOpened():
            situation.officer, situation.role = event.name, event.role
        case ev.DrillStarted():
            situation.drill_started_ms = happening.at_ms
            situation.drill_scenario = event.scenario
        case ev.InjectPlayed():
            situation.injects.add((event.inject, event.trigger))
        case ev.DrillEnded():
            situation.drill_outcome = event.outcome
        case _:
            keep_house(situation, event)
            keep_trust(situation, event)
