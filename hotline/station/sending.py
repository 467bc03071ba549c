"""From an officer's signed statement to a packet: order it, record it, then send it."""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import Note, SendStatement, Told
from hotline.core.exchange.rules import addresses_all
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing import items as its
from hotline.sealing.certificate import Certificate
from hotline.sealing.order import Order, sign_order
from hotline.sealing.statements import VerifiedStatement, verify_statement
from hotline.station.attachments import Attached
from hotline.station.filing import Filing
from hotline.station.footing import present
from hotline.station.intake import told
from hotline.station.refusing import reference_of
from hotline.station.requests import Recorded

MAX_SENT_ITEM_BYTES = 49_152
"""A statement with its order; a packet's head, proofs and announcement need the rest of a cell."""


class Sending(Filing):
    """The part of a station that speaks for its officers."""

    async def submit(
        self,
        envelope: bytes,
        *,
        inject: tuple[str, str] | None = None,
        attached: Sequence[Attached] = (),
    ) -> str:
        """Record an officer's signed statement, then send it.

        Args:
            envelope: As `sign_statement` made it.
            inject: (id, trigger) when a drill's script sends it: it plays once only.
            attached: The files that travel beside it, as `attach` made them.
        Returns:
            The statement's digest in hex; "" when the inject was played before.
        Raises:
            OperatorError: it may not be sent now, or is not one of this station's.
            StorageError: it could not be recorded; nothing was sent.
        """
        verified = self._verified(envelope)
        keyed = self._keyed(verified.statement, verified.digest.hex(), attached)
        recorded = await self._record(
            lambda situation, _now_ms: [
                SendStatement(self._ordered(situation, verified, envelope), inject),
                Note(keyed),
            ]
        )
        if recorded.decisions[0].duplicate:
            return ""
        self._adopt(attached)
        self._keep_fresh(recorded)
        self._pump()
        return verified.digest.hex()

    async def displayed(self, digest: str, role: str) -> None:
        """Record that an inbound statement stood on an officer's screen, and say so."""
        recorded = await self.note(ev.DisplayedHere(digest=digest, role=role))
        if recorded.happenings:
            sender = self.situation.statements[digest].statement.sender
            self._say_displayed(sender, digest, recorded.happenings[0].at_ms)

    def _verified(self, envelope: bytes) -> VerifiedStatement:
        try:
            verified = verify_statement(self.line.roster, envelope, at_ms=self.line.clock())
        except PeerError as error:
            raise OperatorError(f"the statement was not sent: {error}") from error
        if verified.statement.sender != self.line.station:
            raise OperatorError("the statement was not sent: it is not one of this station's")
        if not addresses_all(verified.statement, self.line.roster.members):
            raise OperatorError(
                "the statement was not sent: every other member of the line is addressed, once",
                hint="name each in `to` or in `info`",
            )
        if verified.verdict != "VERIFIED":
            self._check_signers(verified)
        return verified

    def _check_signers(self, verified: VerifiedStatement) -> None:
        """Refuse a statement of ours that its receivers would not believe; say whose fault it is.

        Of two who signed, it may be the first one, and the second one reads this.
        Spec: docs/protocol.md §4.16, §4.23
        """
        now_ms, roster = self.line.clock(), self.line.roster
        doubted = [one for one in verified.signers if not roster.trusts(one, now_ms)]
        if len(verified.signers) == 1:
            self._check_own(verified.signers[0], "the statement was not sent")
        raise OperatorError(
            f"the statement was not sent: the certificate of {doubted[0].shown} is not valid now",
            hint="refuse it; an officer whose certificate is valid writes it again",
        )

    def _check_own(self, officer: Certificate, undone: str) -> None:
        """Refuse what an officer does at this station whose certificate counts for nothing now.

        Args:
            undone: What was not done, in words.
        Raises:
            OperatorError: it is expired, not valid yet, revoked or suspended.
        Spec: docs/protocol.md §4.23
        """
        if not self.line.roster.trusts(officer, self.line.clock()):
            raise OperatorError(
                f"{undone}: your certificate is not valid now",
                hint="ask the station's security officer to renew it",
            )

    def _ordered(self, situation: Situation, verified: VerifiedStatement, envelope: bytes) -> Told:
        if verified.digest.hex() in situation.statements:
            raise OperatorError("that statement was sent already")
        return self._placed(situation, verified, envelope)

    def _placed(self, situation: Situation, verified: VerifiedStatement, envelope: bytes) -> Told:
        """Give a statement the next place in our order."""
        before = situation.our_order
        order = Order(
            line=self.line.roster.line,
            sender=self.line.station,
            generation=situation.generation,
            seq=situation.next_seq(),
            prev=Digest(bytes.fromhex(before.digest)) if before else ZERO_DIGEST,
            digest=verified.digest,
        )
        signed = sign_order(order, self.line.ledger, self.line.ledger_certificate)
        item = its.StatementItem(envelope=envelope, order=signed)
        if len(its.encode_item(item)) > MAX_SENT_ITEM_BYTES:
            raise OperatorError("the statement is too long to be sent", hint="shorten its text")
        return told(verified, reference_of(order), its.encode_item(item), self.rules)

    def _keep_fresh(self, recorded: Recorded) -> None:
        """Have a statement at hand for its packet, once it is durable under its order."""
        for one in recorded.decisions[0].events:
            item = its.decode_item(one.item) if one.item else None
            if isinstance(one.event, ev.StatementSent) and isinstance(item, its.StatementItem):
                self._fresh_items[one.event.digest] = item

    def _statement_items(self, peer: str, digest: str) -> Sequence[its.Item]:
        """Build a statement's packet when its turn comes; empty if it was receipted since."""
        state = self.situation.statements[digest]
        if peer not in state.unreceipted or state.index < 0:
            return ()
        item: its.Item | None = self._fresh_items.get(digest)
        if item is None:
            item = its.decode_item(self._enclosure(state.index))
        return [item, *present(self._witness.show(peer))]

    def _say_displayed(self, peer: str, digest: str, at_ms: int) -> None:
        said = its.DisplayedItem(digest=Digest(bytes.fromhex(digest)), at=format_time(at_ms))
        self._put(peer, lambda: [said])
