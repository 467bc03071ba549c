"""Heads, cosignatures and proofs of recording: what makes a receipt (docs/ledger.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hotline.core.canonical import MAX_INTEGER, to_base64
from hotline.core.errors import IntegrityError, InvariantError, PeerError
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.exchange.situation import Situation
from hotline.core.records.checkpoint import (
    Checkpoint,
    Cosignature,
    cosign,
    parse_note,
    verify_checkpoint,
    verify_cosignature,
)
from hotline.core.records.events import ReceiptObtained, StatementReceived, decode_event
from hotline.core.records.leaf import Leaf, commitment, decode_leaf, leaf_hash
from hotline.core.records.merkle import check_inclusion
from hotline.core.records.witness import HeadVerdict, WitnessedHead, judge_head
from hotline.core.values import Digest
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import Usage
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.items import CosignatureItem, HeadItem, HeldItem, RecordItem
from hotline.station.line import Line


@dataclass(frozen=True, slots=True)
class JudgedHead:
    """A peer's head with what we make of it.

    Attributes:
        note: The head as it was signed.
        held: The head of the same log that we held before, or None.
        fresh: What must become durable before we countersign, or None.
    """

    verdict: HeadVerdict
    checkpoint: Checkpoint
    note: bytes
    held: WitnessedHead | None
    fresh: WitnessedHead | None

    @property
    def held_size(self) -> int:
        """Size of the head that we held before, or 0."""
        return self.held.size if self.held else 0


@dataclass(frozen=True, slots=True)
class ShownBack:
    """A head of our own ledger as the peer holds it.

    Attributes:
        fault: Why our ledger is not the one that had it, or "".
    """

    checkpoint: Checkpoint
    note: bytes
    fault: str


class Witness:
    """Judges the peers' heads, countersigns them, and shows ours."""

    def __init__(
        self, line: Line, ledger: Ledger, generation_of: Callable[[str], int] | None = None
    ) -> None:
        """Serve one line with its ledger.

        Args:
            generation_of: Which generation of a peer's ledger was admitted last.
        """
        self._line, self._ledger = line, ledger
        self._generation_of = generation_of or (lambda _peer: FIRST_GENERATION)
        self._shown: dict[str, int] = {}

    # --- their heads ---------------------------------------------------------

    def judge(self, peer: str, item: HeadItem) -> JudgedHead:
        """Verify and judge a head that `peer` shows; nothing is recorded yet.

        Raises:
            PeerError: malformed, of another ledger, not signed by its ledger key, or
                of a size that no item can name.
        Spec: docs/ledger.md §8.1, docs/protocol.md §4.23
        """
        note = item.checkpoint.encode()
        checkpoint = verify_checkpoint(note, self._keys_of(peer), verify_ed25519)
        if checkpoint.origin != self._origin_of(peer):
            raise PeerError("a head is of another ledger or generation than this line's")
        if checkpoint.size > MAX_INTEGER:
            raise PeerError("a head is of more entries than any ledger holds")
        held = self._ledger.witnessed(checkpoint.origin)
        verdict = judge_head(held, checkpoint, item.old_size, item.proof)
        held_size = held.size if held else 0
        fresh = None
        if verdict in (HeadVerdict.FIRST, HeadVerdict.EXTENDS):
            fresh = WitnessedHead(
                checkpoint.origin, checkpoint.size, checkpoint.root, note, held_size
            )
        return JudgedHead(verdict, checkpoint, note, held, fresh)

    def _keys_of(self, peer: str) -> tuple[bytes, ...]:
        """Return the ledger keys of `peer` that may sign what arrives now: none that is revoked.

        Spec: docs/protocol.md §4.23
        """
        roster, now_ms = self._line.roster, self._line.clock()
        found = roster.unrevoked(peer, Usage.LEDGER, now_ms)
        return tuple(one.key.ed25519 for one in found)

    def _origin_of(self, peer: str) -> str:
        return self._line.origin_of(peer, self._generation_of(peer))

    def give_back(self, peer: str) -> HeldItem | None:
        """Show `peer` the newest head of its own log that we witnessed, or None before one.

        Spec: docs/ledger.md §8.6
        """
        held = self.held_of(peer)
        return HeldItem(checkpoint=held.note.decode()) if held else None

    def held_of(self, peer: str) -> WitnessedHead | None:
        """Return the newest head of `peer` that we witnessed, as it is recorded, or None."""
        return self.held_at(self._origin_of(peer))

    def held_at(self, origin: str, size: int | None = None) -> WitnessedHead | None:
        """Return the head of a log that we witnessed, the newest or the one of `size`, or None."""
        if size is None:
            return self._ledger.witnessed(origin)
        return self._ledger.witnessed_at(origin, size)

    def held(self, peer: str) -> Checkpoint | None:
        """Return the newest head of `peer` that we witnessed, or None."""
        held = self.held_of(peer)
        return Checkpoint(held.origin, held.size, held.root) if held else None

    def countersign(self, peer: str) -> CosignatureItem | None:
        """Cosign the newest head of `peer` that is recorded here, or None before the first.

        Spec: docs/ledger.md §8.2
        """
        held = self.held_of(peer)
        if held is None:
            return None
        note = cosign(
            parse_note(held.note).checkpoint,
            self._line.witness_of(self._line.station),
            self._line.ledger,
            self._line.clock() // 1000,
        )
        return CosignatureItem(size=held.size, note=note.split(b"\n\n", 1)[1].decode().rstrip("\n"))

    def prove(self, digest: str, size: int) -> RecordItem | None:
        """Prove under our head of `size` that we recorded a statement, or None if we did not."""
        subject = Digest(bytes.fromhex(digest))
        index = self._ledger.find(subject, StatementReceived.kind)
        if index is None or index >= size:
            return None
        entry = next(iter(self._ledger.entries(index, index + 1)))
        if entry.erased is not None:
            return None
        return RecordItem(
            digest=subject,
            leaf=entry.leaf,
            salt=entry.salt,
            content=entry.content,
            index=index,
            size=size,
            proof=tuple(self._ledger.prove_inclusion(index, size)),
        )

    # --- our heads -----------------------------------------------------------

    def show(self, peer: str, size: int | None = None) -> HeadItem | None:
        """Show `peer` our newest head, proved from the one it holds, or None if it holds it.

        Packets overtake each other seldom, so a head that was shown since the link came
        up is taken as held; where it is not, the peer says so. `forget_shown` goes back to
        what is countersigned. The writer's thread may commit meanwhile: whoever proves
        something under the same head reads `size` once and gives it to both.
        """
        size = self._ledger.size if size is None else size
        old = self._shown.get(peer)
        if old is None:
            old = self.cosigned_size(peer)
        if old >= size:
            return None
        self._shown[peer] = size
        return HeadItem(
            checkpoint=self._ledger.head(size).decode(),
            old_size=old,
            proof=tuple(self._ledger.prove_consistency(old, size)),
        )

    def signed(self, size: int) -> bool:
        """Return whether we signed a head of that size."""
        try:
            self._ledger.head(size)
        except InvariantError:
            return False
        return True

    def show_from(self, peer: str, held_size: int) -> None:
        """Take the peer's word that it holds our head of `held_size`."""
        self._shown[peer] = min(held_size, self._ledger.size)

    def forget_shown(self, peer: str) -> None:
        """Begin again from what is countersigned: the link came up anew."""
        self._shown.pop(peer, None)

    def check_shown_back(self, item: HeldItem) -> ShownBack | None:
        """Compare a head of ours that a peer holds with our ledger.

        Returns:
            None when it is of an earlier generation, which is no news.
        Raises:
            PeerError: malformed, not signed by us, or of another log.
        Spec: docs/ledger.md §8.6
        """
        line, note = self._line, item.checkpoint.encode()
        keys = (line.ledger.public_key, *line.roster.ledger_keys(line.station))
        checkpoint = verify_checkpoint(note, keys, verify_ed25519)
        if checkpoint.origin != line.origin:
            earlier = (line.origin_of(line.station, one) for one in range(1, line.generation))
            if checkpoint.origin in earlier:
                return None
            raise PeerError("a head that was shown back is of another ledger than this one")
        return ShownBack(checkpoint, note, self._fault_of(checkpoint))

    def _fault_of(self, checkpoint: Checkpoint) -> str:
        size = self._ledger.size
        if checkpoint.size > size:
            return (
                f"our ledger was put back: the peer holds {checkpoint.size} entries that we "
                f"signed for, it has {size}"
            )
        if self._ledger.root_at(checkpoint.size) != checkpoint.root:
            return (
                f"our ledger was put back or rewritten: the peer holds another signed root of "
                f"its first {checkpoint.size} entries"
            )
        return ""

    def cosigned_size(self, peer: str) -> int:
        """Return the size of our largest head that `peer` countersigned, or 0."""
        return self._ledger.cosigned_size(self._line.witness_of(peer))

    def take_cosignature(self, peer: str, item: CosignatureItem) -> Cosignature | None:
        """Check a countersignature of one of our heads; None when we hold it already.

        Raises:
            PeerError: of a head that we never signed, or it does not verify.
        """
        name = self._line.witness_of(peer)
        if not 0 < item.size <= self._ledger.size:
            raise PeerError("a cosignature is of a head that we never signed")
        if self._ledger.cosignature(item.size, name) is not None:
            return None
        try:
            ours = self._ledger.head(item.size)
        except InvariantError as error:
            raise PeerError("a cosignature is of a head that we never signed") from error
        note = parse_note(ours).checkpoint.body() + b"\n" + item.note.encode() + b"\n"
        return verify_cosignature(note, name, self._keys_of(peer), verify_ed25519)

    # --- receipts ------------------------------------------------------------

    def receipt(
        self, situation: Situation, peer: str, item: RecordItem, head: Checkpoint, our_size: int
    ) -> ReceiptObtained | None:
        """Check the proof that `peer` recorded one of our statements.

        Args:
            head: The peer's verified head that the proof leads to.
            our_size: Size of our largest head that the peer countersigned.
        Returns:
            None when the statement is not ours, our_size does not cover it yet, or the
            proof is under another head: heads cross, and then it comes again.
        Raises:
            PeerError: the proof does not hold.
        Spec: docs/ledger.md §8.3
        """
        state = situation.statements.get(item.digest.hex())
        if state is None or not state.outbound or not 0 <= state.index < our_size:
            return None
        if item.size != head.size:
            return None
        leaf = decode_leaf(item.leaf)
        _check_leaf(leaf, item)
        hashed = leaf_hash(item.leaf)
        if not check_inclusion(hashed, item.index, item.size, head.root, item.proof):
            raise PeerError("a proof of recording does not lead to the peer's head")
        event = _received(item)
        if event.digest != state.digest or event.order not in state.orders:
            raise PeerError("a proof of recording is of another statement or order")
        return ReceiptObtained.model_validate(
            {
                "digest": state.digest,
                "peer": peer,
                "our_size": our_size,
                "verdict": event.verdict,
                "received_at_ms": event.received_at_ms,
                "index": item.index,
                "size": item.size,
                "leaf": to_base64(item.leaf),
                "salt": item.salt.hex(),
                "content": to_base64(item.content),
                "proof": [node.hex() for node in item.proof],
            }
        )


def _check_leaf(leaf: Leaf, item: RecordItem) -> None:
    fits = (
        leaf.index == item.index
        and leaf.kind == StatementReceived.kind
        and leaf.subject == item.digest
        and leaf.commitment == commitment(item.salt, item.content)
    )
    if not fits:
        raise PeerError("a proof of recording does not fit its leaf")


def _received(item: RecordItem) -> StatementReceived:
    try:
        event = decode_event(StatementReceived.kind, item.content)
    except IntegrityError as error:
        raise PeerError("a proof of recording holds no received event") from error
    if not isinstance(event, StatementReceived):
        raise PeerError("a proof of recording holds no received event")
    return event
