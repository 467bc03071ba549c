"""From a peer's cell to what is recorded of it and answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import Command, TakeStatement
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.witness import HeadVerdict
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError
from hotline.station.asking import Asking
from hotline.station.footing import present
from hotline.station.intake import Taken
from hotline.station.introducing import admit_certificate, introductions
from hotline.station.keeping import Keeping
from hotline.station.recovering import Recovering
from hotline.station.releasing import Releasing
from hotline.station.requests import Recorded


class Receiving(Keeping, Recovering, Releasing, Asking):
    """The part of a station that takes what the peer says."""

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
        if taken.shown_back is not None and not self._stands(taken.shown_back):
            return
        fresh = [taken.head.fresh] if taken.head and taken.head.fresh else []
        recorded = await self._record(
            lambda _situation, _now_ms: self._all_of(taken),
            witnessed=fresh,
            cosignatures=taken.cosignatures,
            lasting=taken.lasting,
        )
        self._settle(recorded)
        if any(isinstance(one.event, ev.PeerGenerationAdmitted) for one in recorded.happenings):
            self._ask_back()
        self._answer(taken.statements[:1], recorded)
        for command in (*taken.statements[1:], *self._wanted(taken.returned)):
            recorded = await self._record(_only(command))
            self._settle(recorded)
            self._answer([command], recorded)
        self._answer_lasting(taken)
        self._acknowledge_head(taken)
        if taken.refetch is not None:
            await self._owe(taken.refetch)
        if taken.their_size is not None:
            self._show_again(taken.their_size)
        elif taken.unknown_key:
            self._outgoing.resend()
        self._fill(taken.missing)

    def _all_of(self, taken: Taken) -> Sequence[Command]:
        """Return what a packet asks for; its certificate is judged only now.

        Spec: docs/ledger.md §20.11
        """
        if taken.certificate is None:
            return taken.commands()
        admission = admit_certificate(self.line, taken.peer, taken.certificate)
        return [*taken.commands(), *([admission] if admission else [])]

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

    def _introduce(self) -> None:
        """Show the certificates of our later ledger keys before anything that they signed.

        Spec: docs/ledger.md §20.11
        """
        for item in introductions(self.line, self._ledger.public_records()):
            self._outgoing.put(lambda item=item: [item])  # type: ignore[misc]

    def _put_receipt(self, digest: str) -> None:
        self._outgoing.put(lambda: self._receipt_items(digest), key=digest)

    def _receipt_items(self, digest: str) -> Sequence[its.Item]:
        size = self._ledger.size
        return [
            *present(self._witness.prove(digest, size)),
            *present(self._witness.countersign(self.peer)),
            *present(self._witness.show(self.peer, size)),
        ]

    def _acknowledge_head(self, taken: Taken) -> None:
        head = taken.head
        if head is None:
            return
        if head.verdict is HeadVerdict.STALE:
            conflict = its.HeadConflictItem(origin=head.checkpoint.origin, size=head.held_size)
            self._outgoing.put(lambda: [conflict, *present(self._witness.give_back(self.peer))])
        elif head.verdict in (HeadVerdict.FORK, HeadVerdict.INCONSISTENT):
            self._refuse_head(head)
        elif head.verdict.may_countersign and not taken.statements:
            self._outgoing.put(lambda: present(self._witness.countersign(self.peer)))

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
        self._show_lasting()
        cosigned = self._witness.cosigned_size(self.peer)
        for state in self.situation.statements.values():
            if not state.outbound and state.index >= cosigned:
                self._put_receipt(state.digest)
        self._pump()
        self.show_head()


def _only(command: Command) -> Callable[[Situation, int], Sequence[Command]]:
    return lambda _situation, _now_ms: [command]
