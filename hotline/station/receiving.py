"""From a peer's cell to what is recorded of it and answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import Command, TakeStatement
from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.witness import HeadVerdict
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError
from hotline.sealing.packet import VerifiedPacket
from hotline.station.asking import Asking
from hotline.station.channels import ChannelTesting
from hotline.station.consoles_aside import ConsolesAside
from hotline.station.footing import present
from hotline.station.forks import resolutions
from hotline.station.handshaking import Handshaking, lost_keys
from hotline.station.intake import Taken
from hotline.station.introducing import admit_offered, introductions
from hotline.station.keeping import Keeping
from hotline.station.recovering import Recovering
from hotline.station.refusing import LATE, UNOPENED
from hotline.station.releasing import Releasing
from hotline.station.requests import Recorded
from hotline.station.trusting import Listed, Trusting
from hotline.station.witnessing import Witnessing

MAX_DISPLAYED_REPEATED = 64


class Receiving(
    Keeping,
    Trusting,
    Witnessing,
    Recovering,
    Releasing,
    Asking,
    Handshaking,
    ConsolesAside,
    ChannelTesting,
):
    """The part of a station that takes what its peers say."""

    async def _take_cell(self, cell: bytes, by: str = "") -> None:
        """Take a cell that came by a route to the station `by`; who sent it, the cell says.

        One that came by another route before is passed over: it is no replay, and the key
        that opened it may be gone.
        Spec: docs/protocol.md §7.4, §7.37
        """
        arrived = self._arrived[by or self.peer]
        if cell in arrived:
            return
        try:
            verified = self._courier.open(cell)
        except UnknownKeyError as error:
            self._refused[LATE] += 1
            self._nack_key(by or self.peer, error.key_id)
            self._repeat_tests(by or self.peer)
            return
        except PeerError:
            self._refused[UNOPENED] += 1
            return
        if verified.packet.sender == by:
            arrived.add(cell)
        if not verified.in_office:
            await self._hear_aside(verified)
            return
        in_office = self.line.roster.standing.endpoint_of(verified.packet.sender)
        if verified.endpoint != in_office:
            if not await self._let_take_over(verified):
                return
            await self._follow(verified.packet.sender, verified.endpoint)
        listed = await self._may_be_read(verified)
        if listed is Listed.BEHIND:
            self._settle_keys(verified)
        elif listed is Listed.STANDS:
            await self._take_packet(verified)

    async def _follow(self, peer: str, endpoint: int) -> None:
        """Speak with the console of a peer that took over, and with no other one.

        Spec: docs/protocol.md §4.36
        """
        if not self._courier.put_in_office(peer, endpoint):
            return
        self._begin_letters(peer, ask=False)
        await self.routes[peer].turn_to(endpoint, f"spare console {endpoint} of {peer} took over")

    async def _take_packet(self, verified: VerifiedPacket) -> None:
        by = self.routes[verified.packet.sender].heard_by
        taken = self._intake.sort(verified, self.situation, by)
        if taken.shown_back is not None and not self._stands(taken.shown_back):
            return
        fresh = [taken.head.fresh] if taken.head and taken.head.fresh else []
        recorded = await self._record(
            lambda _situation, _now_ms: self._all_of(taken),
            witnessed=fresh,
            cosignatures=taken.cosignatures,
            lasting=taken.lasting,
        )
        self._settle_keys(verified)
        self._settle(recorded)
        self._heed(recorded)
        self._attaching.take(taken.peer, verified.packet.items)
        if taken.head is not None:
            self._comparing.take_shown(taken.peer)
        self._say_splits(taken.splits, recorded)
        if any(isinstance(one.event, ev.PeerGenerationAdmitted) for one in recorded.happenings):
            self._ask_back(taken.peer)
        if lost_keys(verified):
            self._repeat_tests(taken.peer)
        self._answer_tests(taken, recorded)
        self._answer(taken.peer, taken.statements[:1], recorded)
        for command in (*taken.statements[1:], *self._wanted(taken.peer, taken.returned)):
            recorded = await self._record(_only(command))
            self._settle(recorded)
            self._answer(taken.peer, [command], recorded)
            await self._send_recovered(recorded)
        self._answer_lasting(taken)
        for proof in taken.joined:
            self._put(taken.peer, lambda proof=proof: [proof])  # type: ignore[misc]
        self._acknowledge_head(taken, late=verified.late)
        if taken.revocations_wanted is not None:
            self._answer_wanted(taken.peer, taken.revocations_wanted)
        if taken.refetch is not None:
            await self._owe(taken.peer, taken.refetch)
        if taken.their_size is not None:
            self._show_again(taken.peer, taken.their_size)
        self._fill(taken.peer, taken.missing)
        self._begin_lost(taken.peer)

    def _all_of(self, taken: Taken) -> Sequence[Command]:
        """Return what a packet asks for; the public records in it are judged only now.

        Spec: docs/ledger.md §20.11
        """
        found = [admit_offered(self.line, taken.peer, one) for one in taken.offered]
        return [*taken.commands(), *(admission for admission in found if admission)]

    def _answer(self, peer: str, commands: Sequence[Command], recorded: Recorded) -> None:
        """Receipt what is recorded, say what is refused."""
        for command, decision in zip(commands, recorded.decisions, strict=False):
            if decision.rejected is not None:
                digest, reason = decision.rejected
                refusal = its.RejectedItem(
                    digest=Digest(bytes.fromhex(digest)), reason=reason[:240]
                )
                self._put(peer, lambda refusal=refusal: [refusal])  # type: ignore[misc]
            elif isinstance(command, TakeStatement):
                if decision.duplicate:
                    # The receipt before did not serve: perhaps its head never arrived.
                    self._witness.forget_shown(peer)
                self._put_receipt(command.told.digest)

    def _begin_letters(self, peer: str, *, ask: bool) -> None:
        """Say anew all that a peer must know, to one that may have been started again."""
        self._outgoings[peer].restart()
        self._meet(peer, ask=ask)
        self._say_all(peer)
        self._tell_all_left(peer)

    def _begin_lost(self, peer: str) -> None:
        """Say all anew where letters were lost with the key that they were sealed to.

        Spec: docs/protocol.md §7.25
        """
        if not self._begins_anew(peer):
            return
        self._outgoings[peer].restart()
        if not self._courier.pairs[peer].theirs.announced:
            self._meet(peer, ask=True)
        self._say_all(peer)
        self.show_head(peer)

    def _say_all(self, peer: str) -> None:
        self._forget_shown_lists(peer)
        self._introduce(peer)
        self._greet(peer)
        self._tell_resolved(peer)
        self._ask_anew(peer)
        self._show_lasting(peer)
        self._repeat_displayed(peer)
        self._comparing.forget_told(peer)
        self._show_seen(peer)
        self._attaching.begin(peer)
        self._pump()

    def _tell_resolved(self, peer: str) -> None:
        """Tell a peer which forks were resolved here, its own and others'; it records each once.

        Spec: docs/protocol.md §7.11, §7.32
        """
        for item in resolutions(self._ledger):
            self._put(peer, lambda item=item: [item])  # type: ignore[misc]

    def _repeat_displayed(self, peer: str) -> None:
        """Say again what the peer may have missed: nothing acknowledges a `displayed`."""
        statements = self.situation.statements.values()
        inbound = [state for state in statements if state.statement.sender == peer]
        for state in inbound[-MAX_DISPLAYED_REPEATED:]:
            if state.least == Delivery.DISPLAYED:
                self._say_displayed(peer, state.digest, state.at_ms)

    def _introduce(self, peer: str) -> None:
        """Show our roots, certificates and revocations before anything that rests on them.

        Spec: docs/protocol.md §4.22, docs/ledger.md §20.11
        """
        for item in introductions(self.line, self._ledger.public_records()):
            self._put(peer, lambda item=item: [item])  # type: ignore[misc]

    def _put_receipt(self, digest: str) -> None:
        sender = self.situation.statements[digest].statement.sender
        self._put(sender, lambda: self._receipt_items(digest), key=digest)

    def _receipt_items(self, digest: str) -> Sequence[its.Item]:
        peer = self.situation.statements[digest].statement.sender
        size = self._ledger.size
        return [
            *present(self._witness.prove(digest, size)),
            *present(self._witness.countersign(peer)),
            *present(self._witness.show(peer, size)),
        ]

    def _acknowledge_head(self, taken: Taken, *, late: bool) -> None:
        """Say what we make of a head; that an overtaken one is old is no news.

        Spec: docs/protocol.md §7.36
        """
        head, peer = taken.head, taken.peer
        if head is None or (late and head.verdict is HeadVerdict.STALE):
            return
        if head.verdict is HeadVerdict.STALE:
            conflict = its.HeadConflictItem(origin=head.checkpoint.origin, size=head.held_size)
            self._put(peer, lambda: [conflict, *present(self._witness.give_back(peer))])
        elif head.verdict in (HeadVerdict.FORK, HeadVerdict.INCONSISTENT):
            self._refuse_head(peer, head)
        elif head.verdict.may_countersign and not taken.statements:
            self._put(peer, lambda: present(self._witness.countersign(peer)))

    def _settle(self, recorded: Recorded) -> None:
        if beyond := sum(decision.uncounted for decision in recorded.decisions):
            self._refused[UNOPENED] += beyond
        for happening in recorded.happenings:
            event = happening.event
            if isinstance(event, ev.ReceiptObtained | ev.RejectionReceived):
                self._outgoings[event.peer].landed(event.digest)
                if event.digest not in self.situation.outbox:
                    self._fresh_items.pop(event.digest, None)

    def _show_again(self, peer: str, their_size: int) -> None:
        """Go on from the head that the peer says it holds: what came with another proved nothing.

        Spec: docs/ledger.md §8.1
        """
        self._outgoings[peer].resend()
        self._witness.show_from(peer, their_size)
        self._show_lasting(peer)
        cosigned = self._witness.cosigned_size(peer)
        for state in self.situation.statements.values():
            if state.statement.sender == peer and state.index >= cosigned:
                self._put_receipt(state.digest)
        self._pump()
        self.show_head(peer)


def _only(command: Command) -> Callable[[Situation, int], Sequence[Command]]:
    return lambda _situation, _now_ms: [command]
