"""Portable evidence that a station signed two histories: two heads and the records of its keys.

Whoever holds such a file needs nobody's word for it: the station's own
signatures stand on both heads.
Spec: docs/ledger.md §15.8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.cards import ledger_records
from hotline.core.records.checkpoint import (
    Checkpoint,
    parse_note,
    parse_origin,
    verify_checkpoint,
)
from hotline.core.seams import Verifier
from hotline.core.values import check_station

EVIDENCE_TYPE = "hotline fork evidence v1"
MAX_EVIDENCE_BYTES = 16_777_216
_WHAT = "fork evidence"
_KEYS = {"held", "observer", "records", "shown", "type"}


class Contradiction(Enum):
    """What two heads of one log prove.

    FORK: one size, two roots: no honest log signs both.
    UNJOINED: two sizes; both may be honest, and only the station could join them by a
    consistency proof. The observer says that it could not.
    """

    FORK = "fork"
    UNJOINED = "unjoined"


@dataclass(frozen=True, slots=True)
class ForkEvidence:
    """Two heads of one log that do not go together, as far as the file says.

    Attributes:
        held: Signed note of the head that the observer had witnessed before.
        shown: Signed note of the head that it was shown then.
        records: Public records that name the keys of the station that signed.
        observer: Station that saw both.
    """

    held: bytes
    shown: bytes
    records: tuple[bytes, ...]
    observer: str

    @property
    def heads(self) -> tuple[Checkpoint, Checkpoint]:
        """What the two notes say, not verified."""
        return parse_note(self.held).checkpoint, parse_note(self.shown).checkpoint

    @property
    def contradiction(self) -> Contradiction:
        """What the two heads would prove if their signatures verify."""
        held, shown = self.heads
        return Contradiction.FORK if held.size == shown.size else Contradiction.UNJOINED


def make_fork_evidence(
    held_note: bytes, shown_note: bytes, records: Sequence[bytes], observer: str
) -> bytes:
    """Return the file of two contradicting heads.

    Args:
        held_note: The head that `observer` witnessed before, as it was signed.
        shown_note: The head that contradicts it, as it was signed.
        records: Public records of the line; those that name ledger keys are put in.
        observer: The station that saw both.
    Raises:
        InvariantError: the two heads do not contradict each other, or are malformed.
    Spec: docs/ledger.md §15.8
    """
    try:
        envelopes = [_envelope(record) for record in ledger_records(records)]
        body = {
            "held": held_note.decode(),
            "observer": observer,
            "records": envelopes,
            "shown": shown_note.decode(),
            "type": EVIDENCE_TYPE,
        }
        encoded = canonical.encode(body)
        read_fork_evidence(encoded)
    except (PeerError, UnicodeDecodeError) as error:
        raise InvariantError(f"evidence of a fork cannot be written: {error}") from error
    return encoded


def read_fork_evidence(encoded: bytes) -> ForkEvidence:
    """Read the file; no signature is checked.

    Raises:
        PeerError: malformed, heads of two logs, or heads that do not contradict each other.
    Spec: docs/ledger.md §15.8
    """
    body = canonical.decode(encoded, what=_WHAT, max_bytes=MAX_EVIDENCE_BYTES)
    if not isinstance(body, dict) or body.keys() != _KEYS or body["type"] != EVIDENCE_TYPE:
        raise PeerError("the file is not evidence of a fork")
    held, shown, observer, records = (body[key] for key in ("held", "shown", "observer", "records"))
    if not all(isinstance(text, str) for text in (held, shown, observer)):
        raise PeerError("evidence of a fork holds two heads and an observer")
    if not isinstance(records, list):
        raise PeerError("evidence of a fork holds a list of public records")
    check_station(observer)
    encoded_records = tuple(canonical.encode(record) for record in records)
    ledger_records(encoded_records)
    evidence = ForkEvidence(held.encode(), shown.encode(), encoded_records, observer)
    _check_pair(*evidence.heads)
    return evidence


def _check_pair(held: Checkpoint, shown: Checkpoint) -> None:
    parse_origin(held.origin)
    if held.origin != shown.origin:
        raise PeerError("the two heads are of two logs, so they contradict nothing")
    if (held.size, held.root) == (shown.size, shown.root):
        raise PeerError("the two heads say the same, so they contradict nothing")


def verify_fork_evidence(
    evidence: ForkEvidence, keys: Sequence[bytes], verifier: Verifier
) -> Contradiction:
    """Check both signatures and return what the two heads prove.

    Args:
        keys: Ed25519 ledger keys of the station that the origin names.
    Raises:
        PeerError: a head is not signed by one of `keys`.
    Spec: docs/ledger.md §15.8
    """
    for note in (evidence.held, evidence.shown):
        verify_checkpoint(note, keys, verifier)
    return evidence.contradiction


def _envelope(record: bytes) -> object:
    decoded: object = canonical.decode(record, what=_WHAT, max_bytes=MAX_EVIDENCE_BYTES)
    return decoded
