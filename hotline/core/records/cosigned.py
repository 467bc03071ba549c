"""A head with several signature lines: its own and those of its witnesses in one note.

In a ledger and on the wire each signature is a note of its own. Files for
outsiders carry them together, as C2SP notes usually do.
Spec: docs/ledger.md §15.3
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import (
    COSIGNATURE_V1,
    ED25519,
    Checkpoint,
    NoteSignature,
    format_note,
    key_id,
    parse_note,
    verify_checkpoint,
    verify_cosignature,
)
from hotline.core.seams import Verifier


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness whose cosignature verified: its key name and when it signed, in seconds UTC."""

    name: str
    at_s: int


@dataclass(frozen=True, slots=True)
class JudgedNote:
    """A head that its own ledger key signed.

    Attributes:
        cosigners: Witnesses whose cosignatures verify, in the note's order.
        unjudged: Key names of the lines for which no key was given.
    """

    checkpoint: Checkpoint
    cosigners: tuple[Cosigner, ...]
    unjudged: tuple[str, ...]


def merge_notes(notes: Sequence[bytes]) -> bytes:
    """Join notes over one head into one note; a line that stands twice is written once.

    Raises:
        InvariantError: they are not over one head, or are none.
        PeerError: one is malformed, or the result is too long.
    Spec: docs/ledger.md §15.3
    """
    parsed = [parse_note(note) for note in notes]
    if len({note.checkpoint for note in parsed}) != 1:
        raise InvariantError("signatures of different heads were to be joined")
    lines = dict.fromkeys(line for note in parsed for line in note.signatures)
    merged = format_note(parsed[0].checkpoint, list(lines))
    parse_note(merged)
    return merged


def judge_note(
    note: bytes,
    keys: Sequence[bytes],
    cosigners: Mapping[str, Sequence[bytes]],
    verifier: Verifier,
) -> JudgedNote:
    """Check every signature line whose key is known; list the others.

    Args:
        keys: Ed25519 keys that may sign heads of the log.
        cosigners: Key name of each known witness to its Ed25519 keys.
    Raises:
        PeerError: malformed; no line by one of `keys`; or a line that names a known key
            and does not verify: then the whole note is refused.
    Spec: docs/ledger.md §15.4
    """
    parsed = parse_note(note)
    head = parsed.checkpoint
    own, cosigned, unjudged = 0, [], []
    for line in parsed.signatures:
        alone = format_note(head, [line])
        if _is_by(line, head.origin, keys, ED25519):
            verify_checkpoint(alone, keys, verifier)
            own += 1
        elif _is_by(line, line.name, cosigners.get(line.name, ()), COSIGNATURE_V1):
            known = verify_cosignature(alone, line.name, cosigners[line.name], verifier)
            cosigned.append(Cosigner(line.name, known.at_s))
        else:
            unjudged.append(line.name)
    if not own:
        raise PeerError("a head is not signed by a ledger key of its station")
    return JudgedNote(head, tuple(cosigned), tuple(unjudged))


def _is_by(line: NoteSignature, name: str, keys: Sequence[bytes], algorithm: int) -> bool:
    """Return whether a line claims to be by one of `keys` under `name`."""
    return line.name == name and any(line.key_id == key_id(name, key, algorithm) for key in keys)
