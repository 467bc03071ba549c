"""A slip: a prepared revocation as text, in parts that a person prints, scans and puts together.

Each part stands alone in a QR code: `HLR1:2/4:1a2b3c4d:<base64>.`, where the eight
digits begin the digest of the whole. White space and other words between parts do not matter.
Spec: docs/protocol.md §4.22
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hotline.core.canonical import from_base64, to_base64
from hotline.core.errors import OperatorError, PeerError
from hotline.core.values import DIGEST_BYTES, Digest, sha256
from hotline.sealing.dsse import Envelope, encode_envelope, hybrid_signatures
from hotline.sealing.ed25519 import SIGNATURE_BYTES
from hotline.sealing.hybrid import MLDSA_SIGNATURE_BYTES, HybridSignature
from hotline.sealing.revocation import REVOCATION_TYPE, read_revocation

PART_CHARACTERS = 1_320
"""Of base64 in one part: a QR code of 1,350 characters is still read off paper."""

MAX_PARTS = 9
MAX_SLIP_CHARACTERS = 65_536
_SIGNED_BYTES = DIGEST_BYTES + SIGNATURE_BYTES + MLDSA_SIGNATURE_BYTES
_PART = re.compile(r"HLR1:([1-9])/([1-9]):([0-9a-f]{8}):([A-Za-z0-9+/=]+)\.")


def write_slip(encoded: bytes) -> tuple[str, ...]:
    """Return the parts of a revocation's envelope, first to last.

    Raises:
        PeerError: it is not the envelope of one root's revocation.
    Spec: docs/protocol.md §4.22
    """
    envelope = read_revocation(encoded)
    signed = hybrid_signatures(envelope, what="slip")
    if len(signed) != 1:
        raise PeerError("slip: exactly one root must have signed it")
    ((root, signature),) = signed.items()
    body = root + signature.ed25519 + signature.mldsa65 + envelope.payload
    text, mark = to_base64(body), sha256(body).hex()[:8]
    pieces = [
        text[start : start + PART_CHARACTERS] for start in range(0, len(text), PART_CHARACTERS)
    ]
    return tuple(
        f"HLR1:{number}/{len(pieces)}:{mark}:{piece}." for number, piece in enumerate(pieces, 1)
    )


def read_slip(text: str) -> bytes:
    """Return the revocation's envelope that the parts in `text` make, in whatever order.

    Raises:
        OperatorError: a part is missing, doubled otherwise, or was misread.
    Spec: docs/protocol.md §4.22
    """
    if len(text) > MAX_SLIP_CHARACTERS:
        raise OperatorError("that is too long for a slip", hint="give one slip alone")
    found = _PART.findall("".join(text.split()))
    counts, marks = {part[1] for part in found}, {part[2] for part in found}
    if len(counts) != 1 or len(marks) != 1:
        raise OperatorError(
            "that holds no parts of a prepared revocation, or parts of several",
            hint="scan every code of one slip into one file",
        )
    pieces = {int(part[0]): part[3] for part in found}
    missing = [number for number in range(1, int(counts.pop()) + 1) if number not in pieces]
    if missing:
        listed = ", ".join(map(str, missing))
        raise OperatorError(f"part {listed} of the slip is missing", hint="scan it, too")
    return _join([pieces[number] for number in sorted(pieces)], marks.pop())


def _join(pieces: Sequence[str], mark: str) -> bytes:
    hint = "scan the slip again"
    try:
        body = from_base64("".join(pieces), what="slip")
    except PeerError as error:
        raise OperatorError("a part of the slip was misread", hint=hint) from error
    if sha256(body).hex()[:8] != mark or len(body) <= _SIGNED_BYTES:
        raise OperatorError("a part of the slip was misread", hint=hint)
    ends = DIGEST_BYTES + SIGNATURE_BYTES
    signature = HybridSignature(body[DIGEST_BYTES:ends], body[ends:_SIGNED_BYTES])
    envelope = Envelope(REVOCATION_TYPE, body[_SIGNED_BYTES:])
    return encode_envelope(envelope.with_hybrid(Digest(body[:DIGEST_BYTES]), signature))
