"""What an outside witness is sent: C2SP tlog-witness `add-checkpoint`, and its name for a key.

Spec: docs/ledger.md §16
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.canonical import from_base64, to_base64
from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import (
    COSIGNATURE_V1,
    KEY_ID_BYTES,
    MAX_NOTE_BYTES,
    key_id,
    parse_note,
)
from hotline.core.records.tlog_proof import encode_hashes, parse_hashes, parse_number
from hotline.core.values import Digest

MAX_ADD_CHECKPOINT_BYTES = MAX_NOTE_BYTES + 4_096
OLD = b"old "
_KEY_BYTES = 32
_VKEY = re.compile(r"([!-*,-~]{1,128})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{1,64}={0,2})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A head for a witness, with the proof from the one that it countersigned before.

    Attributes:
        old_size: Size of the head that the witness holds, 0 if none.
        proof: Consistency proof from `old_size` to the head's size, empty from 0.
        note: The signed head, verbatim.
    """

    old_size: int
    proof: tuple[Digest, ...]
    note: bytes


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The key by which a witness that no charter names is known: a C2SP vkey of type 0x04.

    Attributes:
        name: Its key name, as its signature lines bear it.
        public_key: Ed25519, 32 bytes.
    """

    name: str
    public_key: bytes


def encode_add_checkpoint(body: AddCheckpoint) -> bytes:
    """Write the body of the request.

    Raises:
        InvariantError: `decode_add_checkpoint` would not read it back.
    Spec: docs/ledger.md §16.6
    """
    lines = "".join(f"{line}\n" for line in encode_hashes(body.proof))
    written = b"old %d\n" % body.old_size + lines.encode() + b"\n" + body.note
    try:
        if decode_add_checkpoint(written) == body:
            return written
    except PeerError as error:
        raise InvariantError(f"an add-checkpoint body cannot be written: {error}") from error
    raise InvariantError("an add-checkpoint body would not read back")


def decode_add_checkpoint(encoded: bytes) -> AddCheckpoint:
    """Read the body of a request; nothing in it is verified.

    Raises:
        PeerError: too long, not of this form, an old size above the head's, a proof
            where none may be, more than 63 hashes, a malformed head.
    Spec: docs/ledger.md §16.6
    """
    if len(encoded) > MAX_ADD_CHECKPOINT_BYTES:
        raise PeerError(f"an add-checkpoint body is at most {MAX_ADD_CHECKPOINT_BYTES} bytes long")
    text, gap, note = encoded.partition(b"\n\n")
    first, *rest = text.split(b"\n")
    if not gap or not first.startswith(OLD):
        raise PeerError("an add-checkpoint body begins with the old size and ends with a head")
    old_size = parse_number(first[len(OLD) :], what="the old size")
    proof = parse_hashes(rest, what="the consistency proof")
    size = parse_note(note).checkpoint.size
    if old_size > size:
        raise PeerError("the old size is larger than the head's")
    if proof and old_size in (0, size):
        raise PeerError("from nothing, or from the same size, no proof may be given")
    return AddCheckpoint(old_size, proof, note)


def append_answer(note: bytes, answer: bytes) -> bytes:
    """Return a head's note with the signature lines of a witness's answer at its end.

    Raises:
        PeerError: the two together are no note.
    """
    joined = note + answer
    parse_note(joined)
    return joined


def encode_vkey(key: WitnessKey) -> str:
    """Return `name+key id in hex+base64 of 0x04 ‖ public key`."""
    known = key_id(key.name, key.public_key, COSIGNATURE_V1)
    return f"{key.name}+{known.hex()}+{to_base64(bytes([COSIGNATURE_V1]) + key.public_key)}"


def decode_vkey(text: str) -> WitnessKey:
    """Read a C2SP vkey of a witness (type 0x04).

    Raises:
        PeerError: not of this form, another type of key, a key id that is not the key's.
    Spec: docs/ledger.md §16.7
    """
    match = _VKEY.fullmatch(text)
    if not match:
        raise PeerError("a witness's key must look like name+01234567+base64")
    encoded = from_base64(match[3], what="a witness's key")
    if len(encoded) != 1 + _KEY_BYTES or encoded[0] != COSIGNATURE_V1:
        raise PeerError("a witness's key must be an Ed25519 cosignature key (type 4)")
    name, known = match[1], bytes.fromhex(match[2])
    if key_id(name, encoded[1:], COSIGNATURE_V1) != known[:KEY_ID_BYTES]:
        raise PeerError("a witness's key does not fit its key id; one of them is misspelled")
    return WitnessKey(name, encoded[1:])


def witness_keys(texts: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
    """Return key name to keys of the vkeys in `texts`."""
    found: dict[str, tuple[bytes, ...]] = {}
    for key in map(decode_vkey, texts):
        found[key.name] = (*found.get(key.name, ()), key.public_key)
    return found
