"""Files of public records: the cards by which an outsider knows whose keys are whose.

Spec: docs/ledger.md §15.7
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import Digest, sha256

MAX_CARD_RECORDS = 4_096
MAX_CARD_BYTES = 16_777_216

ROOT = "application/vnd.hotline.root.v1+json"
CHARTER = "application/vnd.hotline.charter.v1+json"
CERTIFICATE = "application/vnd.hotline.certificate.v1+json"
REVOCATION = "application/vnd.hotline.revocation.v1+json"

_WHAT = "a card"


def format_cards(records: Sequence[bytes]) -> bytes:
    """Write public records (canonical DSSE envelopes), one on each line."""
    return b"".join(record + b"\n" for record in records)


def parse_cards(encoded: bytes) -> list[bytes]:
    """Read public records: one canonical envelope on each line, or one JSON array of them.

    Raises:
        PeerError: too long, empty, or something else; no signature is checked.
    Spec: docs/ledger.md §15.7
    """
    if len(encoded) > MAX_CARD_BYTES:
        raise PeerError(f"a card file is at most {MAX_CARD_BYTES} bytes long")
    if encoded.startswith(b"["):
        whole = canonical.decode(encoded.rstrip(b"\n"), what=_WHAT, max_bytes=MAX_CARD_BYTES)
        records = [canonical.encode(record) for record in whole]
    else:
        records = encoded.removesuffix(b"\n").split(b"\n")
    if not 1 <= len(records) <= MAX_CARD_RECORDS:
        raise PeerError(f"a card file holds 1 to {MAX_CARD_RECORDS} records")
    for record in records:
        _read(record)
    return records


def ledger_records(records: Sequence[bytes], also: Collection[Digest] = ()) -> list[bytes]:
    """Return the records that name ledger keys: roots, charters and ledger certificates.

    Revocations, too: they form a chain, and name certificates by their ids only.

    The certificates of officers stay out, but for those whose ids are in `also`: a
    file for outsiders names no more people than it needs.

    Raises:
        PeerError: one is no envelope.
    """
    return [record for record in records if _names_ledger(record, also)]


def roots_in(records: Sequence[bytes]) -> list[bytes]:
    """Return the root records among public records."""
    return [record for record in records if _read(record)[0] == ROOT]


def _names_ledger(record: bytes, also: Collection[Digest]) -> bool:
    kind, payload = _read(record)
    if kind in (ROOT, CHARTER, REVOCATION):
        return True
    if kind != CERTIFICATE:
        return False
    body = canonical.decode(payload, what=_WHAT, max_bytes=MAX_CARD_BYTES)
    usage = body.get("usage") if isinstance(body, dict) else None
    return usage == "ledger" or sha256(canonical.pae(kind, payload)) in also


def _read(record: bytes) -> tuple[str, bytes]:
    match canonical.decode(record, what=_WHAT, max_bytes=MAX_CARD_BYTES):
        case {"payload": str(payload), "payloadType": str(kind), "signatures": list()}:
            return kind, canonical.from_base64(payload, what=_WHAT)
    raise PeerError("a card file holds something that is no public record")
