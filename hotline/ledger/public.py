"""Public records: the signed things by which a ledger file alone names its keys.

Spec: docs/ledger.md §13
"""

from __future__ import annotations

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import Digest, sha256
from hotline.ledger.batch import MAX_RECORD_BYTES


def record_digest(envelope: bytes) -> Digest:
    """Return the identity of a DSSE envelope: SHA-256 of its PAE.

    Raises:
        PeerError: not a canonical envelope.
    """
    value = canonical.decode(envelope, what="a public record", max_bytes=MAX_RECORD_BYTES)
    match value:
        case {"payload": str(payload), "payloadType": str(kind), "signatures": list()}:
            covered = canonical.from_base64(payload, what="a public record's payload")
            return sha256(canonical.pae(kind, covered))
    raise PeerError("a public record is not a signed envelope")
