"""Making identities: roots, certificates, charters (docs/protocol.md §4.6 to §4.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.core import canonical
from hotline.core.errors import InvariantError, OperatorError, PeerError
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.core.values import Digest, Realm
from hotline.sealing.certificate import (
    CERTIFICATE_TYPE,
    MAX_VALIDITY_MS,
    Usage,
    check_body,
    possession_message,
)
from hotline.sealing.charter import Policy, charter_of, read_charter, unsigned_charter
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.hybrid import (
    HybridPublicKey,
    HybridSeeds,
    HybridSignature,
    HybridSigner,
    draw_hybrid_seeds,
)
from hotline.sealing.prekey import Prekey, draw_prekey
from hotline.sealing.root import ROOT_TYPE, Root, next_root_hash, verify_root

CLOCK_MARGIN_MS = 3_600_000
"""New certificates begin this much earlier: the peer's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class RootKey:
    """A station's root and its pre-made successor: kept offline.

    Attributes:
        record: The root record's envelope, public.
        digest: Its identity.
        next_seeds: Of the next root, to which `record` commits; None: kept elsewhere.
    """

    station: str
    realm: Realm
    record: bytes
    digest: Digest
    signer: HybridSigner
    next_seeds: HybridSeeds | None = None


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A working key with its certificate's envelope and id."""

    signer: HybridSigner
    certificate: bytes
    cert_id: Digest


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is about.

    Attributes:
        person: Names a person, or an unattended key, within the station.
        name: As shown to the peer, with `rank` and `role` (may be empty).
    """

    person: str
    name: str
    rank: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class StationKeys:
    """All that a new station holds.

    Attributes:
        officers: By person id.
        prekey: The first one, which is on the station's card with the recovery key.
    """

    root: RootKey
    console: CertifiedKey
    ledger: CertifiedKey
    officers: Mapping[str, CertifiedKey]
    prekey: Prekey
    recovery: Prekey

    @property
    def records(self) -> tuple[bytes, ...]:
        """The public records: root, then certificates."""
        keys = (self.console, self.ledger, *self.officers.values())
        return (self.root.record, *(key.certificate for key in keys))


def _keys_json(key: HybridPublicKey) -> dict[str, str]:
    return {
        "ed25519": canonical.to_base64(key.ed25519),
        "mldsa65": canonical.to_base64(key.mldsa65),
    }


def _proof_json(signature: HybridSignature) -> dict[str, str]:
    return {
        "ed25519": canonical.to_base64(signature.ed25519),
        "mldsa65": canonical.to_base64(signature.mldsa65),
    }


def _signed(envelope: Envelope, signer: HybridSigner, signer_id: Digest) -> bytes:
    return encode_envelope(envelope.with_hybrid(signer_id, signer.sign(envelope.message)))


def make_root(*, station: str, realm: Realm, at_ms: int, entropy: Entropy) -> RootKey:
    """Draw a root and its successor, and write the self-signed record.

    Raises:
        OperatorError: the station's name is not one.
    Spec: docs/protocol.md §4.6
    """
    signer = HybridSigner(draw_hybrid_seeds(entropy))
    next_seeds = draw_hybrid_seeds(entropy)
    envelope = Envelope(ROOT_TYPE, _root_payload(station, realm, signer, next_seeds, at_ms))
    record = _signed(envelope, signer, envelope.digest)
    try:
        verify_root(record)
    except PeerError as error:
        raise OperatorError(str(error)) from error
    return RootKey(station, realm, record, envelope.digest, signer, next_seeds)


def certificate_request(
    key: HybridSigner,
    *,
    subject: Subject,
    station: str,
    realm: Realm,
    usage: Usage,
    serial: int,
    not_before_ms: int,
    not_after_ms: int,
) -> bytes:
    """Write a certificate's payload with the subject's proof of possession.

    Runs where the subject's key is; the root signs the result elsewhere.

    Raises:
        OperatorError: a name, a bound or the validity is not acceptable.
    Spec: docs/protocol.md §4.8
    """
    body: dict[str, object] = {
        "keys": _keys_json(key.public_key),
        "name": subject.name,
        "not_after": format_time(not_after_ms),
        "not_before": format_time(not_before_ms),
        "person": subject.person,
        "rank": subject.rank,
        "realm": realm.value,
        "role": subject.role,
        "serial": serial,
        "station": station,
        "usage": usage.value,
        "v": 1,
    }
    proof = key.sign(possession_message(canonical.encode(body)))
    payload = canonical.encode({**body, "proof": _proof_json(proof)})
    _check_request(payload)
    return payload


def _check_request(payload: bytes) -> None:
    try:
        check_body(payload)
    except PeerError as error:
        raise OperatorError(str(error)) from error


@dataclass(frozen=True, slots=True)
class CertificateEnvelope:
    """A new certificate: its envelope and its id."""

    encoded: bytes
    cert_id: Digest


def sign_certificate(request: bytes, root: RootKey) -> CertificateEnvelope:
    """Certify a request under the root, after checking it whole.

    Raises:
        OperatorError: malformed, of another station or realm, or unproved.
    Spec: docs/protocol.md §4.8
    """
    _check_request(request)
    body, _ = check_body(request)
    if (body.station, body.realm) != (root.station, root.realm):
        raise OperatorError("the request is of another station or realm than the root")
    envelope = Envelope(CERTIFICATE_TYPE, request)
    return CertificateEnvelope(_signed(envelope, root.signer, root.digest), envelope.digest)


def issue_certificate(
    root: RootKey,
    key: HybridSigner,
    *,
    subject: Subject,
    usage: Usage,
    serial: int,
    not_before_ms: int,
    not_after_ms: int,
) -> CertifiedKey:
    """Request and sign in one step, where root and key are in the same hands.

    Raises:
        OperatorError: as `certificate_request`.
    """
    request = certificate_request(
        key,
        subject=subject,
        station=root.station,
        realm=root.realm,
        usage=usage,
        serial=serial,
        not_before_ms=not_before_ms,
        not_after_ms=not_after_ms,
    )
    issued = sign_certificate(request, root)
    return CertifiedKey(key, issued.encoded, issued.cert_id)


def new_station_keys(
    *,
    station: str,
    realm: Realm,
    officers: Sequence[Subject],
    at_ms: int,
    entropy: Entropy,
) -> StationKeys:
    """Draw everything that a station needs and certify it under a new root.

    Certificates begin CLOCK_MARGIN_MS before `at_ms` and last the longest allowed.

    Raises:
        OperatorError: a name is not acceptable, or two officers share a person id.
    """
    if len({officer.person.casefold() for officer in officers}) != len(officers):
        raise OperatorError("two officers have the same person id")
    root = make_root(station=station, realm=realm, at_ms=at_ms, entropy=entropy)
    begins_ms = max(0, at_ms - CLOCK_MARGIN_MS)

    def certify(subject: Subject, usage: Usage, serial: int) -> CertifiedKey:
        return issue_certificate(
            root,
            HybridSigner(draw_hybrid_seeds(entropy)),
            subject=subject,
            usage=usage,
            serial=serial,
            not_before_ms=begins_ms,
            not_after_ms=begins_ms + MAX_VALIDITY_MS,
        )

    console = certify(Subject("console", f"{station} console"), Usage.TRANSPORT, 1)
    ledger = certify(Subject("ledger", f"{station} ledger"), Usage.LEDGER, 2)
    people = {
        officer.person: certify(officer, Usage.STATEMENT, serial)
        for serial, officer in enumerate(officers, start=3)
    }
    return StationKeys(root, console, ledger, people, draw_prekey(entropy), draw_prekey(entropy))


def make_charter(
    root: RootKey,
    *,
    name: str,
    members: Sequence[tuple[str, Digest]],
    policy: Policy,
    at_ms: int,
    predecessor: Digest | None = None,
) -> bytes:
    """Write a charter and sign it as its first member; return the envelope.

    Args:
        members: Station name and digest of its root record, in the charter's order.
    Raises:
        OperatorError: a name, a member or the policy is not acceptable.
    Spec: docs/protocol.md §4.10
    """
    envelope = unsigned_charter(
        root.realm, name=name, members=members, policy=policy, at_ms=at_ms, predecessor=predecessor
    )
    return _sign_charter(envelope, root)


def countersign_charter(encoded: bytes, root: RootKey) -> bytes:
    """Sign a charter that another member wrote, over the same bytes; return the envelope.

    Raises:
        OperatorError: this root is not a member, or has signed already.
    Spec: docs/protocol.md §4.10
    """
    try:
        envelope = read_charter(encoded)
    except PeerError as error:
        raise OperatorError(str(error), hint="ask for the charter file again") from error
    return _sign_charter(envelope, root)


def _sign_charter(envelope: Envelope, root: RootKey) -> bytes:
    try:
        charter = charter_of(envelope)
    except PeerError as error:
        raise OperatorError(str(error)) from error
    if (root.station, root.digest) not in {(one.station, one.root) for one in charter.members}:
        raise OperatorError("the charter does not name this station's root among its members")
    if charter.realm != root.realm:
        raise OperatorError(f"the charter is {charter.realm}, this station's root {root.realm}")
    if any(entry.signer == root.digest for entry in envelope.signatures):
        raise OperatorError("this station has signed the charter already")
    return _signed(envelope, root.signer, root.digest)


def restore_root(
    record: bytes, seeds: HybridSeeds, next_seeds: HybridSeeds | None = None
) -> RootKey:
    """Join a root record and the seeds of its key file again.

    Raises:
        PeerError: the record does not verify.
        InvariantError: the seeds are not this record's.
    """
    return rejoin_root(verify_root(record), record, seeds, next_seeds)


def rejoin_root(
    root: Root, record: bytes, seeds: HybridSeeds, next_seeds: HybridSeeds | None
) -> RootKey:
    """Join a verified root, its record, and the seeds of its key file again.

    Raises:
        InvariantError: the seeds are not this record's.
    """
    signer = HybridSigner(seeds)
    if signer.public_key != root.key:
        raise InvariantError("the seeds are not those of the root record")
    return RootKey(root.station, root.realm, record, root.digest, signer, next_seeds)


def make_successor(root: RootKey, after: HybridSeeds, *, at_ms: int) -> RootKey:
    """Bring the committed successor of a root into office; it commits to the one after it.

    Args:
        after: Fresh seeds of the root after the successor.
    Spec: docs/protocol.md §4.24
    """
    if root.next_seeds is None:
        raise OperatorError("the root's successor is not at hand", hint="bring successor.key")
    signer = HybridSigner(root.next_seeds)
    envelope = Envelope(ROOT_TYPE, _root_payload(root.station, root.realm, signer, after, at_ms))
    message, digest = envelope.message, envelope.digest
    envelope = envelope.with_hybrid(digest, signer.sign(message))
    record = encode_envelope(envelope.with_hybrid(root.digest, root.signer.sign(message)))
    return RootKey(root.station, root.realm, record, digest, signer, after)


def _root_payload(
    station: str, realm: Realm, signer: HybridSigner, next_seeds: HybridSeeds, at_ms: int
) -> bytes:
    return canonical.encode(
        {
            "created": format_time(at_ms),
            "keys": _keys_json(signer.public_key),
            "next_root_hash": next_root_hash(HybridSigner(next_seeds).public_key).hex(),
            "realm": realm.value,
            "station": station,
            "v": 1,
        }
    )
