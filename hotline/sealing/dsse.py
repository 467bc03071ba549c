"""DSSE envelopes in canonical JSON: build, encode, read strictly (docs/protocol.md §4)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import Digest, sha256
from hotline.sealing.ed25519 import SIGNATURE_BYTES
from hotline.sealing.hybrid import MLDSA_SIGNATURE_BYTES, HybridSignature

ED25519 = "ed25519"
MLDSA65 = "mldsa65"
MAX_SIGNATURES = 32
MAX_TYPE_CHARACTERS = 80

_KEY_ID = re.compile(r"([0-9a-f]{64})#(ed25519|mldsa65)")
_SIGNATURE_BYTES = {ED25519: SIGNATURE_BYTES, MLDSA65: MLDSA_SIGNATURE_BYTES}


@dataclass(frozen=True, slots=True)
class SignatureEntry:
    """One signature of an envelope.

    Attributes:
        signer: Id of the certificate, or digest of the root record, that signed.
        algorithm: ED25519 or MLDSA65.
        signature: 64 or MLDSA_SIGNATURE_BYTES bytes.
    """

    signer: Digest
    algorithm: str
    signature: bytes

    @property
    def key_id(self) -> str:
        """The key id as the envelope spells it: `<signer hex>#<algorithm>`."""
        return f"{self.signer.hex()}#{self.algorithm}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Verbatim payload bytes, the name of their kind, and signatures over both."""

    payload_type: str
    payload: bytes
    signatures: tuple[SignatureEntry, ...] = ()

    @property
    def message(self) -> bytes:
        """The bytes that every signature covers (PAE)."""
        return canonical.pae(self.payload_type, self.payload)

    @property
    def digest(self) -> Digest:
        """The identity of what was signed: SHA-256 of `message`."""
        return sha256(self.message)

    def with_hybrid(self, signer: Digest, signature: HybridSignature) -> Envelope:
        """Return the envelope with both halves of one more signature."""
        halves = (
            SignatureEntry(signer, ED25519, signature.ed25519),
            SignatureEntry(signer, MLDSA65, signature.mldsa65),
        )
        return replace(self, signatures=(*self.signatures, *halves))


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the envelope as canonical JSON.

    Spec: docs/protocol.md §4.1
    """
    return canonical.encode(
        {
            "payload": canonical.to_base64(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [
                {"keyid": entry.key_id, "sig": canonical.to_base64(entry.signature)}
                for entry in envelope.signatures
            ],
        }
    )


def decode_envelope(
    encoded: bytes, *, expect: Collection[str], what: str, max_bytes: int
) -> Envelope:
    """Read an envelope from outside; no signature is checked.

    Args:
        encoded: Canonical JSON.
        expect: Payload types that the caller is ready for.
        what: Names the thing in the error, as in "statement".
        max_bytes: Bound on `encoded`.
    Raises:
        PeerError: another spelling, type, key id or length, or a key id twice.
    Spec: docs/protocol.md §4.2
    """
    if len(encoded) <= max_bytes:
        with suppress(PeerError, ValueError, RecursionError):
            body = json.loads(encoded)
            envelope = envelope_from_json(body, expect=expect, what=what)
            if _written(body) == encoded:
                return envelope
    # Something is wrong with it: this finds out what, in the order in which it is documented.
    body = canonical.decode(encoded, what=what, max_bytes=max_bytes)
    return envelope_from_json(body, expect=expect, what=what)


def _written(body: dict[str, Any]) -> bytes:
    """Return the canonical bytes of an envelope whose strings are known to need no escape."""
    signatures = ",".join(
        f'{{"keyid":"{entry["keyid"]}","sig":"{entry["sig"]}"}}' for entry in body["signatures"]
    )
    kind = body["payloadType"]
    whole = f'{{"payload":"{body["payload"]}","payloadType":"{kind}","signatures":[{signatures}]}}'
    return whole.encode()


def envelope_from_json(body: Any, *, expect: Collection[str], what: str) -> Envelope:
    """Read an envelope that stands inside other canonical JSON, as `decode_envelope` does."""
    if not isinstance(body, dict) or body.keys() != {"payload", "payloadType", "signatures"}:
        raise PeerError(f"{what}: an envelope has payload, payloadType and signatures, no more")
    payload, payload_type, entries = body["payload"], body["payloadType"], body["signatures"]
    if not isinstance(payload_type, str) or payload_type not in expect:
        raise PeerError(f"{what}: the envelope holds another kind of payload")
    if not isinstance(payload, str):
        raise PeerError(f"{what}: the payload is not base64")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_SIGNATURES:
        raise PeerError(f"{what}: an envelope has 1 to {MAX_SIGNATURES} signatures")
    signatures = tuple(_entry(entry, what) for entry in entries)
    if len({(entry.signer, entry.algorithm) for entry in signatures}) != len(signatures):
        raise PeerError(f"{what}: a key id stands twice in the envelope")
    return Envelope(payload_type, canonical.from_base64(payload, what=what), signatures)


def _entry(entry: Any, what: str) -> SignatureEntry:
    if not isinstance(entry, dict) or entry.keys() != {"keyid", "sig"}:
        raise PeerError(f"{what}: a signature has keyid and sig, no more")
    key_id, text = entry["keyid"], entry["sig"]
    match = _KEY_ID.fullmatch(key_id) if isinstance(key_id, str) else None
    if not match or not isinstance(text, str):
        raise PeerError(f"{what}: a signature's key id is not one that hotline writes")
    signature = canonical.from_base64(text, what=f"{what}: a signature")
    if len(signature) != _SIGNATURE_BYTES[match[2]]:
        raise PeerError(f"{what}: a signature has the wrong length for its algorithm")
    return SignatureEntry(Digest(bytes.fromhex(match[1])), match[2], signature)


def hybrid_signatures(envelope: Envelope, *, what: str) -> Mapping[Digest, HybridSignature]:
    """Return each signer's two halves, in the envelope's order.

    Raises:
        PeerError: a signer has only one half.
    Spec: docs/protocol.md §4.3
    """
    halves: dict[Digest, dict[str, bytes]] = {}
    for entry in envelope.signatures:
        halves.setdefault(entry.signer, {})[entry.algorithm] = entry.signature
    if any(len(pair) != 2 for pair in halves.values()):
        raise PeerError(f"{what}: a signer has one half of a hybrid signature only")
    return {
        signer: HybridSignature(pair[ED25519], pair[MLDSA65]) for signer, pair in halves.items()
    }


def single_signature(envelope: Envelope, *, what: str) -> SignatureEntry:
    """Return the one Ed25519 signature of an envelope that carries no other.

    Raises:
        PeerError: it carries more, or another algorithm.
    Spec: docs/protocol.md §7.1
    """
    if len(envelope.signatures) != 1 or envelope.signatures[0].algorithm != ED25519:
        raise PeerError(f"{what}: exactly one Ed25519 signature is expected")
    return envelope.signatures[0]
