"""The files that set a line up: an opening, and the answer to it (docs/protocol.md §12.2).

Each is carried by hand: the sender's half of the line secret, sealed to the other
station, then the charter, then the sender's card, one record on each line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import Field

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.aead import TAG_BYTES
from hotline.sealing.card import MAX_LINE_BYTES, Card, card_lines, read_card
from hotline.sealing.charter import Charter, charter_of, read_charter
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
    """What the sender's root signs at the head of the file.

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
        charter_record: The charter's envelope as far as it is signed.
    """

    body: EnrolmentBody
    charter: Charter
    charter_record: bytes
    card: Card

    @property
    def made_ms(self) -> int:
        """When it was written, by the sender's clock."""
        return parse_time(self.body.made)


def write_enrolment(
    step: Step,
    *,
    charter: bytes,
    half: bytes,
    root: RootKey,
    own_card: bytes,
    to: Card,
    made_ms: int,
) -> bytes:
    """Write an opening or an answer; the sender's root signs.

    Args:
        charter: The envelope, signed by the sender's root at least.
        half: The sender's half of the line secret.
        to: The card of the recipient: the half is sealed to its prekey.
    Spec: docs/protocol.md §12.2
    """
    if len(half) != SECRET_BYTES:
        raise InvariantError(f"half a line secret has {SECRET_BYTES} bytes")
    line = read_charter(charter).digest
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
    envelope = Envelope(ENROLMENT_TYPE, write_shape(body))
    signed = envelope.with_hybrid(root.digest, root.signer.sign(envelope.message))
    return encode_envelope(signed) + b"\n" + charter + b"\n" + own_card


def read_enrolment(encoded: bytes, step: Step) -> Enrolment:
    """Read such a file from outside and verify it under the root on its own card.

    Raises:
        PeerError: not such a file, of the other step, altered, or its parts do not fit.
    Spec: docs/protocol.md §12.2
    """
    lines = card_lines(encoded)
    if len(lines) < 4:
        raise PeerError("enrolment: it is not a whole file")
    envelope = decode_envelope(
        lines[0], expect=(ENROLMENT_TYPE,), what="enrolment", max_bytes=MAX_LINE_BYTES
    )
    card = read_card(b"".join(line + b"\n" for line in lines[2:]))
    _check_signed(envelope, card.root, alone=True)
    body = read_shape(EnrolmentBody, envelope.payload, what="enrolment", max_bytes=MAX_BODY_BYTES)
    if body.step != step:
        raise PeerError(f"enrolment: it is the file of the step {body.step}, not {step}")
    charter_envelope = read_charter(lines[1])
    charter = charter_of(charter_envelope)
    _check_signed(charter_envelope, card.root, alone=False)
    if (charter.line, body.sender) != (body.line, card.name):
        raise PeerError("enrolment: charter, card and head are not of one line and station")
    return Enrolment(body, charter, lines[1], card)


def open_half(enrolment: Enrolment, prekey: Prekey) -> bytes:
    """Open the sender's half of the line secret.

    Raises:
        PeerError: it is sealed to another key, or does not open.
    Spec: docs/protocol.md §12.2
    """
    body = enrolment.body
    if body.to_kid != prekey.key_id:
        raise PeerError("enrolment: it is sealed to a key that is not here")
    context = _context(body.step, body.line, body.sender, body.to)
    try:
        half = _HPKE.decrypt(body.half, prekey.handle, context)
    except (InvalidTag, ValueError) as error:
        raise PeerError("enrolment: its half of the line secret does not open") from error
    if len(half) != SECRET_BYTES:
        raise PeerError("enrolment: its half of the line secret has another length")
    return half


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
