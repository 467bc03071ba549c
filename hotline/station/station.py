"""The station on one line: commands from desks, cells from peers, and time passing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from hotline.core.errors import HotlineError, InvariantError, OperatorError, PeerError
from hotline.core.exchange.commands import Command, Note, SendStatement, TakeStatement, Tick
from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.rules import GENERATION, Rules
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.ledger.store import Ledger
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError
from hotline.sealing.order import Order, order_digest, sign_order
from hotline.sealing.statements import VerifiedStatement, verify_statement
from hotline.station.courier import Courier
from hotline.station.intake import Intake, Taken, told
from hotline.station.line import Line
from hotline.station.outgoing import Outgoing
from hotline.station.recorder import Recorded, Recorder
from hotline.station.witness import Witness
from hotline.transport.route import OnCell, OnFault, OnState, Route

TICK_S = 0.5
REFUSED_SUMMARY_S = 60.0
MAX_DISPLAYED_REPEATED = 64
MAX_SENT_ITEM_BYTES = 49_152
"""A statement with its order; a packet's head, proofs and announcement need the rest of a cell."""

MakeRoute = Callable[[OnCell, OnState, OnFault], Route]


class Station:
    """One station on a line with one peer. Everything happens on one event loop."""

    def __init__(self, line: Line, ledger: Ledger, rules: Rules, make_route: MakeRoute) -> None:
        """Fold the ledger and prepare the route; nothing is opened before `run`.

        Raises:
            IntegrityError: the ledger does not read.
        """
        self.line, self.rules = line, rules
        self.peer = next(member for member in line.roster.members if member != line.station)
        self._ledger = ledger
        self._recorder = Recorder(ledger, rules, line.clock)
        self._witness = Witness(line, ledger)
        self._intake = Intake(line, rules, self._witness)
        self._courier = Courier(line)
        self.route = make_route(self._take_cell, self._link_changed, self._fault)
        self._outgoing = Outgoing(
            self.peer, self.route, self._courier, self._witness, self._statement_items, self._fault
        )
        self._fresh_items: dict[str, its.StatementItem] = {}
        self._refused = 0
        self._leaving = False
        self._refused_said_s = 0.0
        self._fatal: asyncio.Future[None] | None = None
        self.faults: list[str] = []

    # --- what desks see and ask ------------------------------------------------

    @property
    def situation(self) -> Situation:
        """What is so, as the ledger says. Read it; only the station changes it."""
        return self._recorder.situation

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        return self._recorder.subscribe(changed)

    def sending(self, digest: str) -> bool:
        """Return whether a statement is on its way right now."""
        return self._outgoing.sending(digest)

    async def submit(self, envelope: bytes, *, inject: tuple[str, str] | None = None) -> str:
        """Record an officer's signed statement, then send it.

        Args:
            envelope: As `sign_statement` made it.
            inject: (id, trigger) when a drill's script sends it: it plays once only.
        Returns:
            The statement's digest in hex; "" when the inject was played before.
        Raises:
            OperatorError: it may not be sent now, or is not one of this station's.
            StorageError: it could not be recorded; nothing was sent.
        """
        verified = self._verified(envelope)
        recorded = await self._record(
            lambda situation, _now_ms: [
                SendStatement(self._ordered(situation, verified, envelope), inject)
            ]
        )
        if recorded.decisions[0].duplicate:
            return ""
        self._pump()
        return verified.digest.hex()

    async def displayed(self, digest: str, role: str) -> None:
        """Record that an inbound statement stood on an officer's screen, and say so."""
        recorded = await self.note(ev.DisplayedHere(digest=digest, role=role))
        if recorded.happenings:
            self._say_displayed(digest, recorded.happenings[0].at_ms)

    async def note(self, *events: ev.Event) -> Recorded:
        """Record facts of this station."""
        return await self._record(lambda _situation, _now_ms: [Note(events)])

    def show_head(self) -> None:
        """Show the peer our newest head, so that it countersigns everything up to now."""
        self._outgoing.put(lambda: _present(self._witness.show(self.peer)))

    def leave(self) -> None:
        """The watch is over: that the link goes down now is no news, and is not recorded."""
        self._leaving = True

    @property
    def settled(self) -> bool:
        """Whether nothing waits to go out and the peer countersigned all our entries."""
        covered = self._witness.cosigned_size(self.peer) == self._ledger.size
        return covered and not self.situation.outbox

    # --- life --------------------------------------------------------------------

    async def run(self) -> None:
        """Work the line until cancelled.

        Raises:
            StorageError: recording failed; start again from the disk.
            LinkError: the address to listen at cannot be bound.
        """
        self._fatal = asyncio.get_running_loop().create_future()
        link = self.situation.links.get(self.peer)
        if link is not None and link.state == "UP":
            await self.note(self._link_event("DOWN", "this station was started again"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.route.run())
            tasks.create_task(self._outgoing.run())
            tasks.create_task(self._tick())
            tasks.create_task(_until(self._fatal))

    async def close(self) -> None:
        """Close the route and the ledger. Call it once `run` has ended."""
        with contextlib.suppress(HotlineError):
            await self.route.close()
        await self._recorder.close()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            now_ms = self.line.clock()
            due = any(
                clock.state == "RUNNING" and clock.due_ms <= now_ms
                for clock in self.situation.clocks.values()
            )
            if due:
                await self._record(lambda _situation, _now_ms: [Tick()])
            if self._refused and loop.time() - self._refused_said_s >= REFUSED_SUMMARY_S:
                await self._say_refused(loop.time())
            self._pump()

    async def _say_refused(self, now_s: float) -> None:
        count, self._refused, self._refused_said_s = self._refused, 0, now_s
        await self.note(ev.CellsRefused(count=count, reason="cells that do not open"))

    async def _record(
        self, commands: Callable[[Situation, int], Sequence[Command]], **rows: Any
    ) -> Recorded:
        try:
            return await self._recorder.record(commands, **rows)
        except InvariantError as error:
            self._stop(error)
            raise
        finally:
            if self._recorder.failure is not None:
                self._stop(self._recorder.failure)

    def _stop(self, error: Exception) -> None:
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_exception(error)

    # --- sending ------------------------------------------------------------------

    def _verified(self, envelope: bytes) -> VerifiedStatement:
        try:
            verified = verify_statement(self.line.roster, envelope, at_ms=self.line.clock())
        except PeerError as error:
            raise OperatorError(f"the statement was not sent: {error}") from error
        if verified.statement.sender != self.line.station:
            raise OperatorError("the statement was not sent: it is not one of this station's")
        if verified.verdict != "VERIFIED":
            raise OperatorError(
                "the statement was not sent: your certificate is not valid now",
                hint="ask the station's security officer to renew it",
            )
        return verified

    def _ordered(self, situation: Situation, verified: VerifiedStatement, envelope: bytes) -> Any:
        if verified.digest.hex() in situation.statements:
            raise OperatorError("that statement was sent already")
        before = situation.our_order
        order = Order(
            line=self.line.roster.line,
            sender=self.line.station,
            generation=GENERATION,
            seq=situation.next_seq(),
            prev=Digest(bytes.fromhex(before.digest)) if before else ZERO_DIGEST,
            digest=verified.digest,
        )
        signed = sign_order(order, self.line.ledger, self.line.ledger_certificate)
        item = its.StatementItem(envelope=envelope, order=signed)
        if len(its.encode_item(item)) > MAX_SENT_ITEM_BYTES:
            raise OperatorError("the statement is too long to be sent", hint="shorten its text")
        self._fresh_items[verified.digest.hex()] = item
        reference = ev.OrderRef(
            generation=order.generation,
            seq=order.seq,
            prev=order.prev.hex(),
            digest=order_digest(order).hex(),
        )
        return told(verified, reference, its.encode_item(item), self.rules)

    def _pump(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._outgoing.pump(self.situation, self.rules, now_s)

    def _statement_items(self, digest: str) -> Sequence[its.Item]:
        """Build a statement's packet when its turn comes; empty if it was receipted since."""
        state = self.situation.statements[digest]
        if self.peer not in state.unreceipted:
            return ()
        item: its.Item | None = self._fresh_items.get(digest)
        if item is None:
            item = its.decode_item(self._ledger.enclosure(state.index))
        return [item, *_present(self._witness.show(self.peer))]

    def _say_displayed(self, digest: str, at_ms: int) -> None:
        said = its.DisplayedItem(digest=Digest(bytes.fromhex(digest)), at=format_time(at_ms))
        self._outgoing.put(lambda: [said])

    # --- receiving ------------------------------------------------------------------

    async def _take_cell(self, cell: bytes) -> None:
        try:
            verified = self._courier.open(cell)
        except UnknownKeyError:
            self._refused += 1
            nack = its.NackItem(code="unknown-key", detail="seal to the key on our newest card")
            self._outgoing.put(lambda: [nack])
            return
        except PeerError:
            self._refused += 1
            return
        taken = self._intake.sort(verified, self.situation)
        fresh = [taken.head.fresh] if taken.head and taken.head.fresh else []
        recorded = await self._record(
            lambda _situation, _now_ms: taken.commands(),
            witnessed=fresh,
            cosignatures=taken.cosignatures,
        )
        self._settle(recorded)
        self._answer(taken.statements[:1], recorded)
        for command in taken.statements[1:]:
            recorded = await self._record(_only(command))
            self._settle(recorded)
            self._answer([command], recorded)
        self._acknowledge_head(taken)
        if taken.their_size is not None:
            self._show_again(taken.their_size)
        elif taken.unknown_key:
            self._outgoing.resend()

    def _answer(self, commands: Sequence[Command], recorded: Recorded) -> None:
        """Receipt what is recorded, say what is refused."""
        for command, decision in zip(commands, recorded.decisions, strict=False):
            if decision.rejected is not None:
                digest, reason = decision.rejected
                refusal = its.RejectedItem(
                    digest=Digest(bytes.fromhex(digest)), reason=reason[:240]
                )
                self._outgoing.put(lambda refusal=refusal: [refusal])  # type: ignore[misc]
            elif isinstance(command, TakeStatement):
                if decision.duplicate:
                    # The receipt before did not serve: perhaps its head never arrived.
                    self._witness.forget_shown(self.peer)
                self._put_receipt(command.told.digest)

    def _put_receipt(self, digest: str) -> None:
        self._outgoing.put(lambda: self._receipt_items(digest), key=digest)

    def _receipt_items(self, digest: str) -> Sequence[its.Item]:
        size = self._ledger.size
        return [
            *_present(self._witness.prove(digest, size)),
            *_present(self._witness.countersign(self.peer)),
            *_present(self._witness.show(self.peer, size)),
        ]

    def _acknowledge_head(self, taken: Taken) -> None:
        head = taken.head
        if head is None:
            return
        if head.verdict.name == "STALE":
            conflict = its.HeadConflictItem(origin=head.checkpoint.origin, size=head.held_size)
            self._outgoing.put(lambda: [conflict])
        elif head.verdict.may_countersign and not taken.statements:
            self._outgoing.put(lambda: _present(self._witness.countersign(self.peer)))

    def _settle(self, recorded: Recorded) -> None:
        self._refused += sum(decision.uncounted for decision in recorded.decisions)
        for happening in recorded.happenings:
            event = happening.event
            if isinstance(event, ev.ReceiptObtained | ev.RejectionReceived):
                self._outgoing.landed(event.digest)
                self._fresh_items.pop(event.digest, None)

    def _show_again(self, their_size: int) -> None:
        """Go on from the head that the peer says it holds: what came with another proved nothing.

        Spec: docs/ledger.md §8.1
        """
        self._outgoing.resend()
        self._witness.show_from(self.peer, their_size)
        cosigned = self._witness.cosigned_size(self.peer)
        for state in self.situation.statements.values():
            if not state.outbound and state.index >= cosigned:
                self._put_receipt(state.digest)
        self._pump()
        self.show_head()

    # --- the link --------------------------------------------------------------------

    def _link_event(self, state: str, reason: str) -> ev.LinkChanged:
        return ev.LinkChanged(
            peer=self.peer, route=self.route.name, state=state, reason=reason[:400]
        )

    async def _link_changed(self, state: str, reason: str) -> None:
        """Record what an officer must know; dialling again and again is not news."""
        link = self.situation.links.get(self.peer)
        before = link.state if link else "DOWN"
        now = "DOWN" if state == "DIALING" else state
        if now != before and not self._leaving:
            await self.note(self._link_event(now, reason))
        self._outgoing.restart()
        if state == "UP":
            self._repeat_displayed()
            self._pump()
            self.show_head()

    def _repeat_displayed(self) -> None:
        """Say again what the peer may have missed: nothing acknowledges a `displayed`."""
        inbound = [state for state in self.situation.statements.values() if not state.outbound]
        for state in inbound[-MAX_DISPLAYED_REPEATED:]:
            if state.least == Delivery.DISPLAYED:
                self._say_displayed(state.digest, state.at_ms)

    def _fault(self, error: Exception) -> None:
        """A callback of the route failed: keep the sentence, stop only for what must stop."""
        self.faults.append(
            error.sentence() if isinstance(error, HotlineError) else type(error).__name__
        )
        del self.faults[:-100]


def _present(item: its.Item | None) -> list[its.Item]:
    return [] if item is None else [item]


async def _until(fatal: asyncio.Future[None]) -> None:
    await fatal


def _only(command: Command) -> Callable[[Situation, int], Sequence[Command]]:
    return lambda _situation, _now_ms: [command]
