"""Long-lasting signatures on heads: ML-DSA-65, for the day on which Ed25519 is forged.

Hourly and closing heads get one from their own station and one from each
witness. Each is a signed note of its own beside the head, so that the head
stays what public tools read.
Spec: docs/ledger.md §7.6
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import (
    KEY_ID_BYTES,
    MAX_SIZE,
    STAMP_BYTES,
    Checkpoint,
    NoteSignature,
    cosigned_message,
    format_note,
    parse_note,
)
from hotline.core.seams import Signer, Verifier

SIGNATURE_TYPE = b"\xffhotline/ml-dsa-65"
"""A signed note's type byte for types that no registry knows, then the name of ours."""

LASTING_SIGNATURE_BYTES = 3309


@dataclass(frozen=True, slots=True)
class LastingHead:
    """A head with one long-lasting signature.

    Attributes:
        signer: The head's origin when its own station signed, else a witness's key name.
        at_s: When a witness signed, seconds since 1970, UTC; 0 for the own station.
        note: The checkpoint's lines and the one signature line.
    """

    checkpoint: Checkpoint
    signer: str
    at_s: int
    note: bytes


def lasting_key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes by which a note names an ML-DSA-65 key (1952 bytes) under `name`."""
    named = name.encode() + b"\n" + SIGNATURE_TYPE + public_key
    return hashlib.sha256(named).digest()[:KEY_ID_BYTES]


def sign_lasting(checkpoint: Checkpoint, signer: Signer) -> LastingHead:
    """Sign a head of our own for long.

    Args:
        signer: The ML-DSA-65 half of the station's ledger key.
    Spec: docs/ledger.md §7.6
    """
    return _head(checkpoint, checkpoint.origin, 0, signer.sign(checkpoint.body()), signer)


def cosign_lasting(checkpoint: Checkpoint, name: str, signer: Signer, at_s: int) -> LastingHead:
    """Countersign another station's head for long, as witness `name`."""
    if not 0 < at_s <= MAX_SIZE:
        raise InvariantError("a cosignature needs a time after 1970")
    signature = signer.sign(cosigned_message(checkpoint, at_s))
    return _head(checkpoint, name, at_s, at_s.to_bytes(STAMP_BYTES, "big") + signature, signer)


def _head(
    checkpoint: Checkpoint, name: str, at_s: int, signature: bytes, signer: Signer
) -> LastingHead:
    named = NoteSignature(name, lasting_key_id(name, signer.public_key), signature)
    return LastingHead(checkpoint, name, at_s, format_note(checkpoint, [named]))


def parse_lasting(note: bytes) -> LastingHead:
    """Read what `sign_lasting` or `cosign_lasting` wrote; nothing is verified.

    Raises:
        PeerError: malformed, or not exactly one signature line of the right length.
    """
    parsed = parse_note(note)
    if len(parsed.signatures) != 1:
        raise PeerError("a long-lasting signature is one signature line")
    only = parsed.signatures[0]
    own = only.name == parsed.checkpoint.origin
    if len(only.signature) != LASTING_SIGNATURE_BYTES + (0 if own else STAMP_BYTES):
        raise PeerError("a long-lasting signature has the wrong length")
    at_s = 0 if own else int.from_bytes(only.signature[:STAMP_BYTES], "big")
    if not own and not 0 < at_s <= MAX_SIZE:
        raise PeerError("a long-lasting cosignature has no time")
    return LastingHead(parsed.checkpoint, only.name, at_s, note)


def verify_lasting(
    note: bytes, name: str, public_keys: Sequence[bytes], verifier: Verifier
) -> LastingHead:
    """Return the head in `note` if `name` signed it with one of `public_keys` (ML-DSA-65).

    Raises:
        PeerError: malformed, by another name or key, a bad signature.
    Spec: docs/ledger.md §7.6
    """
    head = parse_lasting(note)
    if head.signer != name:
        raise PeerError("a long-lasting signature is under another name than expected")
    only = parse_note(note).signatures[0]
    body = head.checkpoint.body()
    message = cosigned_message(head.checkpoint, head.at_s) if head.at_s else body
    signature = only.signature[STAMP_BYTES:] if head.at_s else only.signature
    for key in public_keys:
        if only.key_id == lasting_key_id(name, key) and verifier(key, message, signature):
            return head
    raise PeerError("a long-lasting signature is not by a ledger key of its station")
