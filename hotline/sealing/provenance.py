"""Provenance: which root of a line may have issued a record, and which keys may stand beside.

Spec: docs/protocol.md §4.8, §4.11, §4.21
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hotline.core.errors import PeerError
from hotline.core.values import Digest
from hotline.sealing.certificate import Certificate, issuer_of, verify_certificate
from hotline.sealing.dsse import Envelope
from hotline.sealing.lineage import Lineage
from hotline.sealing.revocation import PREPARED, VerifiedRevocation, verify_revocation
from hotline.sealing.root import Root


def certify(envelope: Envelope, roots: Iterable[Root]) -> Certificate:
    """Verify a certificate under the one of `roots` that its signature names.

    Raises:
        PeerError: it names none of them, or does not verify.
    Spec: docs/protocol.md §4.8
    """
    issuer = issuer_of(envelope)
    for root in roots:
        if root.digest == issuer:
            return verify_certificate(envelope, root)
    raise PeerError("certificate: its issuer is not a member of the charter")


def find_revocation(envelope: Envelope, lineages: Mapping[str, Lineage]) -> VerifiedRevocation:
    """Verify a revocation under whichever root of a member its signature names.

    Raises:
        PeerError: it names none of them, or does not verify.
    Spec: docs/protocol.md §4.21
    """
    signers = {entry.signer for entry in envelope.signatures}
    for lineage in lineages.values():
        for root in lineage.roots:
            if root.digest in signers:
                return verify_revocation(envelope, root)
    raise PeerError("revocation: its signer is no root of a member of the charter")


def check_subject(one: VerifiedRevocation, certificates: Mapping[Digest, Certificate]) -> None:
    """Refuse a revocation of another station's certificate.

    A certificate that is not here yet may be revoked: when it comes, it is.
    Spec: docs/protocol.md §4.21
    """
    said = one.revocation
    certificate = certificates.get(said.subject)
    if certificate is not None and certificate.station != said.station:
        raise PeerError("revocation: the certificate is another station's")
    if said.counter == PREPARED and certificate is not None and certificate.root != one.root:
        raise PeerError("revocation: a prepared one must be by the root that certified")


def check_keys(lineages: Mapping[str, Lineage], certificates: Mapping[Digest, Certificate]) -> None:
    """Refuse a key that serves two persons, two usages or a root and something else.

    Spec: docs/protocol.md §4.11
    """
    holder: dict[bytes, tuple[str, ...]] = {}
    holders: list[tuple[tuple[bytes, bytes], tuple[str, ...]]] = [
        ((root.key.ed25519, root.key.mldsa65), (root.station, root.digest.hex()))
        for lineage in lineages.values()
        for root in lineage.roots
    ]
    holders += [
        ((one.key.ed25519, one.key.mldsa65), (one.station, one.person.casefold(), one.usage))
        for one in certificates.values()
    ]
    for keys, owner in holders:
        if any(holder.setdefault(key, owner) != owner for key in keys):
            raise PeerError("one key serves two persons or two usages")
