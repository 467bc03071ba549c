"""Certificates: a station's root says whose a working key is and what it may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.times import parse_time
from hotline.core.values import Digest, Realm
from hotline.sealing.dsse import Envelope, decode_envelope, hybrid_signatures
from hotline.sealing.hybrid import HybridPublicKey, HybridSignature
from hotline.sealing.root import Root
from hotline.sealing.shapes import (
    Count,
    One,
    PublicKeys,
    RealmName,
    ShortText,
    SignaturePair,
    StationName,
    Strict,
    Time,
    read_shape,
)

CERTIFICATE_TYPE = "application/vnd.hotline.certificate.v1+json"
POSSESSION_TYPE = "application/vnd.hotline.possession.v1+json"
MAX_CERTIFICATE_BYTES = 12_288
MAX_CERTIFICATE_ENVELOPE_BYTES = 32_768
MAX_VALIDITY_MS = 92 * 86_400_000

PersonId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,39}\z")]


class Usage(StrEnum):
    """The one thing that a certified key may do (docs/protocol.md §4.8)."""

    STATEMENT = "statement"
    TRANSPORT = "transport"
    LEDGER = "ledger"
    REVOKE = "revoke"


class CertificateBody(Strict):
    """The signed payload of a certificate.

    Attributes:
        serial: The root's own count of its certificates.
        person: Names a person, or an unattended key, within the station.
        proof: Signatures by the subject's keys over the rest (`possession_message`).
    """

    v: One
    serial: Annotated[Count, Field(ge=1)]
    station: StationName
    realm: RealmName
    person: PersonId
    name: Annotated[ShortText, StringConstraints(min_length=1)]
    rank: ShortText
    keys: PublicKeys
    usage: Annotated[Usage, Field(strict=False)]
    role: ShortText
    not_before: Time
    not_after: Time
    proof: SignaturePair


FIRST_ENDPOINT = 1
MAX_ENDPOINT = 99
_SPARE_ROLE = re.compile(r"spare ([2-9]|[1-9][0-9])")


def spare_role(endpoint: int) -> str:
    """Return the role by which a certificate says that it is a spare console's."""
    return f"spare {endpoint}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that verified under its root.

    Attributes:
        id: Its identity, which key ids of signatures name.
        root: Digest of the root record that issued it.
        not_before_ms, not_after_ms: First and last millisecond of its validity.
    """

    id: Digest
    root: Digest
    serial: int
    station: str
    realm: Realm
    person: str
    name: str
    rank: str
    usage: Usage
    role: str
    not_before_ms: int
    not_after_ms: int
    key: HybridPublicKey

    @property
    def shown(self) -> str:
        """Role, rank and name, as they are shown to people and kept in events."""
        return " ".join(part for part in (self.role, self.rank, self.name) if part)

    @property
    def endpoint(self) -> int:
        """Which console of its station an unattended key is for: 1, or a spare's number.

        Spec: docs/protocol.md §4.35
        """
        found = None if self.usage is Usage.STATEMENT else _SPARE_ROLE.fullmatch(self.role)
        return int(found[1]) if found else FIRST_ENDPOINT

    def covers(self, at_ms: int) -> bool:
        """Return whether it is valid at `at_ms`."""
        return self.not_before_ms <= at_ms <= self.not_after_ms


def possession_message(payload: bytes) -> bytes:
    """Return what the subject's keys sign to show that somebody holds them.

    Args:
        payload: Canonical JSON of the certificate's payload without `proof`.
    Spec: docs/protocol.md §4.8
    """
    return canonical.pae(POSSESSION_TYPE, payload)


def _unproved(payload: bytes) -> bytes:
    body = canonical.decode(payload, what="certificate", max_bytes=MAX_CERTIFICATE_BYTES)
    del body["proof"]
    return canonical.encode(body)


def check_body(payload: bytes) -> tuple[CertificateBody, HybridPublicKey]:
    """Check all that a certificate says by itself: points, validity, proof of possession.

    Raises:
        PeerError: malformed, a key that is no key, valid for longer than
            MAX_VALIDITY_MS, or the subject does not hold its keys.
    Spec: docs/protocol.md §4.8, §4.9
    """
    what = "certificate"
    body = read_shape(CertificateBody, payload, what=what, max_bytes=MAX_CERTIFICATE_BYTES)
    validity_ms = parse_time(body.not_after) - parse_time(body.not_before)
    if not 0 < validity_ms <= MAX_VALIDITY_MS:
        raise PeerError("certificate: it must be valid for at most 92 days, forward in time")
    key = HybridPublicKey(body.keys.ed25519, body.keys.mldsa65)
    proof = HybridSignature(body.proof.ed25519, body.proof.mldsa65)
    if not key.verify(possession_message(_unproved(payload)), proof):
        raise PeerError("certificate: the proof of possession does not verify")
    return body, key


def read_certificate(encoded: bytes) -> Envelope:
    """Decode a certificate's envelope; nothing is verified yet.

    Raises:
        PeerError: it is not an envelope of a certificate.
    """
    return decode_envelope(
        encoded,
        expect=(CERTIFICATE_TYPE,),
        what="certificate",
        max_bytes=MAX_CERTIFICATE_ENVELOPE_BYTES,
    )


def issuer_of(envelope: Envelope) -> Digest:
    """Return the digest of the root record that the signature names.

    Raises:
        PeerError: more than one issuer signed.
    """
    signers = {entry.signer for entry in envelope.signatures}
    if len(signers) != 1:
        raise PeerError("certificate: exactly one root must sign it")
    return signers.pop()


def verify_certificate(envelope: Envelope, root: Root) -> Certificate:
    """Check a certificate under the root that its signature names.

    Raises:
        PeerError: malformed, by another root, of another station or realm
            than the root's, or a signature does not verify.
    Spec: docs/protocol.md §4.8
    """
    signatures = hybrid_signatures(envelope, what="certificate")
    if set(signatures) != {root.digest}:
        raise PeerError("certificate: it is not signed by this root alone")
    if not root.key.verify(envelope.message, signatures[root.digest]):
        raise PeerError("certificate: its signature does not verify")
    body, key = check_body(envelope.payload)
    if (body.station, body.realm) != (root.station, root.realm):
        raise PeerError("certificate: its station or realm is not its root's")
    return _certificate(envelope.digest, root.digest, body, key)


def _certificate(
    cert_id: Digest, root: Digest, body: CertificateBody, key: HybridPublicKey
) -> Certificate:
    return Certificate(
        id=cert_id,
        root=root,
        serial=body.serial,
        station=body.station,
        realm=body.realm,
        person=body.person,
        name=body.name,
        rank=body.rank,
        usage=body.usage,
        role=body.role,
        not_before_ms=parse_time(body.not_before),
        not_after_ms=parse_time(body.not_after),
        key=key,
    )
