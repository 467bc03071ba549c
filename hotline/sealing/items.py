"""What a packet carries: tagged items, each read strictly and alone (docs/protocol.md §7.3)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, model_validator

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.text import check_text
from hotline.core.times import parse_time
from hotline.sealing.attachment_items import ATTACHMENT_KINDS, AttachmentItem
from hotline.sealing.hellos import GREETINGS, HelloAnswerItem, HelloEndItem, HelloItem
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem
from hotline.sealing.shapes import (
    Count,
    DigestHex,
    KeyIdHex,
    Reason,
    SaltHex,
    Strict,
    Time,
    base64_field,
    shape,
    write_shape,
)

MAX_ITEM_BYTES = 57_344
MAX_CHECKPOINT_CHARACTERS = 16_384
MAX_NOTE_CHARACTERS = 8_192
MAX_PROOF_DIGESTS = 128
MAX_RECORD_CONTENT_BYTES = 4_096
LEAF_BYTES = 148
MAX_RANGES = 32


def _read_object(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, dict):
        raise PeerError("an item's envelope must be an object")
    try:
        return canonical.encode(value)
    except InvariantError as error:
        raise PeerError("an item's envelope is not canonical JSON") from error


def _check_lines(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHECKPOINT_CHARACTERS:
        raise PeerError(f"a checkpoint is text of at most {MAX_CHECKPOINT_CHARACTERS} characters")
    return check_text(value, what="checkpoint")


def _check_note(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_NOTE_CHARACTERS:
        raise PeerError(f"a note line is text of at most {MAX_NOTE_CHARACTERS} characters")
    return check_text(value, what="note line", newlines=False)


EnvelopeObject = Annotated[
    bytes, PlainValidator(_read_object), PlainSerializer(json.loads, return_type=dict)
]
"""An envelope as canonical JSON bytes here, as an object in the packet."""

Proof = Annotated[tuple[DigestHex, ...], Field(strict=False, max_length=MAX_PROOF_DIGESTS)]
Range = Annotated[tuple[Count, Count, Count], Field(strict=False)]
Ranges = Annotated[tuple[Range, ...], Field(strict=False, max_length=MAX_RANGES)]
Origin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/-]{1,120}\z")]


class StatementItem(Strict):
    """A statement and its order. `encode_item` of it is the ledger's enclosure."""

    t: Literal["statement"] = "statement"
    envelope: EnvelopeObject
    order: EnvelopeObject


class CertificateItem(Strict):
    """A certificate that the peer may not have yet."""

    t: Literal["certificate"] = "certificate"
    envelope: EnvelopeObject


class RevocationItem(Strict):
    """A revocation, or two officers' authorisation of a suspension, of any member."""

    t: Literal["revocation"] = "revocation"
    envelope: EnvelopeObject


class RevocationsWantedItem(Strict):
    """The sender holds the receiver's numbered revocations up to `counter`, and wants the rest."""

    t: Literal["revocations-wanted"] = "revocations-wanted"
    counter: Count


class RootItem(Strict):
    """The root record of the sender that follows one before it."""

    t: Literal["root"] = "root"
    envelope: EnvelopeObject


class HeadItem(Strict):
    """A signed head of the sender's ledger.

    Attributes:
        checkpoint: The signed note.
        old_size: Size of the head that `proof` starts from.
        proof: Consistency proof from `old_size` to the checkpoint.
    """

    t: Literal["head"] = "head"
    checkpoint: Annotated[str, PlainValidator(_check_lines)]
    old_size: Count
    proof: Proof


class CosignatureItem(Strict):
    """The sender's cosignature of a head of ours: `note` is its line of the signed note."""

    t: Literal["cosignature"] = "cosignature"
    size: Count
    note: Annotated[str, PlainValidator(_check_note)]


class RecordItem(Strict):
    """Proof that the sender recorded one statement: one event, opened.

    Attributes:
        digest: The statement's digest.
        leaf: LEAF_BYTES long; `salt` and `content` open its commitment.
        index, size, proof: Inclusion proof of the leaf in the tree of `size`.
    """

    t: Literal["record"] = "record"
    digest: DigestHex
    leaf: Annotated[bytes, *base64_field(LEAF_BYTES, LEAF_BYTES)]
    salt: SaltHex
    content: Annotated[bytes, *base64_field(1, MAX_RECORD_CONTENT_BYTES)]
    index: Count
    size: Annotated[Count, Field(ge=1)]
    proof: Proof


class DisplayedItem(Strict):
    """An officer's console has shown the statement."""

    t: Literal["displayed"] = "displayed"
    digest: DigestHex
    at: Time

    @property
    def at_ms(self) -> int:
        """When, by the sender's clock, milliseconds UTC."""
        return parse_time(self.at)


class RejectedItem(Strict):
    """The sender quarantined the statement; it need not be sent again."""

    t: Literal["rejected"] = "rejected"
    digest: DigestHex
    reason: Reason


class NackItem(Strict):
    """Something could not be used: a cell under a key that is gone, or a gap in the order.

    Attributes:
        kid: Id of the key that is gone, for `unknown-key` only.
        ranges: Of the receiver's orders that are missing (generation, first, last), for
            `gap` only; a gap without any asks for nothing.
    """

    t: Literal["nack"] = "nack"
    code: Literal["unknown-key", "gap"]
    detail: Reason
    kid: KeyIdHex | None = None
    ranges: Ranges = ()

    @model_validator(mode="after")
    def _check_ranges(self) -> NackItem:
        """Spec: docs/protocol.md §7.10."""
        if self.ranges and self.code != "gap":
            raise PeerError("only a nack of a gap names missing numbers")
        if any(not 1 <= first <= last for _, first, last in self.ranges):
            raise PeerError("a nack names numbers from 1 up, the first one first")
        return self


class HeadConflictItem(Strict):
    """The proof did not start from the head that the sender holds; it holds `size`."""

    t: Literal["head-conflict"] = "head-conflict"
    origin: Origin
    size: Count


class LastingItem(Strict):
    """A long-lasting signature on a head, of the sender's ledger or of ours: a whole note."""

    t: Literal["lasting"] = "lasting"
    note: Annotated[str, PlainValidator(_check_lines)]


class HeldItem(Strict):
    """The newest head of the receiver's ledger that the sender has witnessed, as it was signed."""

    t: Literal["held"] = "held"
    checkpoint: Annotated[str, PlainValidator(_check_lines)]


class SeenItem(Strict):
    """The newest head of a third station's ledger that the sender witnessed, as it was signed."""

    t: Literal["seen"] = "seen"
    checkpoint: Annotated[str, PlainValidator(_check_lines)]


class JoinItem(Strict):
    """Join two heads of your own: one that another witness holds, and ours of `size`."""

    t: Literal["join"] = "join"
    checkpoint: Annotated[str, PlainValidator(_check_lines)]
    size: Annotated[Count, Field(ge=1)]


class JoinedItem(Strict):
    """The heads of sizes `shown` and `held` are of one history: consistency from the smaller."""

    t: Literal["joined"] = "joined"
    shown: Annotated[Count, Field(ge=1)]
    held: Annotated[Count, Field(ge=1)]
    proof: Proof


class HeadRefusedItem(Strict):
    """The sender will not countersign a head: it contradicts one that it holds."""

    t: Literal["head-refused"] = "head-refused"
    origin: Origin
    size: Count
    verdict: Literal["FORK", "INCONSISTENT"]


class GenerationItem(Strict):
    """Two officers' authorisation of the sender's new generation of its ledger."""

    t: Literal["generation"] = "generation"
    envelope: EnvelopeObject


class RefetchItem(Strict):
    """The sender lost the end of its ledger: give back its statements and repeat yours.

    Attributes:
        ours: Ranges (generation, first, last) of the sender's own orders that it misses.
        yours: The same of the receiver's orders.
    """

    t: Literal["refetch"] = "refetch"
    ours: Ranges
    yours: Ranges


class ReturnedItem(Strict):
    """A statement of the receiver's own, given back as the sender recorded it."""

    t: Literal["returned"] = "returned"
    envelope: EnvelopeObject
    order: EnvelopeObject


class ForkResolvedItem(Strict):
    """Two of the sender's officers resolved forks of the receiver's order."""

    t: Literal["fork-resolved"] = "fork-resolved"
    envelope: EnvelopeObject


Item: TypeAlias = (
    StatementItem
    | CertificateItem
    | RevocationItem
    | RevocationsWantedItem
    | RootItem
    | HeadItem
    | CosignatureItem
    | RecordItem
    | DisplayedItem
    | RejectedItem
    | NackItem
    | HelloItem
    | HelloAnswerItem
    | HelloEndItem
    | HeadConflictItem
    | LineTestItem
    | LineEchoItem
    | QueryItem
    | LastingItem
    | HeldItem
    | SeenItem
    | JoinItem
    | JoinedItem
    | HeadRefusedItem
    | GenerationItem
    | RefetchItem
    | ReturnedItem
    | ForkResolvedItem
    | AttachmentItem
)

_MODELS: dict[str, type[Item]] = {
    "statement": StatementItem,
    "certificate": CertificateItem,
    "revocation": RevocationItem,
    "revocations-wanted": RevocationsWantedItem,
    "root": RootItem,
    "head": HeadItem,
    "cosignature": CosignatureItem,
    "record": RecordItem,
    "displayed": DisplayedItem,
    "rejected": RejectedItem,
    "nack": NackItem,
    "hello": HelloItem,
    "hello-answer": HelloAnswerItem,
    "hello-end": HelloEndItem,
    "head-conflict": HeadConflictItem,
    "test": LineTestItem,
    "test-echo": LineEchoItem,
    "query": QueryItem,
    "lasting": LastingItem,
    "held": HeldItem,
    "seen": SeenItem,
    "join": JoinItem,
    "joined": JoinedItem,
    "head-refused": HeadRefusedItem,
    "generation": GenerationItem,
    "refetch": RefetchItem,
    "returned": ReturnedItem,
    "fork-resolved": ForkResolvedItem,
    **ATTACHMENT_KINDS,
}


def encode_item(item: Item) -> bytes:
    """Return the item as canonical JSON, as it stands in the packet."""
    if isinstance(item, GREETINGS):
        return item.written
    if isinstance(item, StatementItem):
        # Its parts are canonical JSON already; writing them anew would read them first.
        return b'{"envelope":%b,"order":%b,"t":"statement"}' % (item.envelope, item.order)
    return write_shape(item)


def decode_item(encoded: bytes) -> Item:
    """Read one item from outside, as from a ledger's enclosure.

    Raises:
        PeerError: as `item_from_json`, or not canonical.
    """
    return item_from_json(canonical.decode(encoded, what="item", max_bytes=MAX_ITEM_BYTES))


def item_from_json(value: Any) -> Item:
    """Read one item of a packet.

    Raises:
        PeerError: an unknown kind, or a field that is missing,
            unknown or out of bounds.
    Spec: docs/protocol.md §7.3
    """
    kind = value.get("t") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise PeerError("an item has no kind")
    model = _MODELS.get(kind)
    if model is None:
        raise PeerError("an item is of a kind that this program does not know")
    item: Item = shape(model, value, what=f"item {kind}")
    if isinstance(item, RecordItem) and item.index >= item.size:
        raise PeerError("item record: the index is not below the size")
    return item
