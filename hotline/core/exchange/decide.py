"""`decide(situation, rules, command, now)`: what is recorded of a command (design §3).

Pure. The station makes the decision durable, then folds it, then acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange import (
    acknowledging,
    channels,
    forks,
    gaps,
    generations,
    releasing,
)
from hotline.core.exchange import rules as known
from hotline.core.exchange.climbing import move_of
from hotline.core.exchange.commands import (
    AdmitGeneration,
    AdmitRecord,
    AdmitResolution,
    AskRelease,
    Command,
    EndRelease,
    HearEcho,
    HearQuery,
    HearTest,
    Note,
    ProbeChannel,
    Quarantine,
    RecoverStatement,
    SendAgain,
    SendStatement,
    TakeStatement,
    Tick,
)
from hotline.core.exchange.consequences import consequences, unread_by
from hotline.core.exchange.crossing import caught_up
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.rules import Rules, addresses_all
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.trust import admit_record, is_list_known
from hotline.core.exchange.upkeep import check_first_receipt, check_not_erased
from hotline.core.messages.statement import Statement
from hotline.core.messages.template import Template
from hotline.core.protocols.ladder import LadderState, Move, advance, next_acts
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST

MAX_QUARANTINED_KEYS = 10_000
MAX_QUARANTINED_FORKS = 1_000
"""Distinct refusals of one station that are kept; forks have room of their own, and so has each
station, so that no flood hides one.

What comes beyond is refused all the same and counted in CellsRefused.
"""

MAX_REFUSED_HEADS = 1_000
"""Distinct contradicting heads of one station kept as evidence; one is enough to convict."""


def decide(situation: Situation, rules: Rules, command: Command, now_ms: int) -> Decision:
    """Return what to record of `command`; the situation is not changed.

    Raises:
        OperatorError: our officer may not send this now; says what else may be sent.
    """
    match command:
        case SendStatement():
            return _send(situation, rules, command, now_ms)
        case AskRelease():
            return _ask_release(situation, rules, command, now_ms)
        case EndRelease():
            return releasing.end_release(situation, command)
        case SendAgain():
            return generations.send_again(situation, command)
        case RecoverStatement():
            return generations.recover(situation, rules, command, now_ms)
        case AdmitGeneration():
            return generations.admit(situation, command)
        case AdmitRecord():
            return admit_record(command)
        case AdmitResolution():
            return forks.admit_resolution(situation, command)
        case TakeStatement():
            return _take(situation, rules, command, now_ms)
        case Quarantine():
            return _quarantine(situation, command)
        case ProbeChannel() | HearTest() | HearEcho() | HearQuery():
            return _of_line(situation, command, now_ms)
        case Note():
            return Decision(tuple(Planned(event) for event in _news(situation, command.events)))
        case Tick():
            return _tick(situation, rules, now_ms)


def _of_line(
    situation: Situation, command: ProbeChannel | HearTest | HearEcho | HearQuery, now_ms: int
) -> Decision:
    if isinstance(command, HearQuery):
        return acknowledging.hear_query(situation, command)
    return channels.decide_test(situation, command, now_ms)


def _send(situation: Situation, rules: Rules, command: SendStatement, now_ms: int) -> Decision:
    told = command.told
    if command.inject in situation.injects:
        return Decision(duplicate=True)
    releasing.check_release(situation, told.digest, now_ms)
    _check_turn(situation, rules, told.statement, told.digest, told.template)
    sent = Planned.of_told(ev.StatementSent(digest=told.digest, order=told.order), told)
    played = (
        (Planned(ev.InjectPlayed(inject=command.inject[0], trigger=command.inject[1])),)
        if command.inject
        else ()
    )
    followed = tuple(Planned(event) for event in consequences(situation, rules, told, now_ms))
    return Decision((*played, sent, *followed))


def _ask_release(situation: Situation, rules: Rules, command: AskRelease, now_ms: int) -> Decision:
    _check_turn(situation, rules, command.statement, command.digest, command.template)
    return releasing.ask_release(situation, rules, command, now_ms)


def _check_turn(
    situation: Situation,
    rules: Rules,
    statement: Statement,
    digest: str,
    template: Template | None,
) -> None:
    """Refuse what would have no effect or may not be said on this line now."""
    if template is None:
        raise OperatorError("this station holds no template that the statement fits")
    forks.check_not_frozen(situation, template.id)
    about = situation.statements.get(statement.answers or "")
    if template.answers_required and about is None:
        raise OperatorError(f"{template.id} must answer a statement that is in the record")
    if template.id == known.ACKNOWLEDGEMENT and about is not None:
        _check_acknowledgement(situation, about.digest, outbound=about.outbound)
    move = move_of(statement, digest, template)
    if move is not None:
        _check_move(situation, rules, statement.incident, template, move)


def _check_move(
    situation: Situation, rules: Rules, name: str | None, template: Template, move: Move
) -> None:
    if name is None:
        raise OperatorError(f"{template.id} moves a ladder, so it must name its incident")
    incident = situation.incidents.get(name)
    ladder = incident.ladder if incident else LadderState()
    if ladder.state == rules.ladder.closed:
        raise OperatorError(f"{name} is closed on every side")
    moved = advance(rules.ladder, ladder, move, rules.members)
    if isinstance(moved, str):
        acts = " or ".join(next_acts(rules.ladder, ladder, move.station)) or "nothing"
        raise OperatorError(
            f"the ladder of {name} would not move: {moved}",
            hint=f"what you can do now: {acts}",
        )


def _check_acknowledgement(situation: Situation, digest: str, *, outbound: bool) -> None:
    if outbound:
        raise OperatorError("your own statement cannot be acknowledged by you")
    if not unread_by(situation, digest, situation.station):
        raise OperatorError("that statement needs no acknowledgement from you any more")


def _take(situation: Situation, rules: Rules, command: TakeStatement, now_ms: int) -> Decision:
    told, order = command.told, command.told.order
    recorded = situation.statements.get(told.digest)
    if recorded is not None and order in recorded.orders:
        return generations.take_again(recorded, command, now_ms)
    try:
        gap = _check_place(situation, rules, command)
    except PeerError as error:
        return _refuse(situation, command, str(error))
    if recorded is not None:
        return generations.take_again(recorded, command, now_ms)
    planned = []
    if gap:
        planned.append(Planned(gap))
    received = ev.StatementReceived.model_validate(
        {
            "digest": told.digest,
            "order": order,
            "verdict": command.verdict,
            "received_at_ms": now_ms,
        }
    )
    planned.append(Planned.of_told(received, told))
    difference_ms = command.sent_at_ms - now_ms
    if abs(difference_ms) > rules.clock_doubt_ms:
        planned.append(Planned(ev.ClockDoubted(digest=told.digest, difference_ms=difference_ms)))
    if command.verdict == "VERIFIED":
        planned += [Planned(event) for event in consequences(situation, rules, told, now_ms)]
        planned += caught_up(situation, rules, command, planned, now_ms)
    return Decision(tuple(planned))


def _check_place(situation: Situation, rules: Rules, command: TakeStatement) -> ev.GapSeen | None:
    """Check where the statement stands in its sender's order; return a gap before it.

    Raises:
        PeerError: replayed, forked, not addressed to us, or it does not continue the order.
    Spec: docs/protocol.md §7.4
    """
    statement, order = command.told.statement, command.told.order
    recorded = situation.statements.get(command.told.digest)
    if recorded is not None and order.generation <= recorded.order.generation:
        raise PeerError("replayed: this statement is recorded under another number")
    if situation.station not in (*statement.to, *statement.info):
        raise PeerError("it is not addressed to this station")
    if statement.sender in (*statement.to, *statement.info):
        raise PeerError("it is addressed to its own sender")
    if not addresses_all(statement, rules.members):
        raise PeerError("it is not addressed to every other member of its line, once")
    if statement.fields.get("reference", statement.answers) != statement.answers:
        raise PeerError("its reference is not the statement that it answers")
    generations.check_generation(situation, statement.sender, order)
    key = (statement.sender, order.generation, order.seq)
    check_not_erased(situation, statement.sender, order)
    if key in situation.seen_orders:
        raise PeerError(f"{known.FORK}: number {order.seq} of {statement.sender} stands already")
    check_first_receipt(situation, command.told.digest)
    fault = _chain_fault(situation, statement.sender, order)
    if fault:
        raise PeerError(fault)
    return gaps.gap_before(situation, statement.sender, order)


def _refuse(situation: Situation, command: TakeStatement, reason: str) -> Decision:
    """Quarantine a statement that has no place here; a fork is told of besides.

    Spec: docs/protocol.md §7.11
    """
    told = command.told
    kept = Quarantine(command.peer, told.digest, reason, told.item, told.order)
    refused = _quarantine(situation, kept)
    fork = forks.fork_seen(situation, command) if reason.startswith(known.FORK) else None
    if fork is None or not refused.events:
        return refused
    return Decision((*refused.events, Planned(fork)), rejected=refused.rejected)


def _chain_fault(situation: Situation, sender: str, order: ev.OrderRef) -> str:
    """Return how an order contradicts a neighbour, whichever came first; "" if it does not.

    Spec: docs/protocol.md §7.1
    """
    before = situation.seen_orders.get((sender, order.generation, order.seq - 1))
    after = situation.seen_orders.get((sender, order.generation, order.seq + 1))
    expected = ZERO_DIGEST.hex() if order.seq == 1 else before and before.digest
    if expected and order.prev != expected:
        return f"number {order.seq} of {sender} does not continue its order"
    if after and after.prev != order.digest:
        return f"number {order.seq + 1} of {sender} does not continue this order"
    return ""


def _quarantine(situation: Situation, command: Quarantine) -> Decision:
    """Keep it once per digest and reason, show it, and tell the peer each time.

    What was erased is not kept again: the enclosure would be sealed under a key that lives.
    Its number is named when no neighbour says that another statement must stand there.
    Spec: docs/ledger.md §20.7, docs/protocol.md §7.10
    """
    rejected = (command.digest, command.reason) if command.digest else None
    reason = command.reason[: ev.MAX_REASON_CHARACTERS]
    key = (command.peer, command.digest, reason)
    if key in situation.quarantine_keys:
        return Decision(rejected=rejected)
    if _quarantine_is_full(situation, command.peer, reason):
        return Decision(rejected=rejected, uncounted=True)
    order = command.order
    if order is not None and _chain_fault(situation, command.peer, order):
        order = None
    event = ev.StatementQuarantined(
        sender=command.peer, digest=command.digest, reason=reason, order=order
    )
    erased = reason.startswith(known.ERASED) or command.digest in situation.erased_received
    item = None if erased else command.item
    return Decision((Planned(event, item=item),), rejected=rejected)


def _quarantine_is_full(situation: Situation, peer: str, reason: str) -> bool:
    if reason.startswith(known.FORK):
        return situation.forks_kept.get(peer, 0) >= MAX_QUARANTINED_FORKS
    return situation.refusals_kept.get(peer, 0) >= MAX_QUARANTINED_KEYS


def _news(situation: Situation, events: Sequence[ev.Event]) -> Iterator[ev.Event]:
    """Yield what the record does not say yet; of two that say the same, the first."""
    told: set[tuple[object, ...]] = set()
    for event in events:
        key = _key(event)
        if key not in told and not _known(situation, event):
            told.add(key)
            yield event


def _key(event: ev.Event) -> tuple[object, ...]:
    match event:
        case ev.ReceiptObtained() | ev.RejectionReceived():
            return ("outcome", event.digest, event.peer)
        case ev.DisplayedThere():
            return ("displayed", event.digest, event.peer)
        case _:
            return (event,)


def _known(situation: Situation, event: ev.Event) -> bool:
    """Return whether the record says this already, or it speaks of nothing we sent."""
    match event:
        case ev.ReceiptObtained():
            state = situation.statements.get(event.digest)
            return state is None or event.peer in state.receipted
        case ev.RejectionReceived():
            state = situation.statements.get(event.digest)
            return state is None or event.peer not in state.unreceipted
        case ev.DisplayedThere():
            state = situation.statements.get(event.digest)
            words = f"DISPLAYED at {event.peer}"
            return (
                state is None
                or not state.outbound
                or event.peer not in state.reached
                or any(step == words for _, step in state.steps)
            )
        case ev.DisplayedHere():
            state = situation.statements.get(event.digest)
            return state is None or state.outbound or state.least > 1
        case ev.InjectPlayed():
            return (event.inject, event.trigger) in situation.injects
        case ev.HeadRefused():
            heads = situation.refused_heads
            kept = sum(peer == event.peer for peer, _ in heads)
            return (event.peer, event.note) in heads or kept >= MAX_REFUSED_HEADS
        case ev.SplitSeen():
            return forks.is_split_known(situation, event)
        case ev.HeadRefusedThere():
            told = (event.peer, event.origin, event.size, event.verdict)
            heads_there = situation.refused_there
            kept = sum(peer == event.peer for peer, *_ in heads_there)
            return told in heads_there or kept >= MAX_REFUSED_HEADS
        case ev.RevocationsRefused():
            return is_list_known(situation, event)
        case ev.WitnessAnswered():
            return situation.witnesses.get(event.witness) == event.state
        case ev.DrillStarted():
            return situation.drill_started_ms is not None
        case ev.DrillEnded():
            return bool(situation.drill_outcome)
        case _:
            return False


def _tick(situation: Situation, rules: Rules, now_ms: int) -> Decision:
    missed = [
        Planned(
            ev.DeadlineMissed.model_validate(
                {"digest": clock.digest, "clock": clock.clock, "station": clock.station}
            )
        )
        for clock in situation.running()
        if clock.state == "RUNNING" and clock.due_ms <= now_ms
    ]
    expired = [Planned(event) for event in releasing.expired(situation, now_ms)]
    asked = [Planned(event) for event in acknowledging.missing(situation, rules, now_ms)]
    tests = [Planned(event) for event in channels.overdue(situation, rules.channel, now_ms)]
    return Decision((*asked, *missed, *expired, *tests))
