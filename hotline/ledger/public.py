"""Public records: the signed things by which a ledger file alone names its keys.

Spec: docs/ledger.md §13
"""

from __future__ import annotations

from collections.abc import Iterable

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import Digest, sha256
from hotline.ledger.batch import MAX_RECORD_BYTES

AUTHORISATION_TYPE = "application/vnd.hotline.authorisation.v1+json"
"""As docs/protocol.md §4.14 names it; this floor reads one and verifies none."""


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


def erased_epochs(records: Iterable[bytes]) -> frozenset[int]:
    """Return the epochs whose erasure `records` authorise; whose word it is others verify.

    Args:
        records: Public records that entries of one ledger bind.
    Spec: docs/ledger.md §20.6
    """
    return frozenset(epoch for record in records if (epoch := _erased_epoch(record)) is not None)


def _erased_epoch(record: bytes) -> int | None:
    what = "a public record"
    value = canonical.decode(record, what=what, max_bytes=MAX_RECORD_BYTES)
    match value:
        case {"payload": str(payload), "payloadType": str(kind)} if kind == AUTHORISATION_TYPE:
            covered = canonical.from_base64(payload, what=what)
            match canonical.decode(covered, what=what, max_bytes=MAX_RECORD_BYTES):
                case {"act": "erase", "details": {"epoch": int(epoch)}}:
                    return epoch
    return None
