"""What stations tell each other when a ledger was put back (docs/ledger.md §8, §19)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import IntegrityError, InvariantError, PeerError, StorageError
from hotline.core.exchange.commands import Quarantine, RecoverStatement, SendAgain
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.generations import our_missing, owed, their_missing
from hotline.core.records.events import StatementRecovered
from hotline.core.records.witness import HeadVerdict
from hotline.ledger.reader import LedgerReader
from hotline.sealing import items as its
from hotline.sealing.authorisation import Act, verify_authorisation
from hotline.sealing.statements import verify_statement
from hotline.station.footing import present
from hotline.station.past import RENEW_HINT
from hotline.station.requests import Recorded
from hotline.station.sending import Sending
from hotline.station.witness import JudgedHead, ShownBack

OWED_RANK = 9
"""What is given back goes after every statement that waits to be said for the first time."""

MAX_OWED = 1_000
"""Statements given back or repeated for one asking; whoever lost more asks again."""

ASK_AGAIN_S = 60.0
ANSWER_AGAIN_S = 50.0
MAX_ANSWERS = 4
"""So often in that time a peer's asking is answered: when the link comes up, when it admits
our generation, and then each minute while something comes back."""


@dataclass(slots=True)
class Recovery:
    """Where we are with one peer.

    Attributes:
        asked: We asked it for what we lost since the link came up; `asked_s`: when, and
            `came_back`: whether something came since, so that it is asked again.
        answers: When we answered its own asking.
        owed: What it still gets back, in order.
    """

    asked: bool = False
    asked_s: float = 0.0
    came_back: bool = False
    answers: list[float] = field(default_factory=list)
    owed: tuple[str, ...] = ()


class Recovering(Sending):
    """The part of a station that finds out what was lost, here or there, and brings it back."""

    _recoveries: dict[str, Recovery]

    # --- when the link is up -----------------------------------------------------------

    def _greet(self, peer: str) -> None:
        """Say what the peer must know before anything else of this station's reaches it.

        Spec: docs/ledger.md §8.6, §19.5, §19.6
        """
        recovery = self._recoveries[peer]
        recovery.owed, recovery.asked = (), False
        for item in self._generation_items():
            self._put(peer, lambda item=item: [item])  # type: ignore[misc]
        self._put(peer, lambda: present(self._witness.give_back(peer)))
        self._ask_back(peer)
        # The first answer may be lost or refused: once more in a minute.
        recovery.came_back = True

    def _generation_items(self) -> Iterator[its.GenerationItem]:
        """Yield the authorisations of all our generations after the first, oldest first."""
        if self.situation.generation > 1:
            for reader in (*self._past.readers, self._ledger):
                yield from self._authorised(reader)

    def _authorised(self, reader: LedgerReader) -> Iterator[its.GenerationItem]:
        for record in reader.public_records():
            try:
                verified = verify_authorisation(self.line.roster, record, act=Act.GENERATION)
            except PeerError:
                continue
            if verified.authorisation.station == self.line.station:
                yield its.GenerationItem(envelope=record)

    def _ask_back(self, peer: str) -> None:
        """Ask for what we lost, if an earlier ledger of ours was put back."""
        situation = self.situation
        if situation.generation <= 1:
            return
        recovery = self._recoveries[peer]
        recovery.asked, recovery.asked_s = True, asyncio.get_running_loop().time()
        recovery.came_back = False
        item = its.RefetchItem(
            ours=tuple(our_missing(situation, peer)),
            yours=tuple(their_missing(situation, peer)),
        )
        self._put(peer, lambda: [item])

    # --- what the peer holds of ours -----------------------------------------------------

    def _stands(self, shown: ShownBack) -> bool:
        """Return whether our ledger is the one whose head the peer holds; if not, stop.

        Spec: docs/ledger.md §10.4
        """
        try:
            if self._kept.shelf is not None:
                self._kept.shelf.keep_view(shown.checkpoint, shown.note)
        except StorageError as refused:
            # It is shown again whenever the link comes up; whether we stop does not wait for it.
            self._fault(refused)
        if not shown.fault:
            return True
        error = IntegrityError(shown.fault, hint=RENEW_HINT)
        self._recorder.failure = self._recorder.failure or error
        self._stop(error)
        return False

    def _refuse_head(self, peer: str, head: JudgedHead) -> None:
        """Tell the peer that its head contradicts one we hold; keep the proof of a fork.

        Spec: docs/ledger.md §8.5
        """
        checkpoint, held, shelf = head.checkpoint, head.held, self._kept.shelf
        if head.verdict is HeadVerdict.FORK and held is not None and shelf is not None:
            try:
                records = self._ledger.public_records()
                shelf.keep_fork(held.note, checkpoint, head.note, records)
            except StorageError as error:
                # The event of it is in the ledger; the file is a copy for others.
                self._fault(error)
        said = its.HeadRefusedItem(
            origin=checkpoint.origin,
            size=checkpoint.size,
            verdict="FORK" if head.verdict is HeadVerdict.FORK else "INCONSISTENT",
        )
        self._put(
            peer,
            lambda: [said, *present(self._witness.give_back(peer))],
            key=f"refused {said.size}",
        )

    # --- what comes back -----------------------------------------------------------------

    def _wanted(
        self, peer: str, returned: Sequence[RecoverStatement]
    ) -> list[RecoverStatement] | list[Quarantine]:
        """Return what may come back; what nobody asked for may not.

        Spec: docs/ledger.md §19.7
        """
        if not returned:
            return []
        if not self._recoveries[peer].asked:
            return [Quarantine(peer, "", "returned: nothing was asked back", None)]
        self._recoveries[peer].came_back = True
        return list(returned)

    async def _resend_outbox(self) -> None:
        """Give what never arrived in an earlier generation its place in this one.

        Spec: docs/ledger.md §19.8
        """
        for digest in list(self.situation.outbox):
            await self._send_again(digest)

    async def _send_recovered(self, recorded: Recorded) -> None:
        """Send what came back from one peer to the others, who may never have got it.

        Spec: docs/ledger.md §19.8
        """
        for one in recorded.happenings:
            if isinstance(one.event, StatementRecovered) and one.event.digest in (
                self.situation.outbox
            ):
                await self._send_again(one.event.digest)

    async def _send_again(self, digest: str) -> None:
        state = self.situation.statements[digest]
        if not self._is_left_behind(state):
            return
        try:
            envelope = self._item_of(state).envelope
            verified = verify_statement(self.line.roster, envelope, at_ms=self.line.clock())
        except (IntegrityError, InvariantError, PeerError) as error:
            # It stays in the outbox and is shown there; the others go on.
            self._fault(error)
            return
        await self._record(
            lambda situation, _now_ms: [SendAgain(self._placed(situation, verified, envelope))]
        )

    # --- what the peer lost --------------------------------------------------------------

    async def _owe(self, peer: str, asked: its.RefetchItem) -> None:
        """Begin to give back what a peer lost, as often as it may ask.

        Spec: docs/ledger.md §19.6
        """
        recovery, now_s = self._recoveries[peer], asyncio.get_running_loop().time()
        recovery.answers = [one for one in recovery.answers if now_s - one < ANSWER_AGAIN_S]
        if len(recovery.answers) >= MAX_ANSWERS:
            return
        recovery.answers.append(now_s)
        found = owed(self.situation, peer, asked.ours, asked.yours)[:MAX_OWED]
        ours = [one for one in found if self._is_left_behind(self.situation.statements[one])]
        for digest in ours:
            await self._send_again(digest)
        recovery.owed = tuple(one for one in found if one not in set(ours))
        self._give_next(peer)

    def _is_left_behind(self, state: StatementState) -> bool:
        """Return whether a statement of ours has no order that the peer would take today."""
        return state.outbound and state.order.generation < self.situation.generation

    def _give_next(self, peer: str) -> None:
        if self._recoveries[peer].owed:
            self._put(peer, lambda: self._next_owed(peer), rank=OWED_RANK, key="owed")

    def _next_owed(self, peer: str) -> Sequence[its.Item]:
        """Build the next packet of what is owed; the letter after it waits behind the urgent."""
        recovery = self._recoveries[peer]
        if not recovery.owed:
            return ()
        digest, *rest = recovery.owed
        recovery.owed = tuple(rest)
        state = self.situation.statements[digest]
        self._give_next(peer)
        try:
            item = self._item_of(state)
        except (IntegrityError, InvariantError, PeerError) as error:
            # One that does not read any more must not hold up the others.
            self._fault(error)
            return ()
        if not state.outbound:
            return [its.ReturnedItem(envelope=item.envelope, order=item.order)]
        return [item]

    def _item_of(self, state: StatementState) -> its.StatementItem:
        item = its.decode_item(self._enclosure(state.index))
        assert isinstance(item, its.StatementItem)
        return item

    def _keep_recovering(self) -> None:
        """Go on with what is owed, and ask again while something still comes back."""
        now_s = asyncio.get_running_loop().time()
        for peer, recovery in self._recoveries.items():
            self._give_next(peer)
            if recovery.came_back and now_s - recovery.asked_s >= ASK_AGAIN_S:
                self._ask_back(peer)
