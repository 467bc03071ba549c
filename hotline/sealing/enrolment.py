"""The files that set a line up: an opening, and the answer to it (docs/protocol.md §12.2).

Each is carried by hand: for every other member the sender's half of the secret of that
pair, sealed to that member; then the charter, then the sender's card, one record on each line.
An opening that brings a newcomer to a line that follows another holds that one's charter, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import Field

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.aead import TAG_BYTES
from hotline.sealing.card import Card, card_lines, read_card
from hotline.sealing.charter import (
    CHARTER_TYPE,
    MAX_CHARTER_ENVELOPE_BYTES,
    MAX_MEMBERS,
    Charter,
    charter_of,
    read_charter,
)
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.enrol import RootKey
from hotline.sealing.line_secret import SECRET_BYTES
from hotline.sealing.prekey import Prekey
from hotline.sealing.root import Root
from hotline.sealing.shapes import (
    DigestHex,
    KeyIdHex,
    One,
    StationName,
    Strict,
    Time,
    base64_field,
    read_shape,
    write_shape,
)

ENROLMENT_TYPE = "application/vnd.hotline.enrolment.v1+json"
HALF_TYPE = "application/vnd.hotline.half.v1"
MAX_BODY_BYTES = 8_192
_SEALED_BYTES = 1_120 + SECRET_BYTES + TAG_BYTES
_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

Step = Literal["open", "join", "spare-open", "spare-join"]


class EnrolmentBody(Strict):
    """What the sender's root signs for one recipient, at the head of the file.

    Attributes:
        to_kid: Key id of the recipient's prekey that `half` is sealed to.
        half: HPKE of SECRET_BYTES, bound to step, line, sender and recipient.
    """

    v: One
    step: Step
    line: DigestHex
    sender: Annotated[StationName, Field(alias="from")]
    to: StationName
    to_kid: KeyIdHex
    half: Annotated[bytes, *base64_field(_SEALED_BYTES, _SEALED_BYTES)]
    made: Time


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An opening or an answer that verified under the root on the card that it carries.

    Attributes:
        heads: One for each other member, in the charter's order.
        charter_record: The charter's envelope as far as it is signed.
        encoded: The whole file.
        before: The charter of the line that this one follows, where the file shows it. Its
            signatures are not looked at: the new charter names it by its digest.
    """

    heads: tuple[EnrolmentBody, ...]
    charter: Charter
    charter_record: bytes
    card: Card
    encoded: bytes = field(repr=False)
    before: Charter | None = None

    @property
    def sender(self) -> str:
        """The station that wrote it."""
        return self.card.name

    @property
    def recipients(self) -> tuple[str, ...]:
        """The stations that it is for, in the charter's order."""
        return tuple(head.to for head in self.heads)

    @property
    def made_ms(self) -> int:
        """When it was written, by the sender's clock."""
        return parse_time(self.heads[0].made)


def write_enrolment(
    step: Step,
    *,
    charter: bytes,
    halves: Sequence[tuple[Card, bytes]],
    root: RootKey,
    own_card: bytes,
    made_ms: int,
    before: bytes = b"",
) -> bytes:
    """Write an opening or an answer; the sender's root signs.

    Args:
        charter: The envelope, signed by the sender's root at least.
        halves: The card of each other member, in the charter's order, and the sender's half
            of the secret with that member: it is sealed to that card's prekey.
        before: The envelope of the charter that this one follows, for a newcomer to see.
    Spec: docs/protocol.md §12.2, §4.40
    """
    if any(len(half) != SECRET_BYTES for _, half in halves):
        raise InvariantError(f"half a line secret has {SECRET_BYTES} bytes")
    line = read_charter(charter).digest
    lines = []
    for to, half in halves:
        context = _context(step, line, root.station, to.name)
        body = EnrolmentBody.model_validate(
            {
                "v": 1,
                "step": step,
                "line": line,
                "from": root.station,
                "to": to.name,
                "to_kid": to.prekey.key_id,
                "half": _HPKE.encrypt(half, to.prekey.handle, context),
                "made": format_time(made_ms),
            }
        )
        head = Envelope(ENROLMENT_TYPE, write_shape(body))
        lines.append(encode_envelope(head.with_hybrid(root.digest, root.signer.sign(head.message))))
    return b"\n".join([*lines, charter, *([before] if before else []), own_card])


def read_enrolment(encoded: bytes, step: Step) -> Enrolment:
    """Read such a file from outside and verify it under the root on its own card.

    Raises:
        PeerError: not such a file, of the other step, altered, or its parts do not fit.
    Spec: docs/protocol.md §12.2
    """
    lines = card_lines(encoded)
    heads = _head_lines(lines)
    if not heads or len(lines) < len(heads) + 3:
        raise PeerError("enrolment: it is not a whole file")
    record, rest = lines[len(heads)], lines[len(heads) + 1 :]
    before = _charter_before(rest[0])
    rest = rest[1:] if before else rest
    card = read_card(b"".join(line + b"\n" for line in rest))
    bodies = tuple(_read_head(head, card.station.newest, step) for head in heads)
    charter_envelope = read_charter(record)
    charter = charter_of(charter_envelope)
    _check_signed(charter_envelope, card.station.newest, alone=False)
    if any((body.line, body.sender) != (charter.line, card.name) for body in bodies):
        raise PeerError("enrolment: charter, card and head are not of one line and station")
    _check_whole(bodies, charter)
    _check_before(before, charter, step)
    return Enrolment(bodies, charter, record, card, encoded, before)


def open_half(enrolment: Enrolment, prekey: Prekey, station: str) -> bytes:
    """Open the sender's half of its secret with `station`, whose prekey this is.

    Raises:
        PeerError: nothing is for that station, it is sealed to another key, or does not open.
    Spec: docs/protocol.md §12.2
    """
    body = next((head for head in enrolment.heads if head.to == station), None)
    if body is None or body.to_kid != prekey.key_id:
        raise PeerError("enrolment: it is sealed to a key that is not here")
    context = _context(body.step, body.line, body.sender, body.to)
    try:
        half = _HPKE.decrypt(body.half, prekey.handle, context)
    except (InvalidTag, ValueError) as error:
        raise PeerError("enrolment: its half of the line secret does not open") from error
    if len(half) != SECRET_BYTES:
        raise PeerError("enrolment: its half of the line secret has another length")
    return half


def _head_lines(lines: Sequence[bytes]) -> list[Envelope]:
    """Return the heads, which stand before the charter; none where no charter follows them."""
    heads: list[Envelope] = []
    for line in lines[:MAX_MEMBERS]:
        envelope = decode_envelope(
            line,
            expect=(ENROLMENT_TYPE, CHARTER_TYPE),
            what="enrolment",
            max_bytes=MAX_CHARTER_ENVELOPE_BYTES,
        )
        if envelope.payload_type == CHARTER_TYPE:
            return heads
        heads.append(envelope)
    return []


def _read_head(envelope: Envelope, root: Root, step: Step) -> EnrolmentBody:
    _check_signed(envelope, root, alone=True)
    body = read_shape(EnrolmentBody, envelope.payload, what="enrolment", max_bytes=MAX_BODY_BYTES)
    if body.step != step:
        raise PeerError(f"enrolment: it is the file of the step {body.step}, not {step}")
    return body


def _check_whole(bodies: Sequence[EnrolmentBody], charter: Charter) -> None:
    """Refuse a file that leaves a member out, or whose heads were not written together.

    Spec: docs/protocol.md §12.2
    """
    step, sender = bodies[0].step, bodies[0].sender
    others = [station for station in charter.stations if station != sender]
    if [body.to for body in bodies] != others:
        raise PeerError("enrolment: it is not for every other member of its charter")
    if len({body.made for body in bodies}) != 1:
        raise PeerError("enrolment: its heads are of different files")
    if step in ("open", "join") and (step == "open") != (sender == charter.stations[0]):
        raise PeerError("enrolment: a charter's first member opens the line, the others join")


def _charter_before(line: bytes) -> Charter | None:
    """Return the charter that stands after the first one; None where the card begins."""
    with suppress(PeerError):
        return charter_of(read_charter(line))
    return None


def _check_before(before: Charter | None, charter: Charter, step: Step) -> None:
    """Refuse a second charter that is not, bit by bit, the one that the first one follows.

    Spec: docs/protocol.md §4.40
    """
    if before is not None and (step != "open" or before.line != charter.predecessor):
        raise PeerError("enrolment: the second charter is not the one that the first one follows")


def _context(step: Step, line: Digest, sender: str, to: str) -> bytes:
    said = {"from": sender, "line": line.hex(), "step": step, "to": to}
    return canonical.pae(HALF_TYPE, canonical.encode(said))


def _check_signed(envelope: Envelope, root: Root, *, alone: bool) -> None:
    signatures = hybrid_signatures(envelope, what="enrolment")
    signature = signatures.get(root.digest)
    if signature is None or (alone and len(signatures) != 1):
        raise PeerError("enrolment: it is not signed by the root on its card")
    if not root.key.verify(envelope.message, signature):
        raise PeerError("enrolment: a signature of its root does not verify: the file was altered")
