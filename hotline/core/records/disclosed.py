"""One event of a ledger shown to an outsider: a tlog-proof whose extra line holds the event.

Spec: docs/ledger.md §15
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.messages.statement import STATEMENT_TYPE, statement_digest
from hotline.core.records.checkpoint import parse_note
from hotline.core.records.leaf import (
    LEAF_BYTES,
    SALT_BYTES,
    Leaf,
    commitment,
    decode_leaf,
    leaf_hash,
)
from hotline.core.records.merkle import check_inclusion
from hotline.core.records.tlog_proof import TlogProof, decode_tlog_proof, encode_tlog_proof
from hotline.core.values import Digest

EXTRA_PREFIX = b"hotline disclosure v1\n"
MAX_CONTENT_BYTES = 65_536
MAX_ENCLOSURE_BYTES = 262_144

_LENGTH = struct.Struct(">I")
_ITEM_KEYS = 3
_FIXED = len(EXTRA_PREFIX) + LEAF_BYTES + SALT_BYTES


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An entry opened for somebody without the ledger.

    Attributes:
        leaf: The encoded leaf, LEAF_BYTES.
        salt: SALT_BYTES.
        content: The event's canonical JSON, verbatim.
        enclosure: The statement item that the entry encloses, or None.
    """

    leaf: bytes
    salt: bytes
    content: bytes
    enclosure: bytes | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A disclosed entry whose file agrees with itself; no signature is checked.

    Attributes:
        leaf: The entry's leaf, decoded.
        note: The signed head that the entry is under, with all its lines.
    """

    leaf: Leaf
    disclosed: Disclosed
    note: bytes


def encode_disclosed(disclosed: Disclosed) -> bytes:
    """Return the bytes of the extra line.

    Layout: EXTRA_PREFIX ‖ leaf 148 ‖ salt 32 ‖ u32 length ‖ content ‖ u32 length ‖ enclosure;
    no enclosure has length 0.
    Spec: docs/ledger.md §15.5
    """
    enclosure = disclosed.enclosure or b""
    return b"".join(
        (
            EXTRA_PREFIX,
            disclosed.leaf,
            disclosed.salt,
            _LENGTH.pack(len(disclosed.content)),
            disclosed.content,
            _LENGTH.pack(len(enclosure)),
            enclosure,
        )
    )


def decode_disclosed(extra: bytes) -> Disclosed:
    """Read the bytes of the extra line.

    Raises:
        PeerError: another prefix or length, or a part over its bound.
    Spec: docs/ledger.md §15.5
    """
    if not extra.startswith(EXTRA_PREFIX):
        raise PeerError("the extra line is not a disclosure of hotline")
    salt_at = len(EXTRA_PREFIX) + LEAF_BYTES
    content, enclosure_at = _part(extra, _FIXED, MAX_CONTENT_BYTES)
    enclosure, end = _part(extra, enclosure_at, MAX_ENCLOSURE_BYTES)
    if end != len(extra):
        raise PeerError("the extra line goes on after the disclosure")
    leaf, salt = extra[len(EXTRA_PREFIX) : salt_at], extra[salt_at:_FIXED]
    return Disclosed(leaf, salt, content, enclosure or None)


def _part(extra: bytes, at: int, most: int) -> tuple[bytes, int]:
    """Return the part whose length stands at `at`, and where it ends."""
    start = at + _LENGTH.size
    if len(extra) < start:
        raise PeerError("the extra line ends within the disclosure")
    (length,) = _LENGTH.unpack_from(extra, at)
    if length > most or len(extra) < start + length:
        raise PeerError("a part of the disclosure is too long or cut off")
    return extra[start : start + length], start + length


def make_disclosure(disclosed: Disclosed, path: Sequence[Digest], note: bytes) -> bytes:
    """Return the tlog-proof file of one entry under the head in `note`.

    Raises:
        InvariantError: the parts do not belong together.
    Spec: docs/ledger.md §15.1
    """
    extra = encode_disclosed(disclosed)
    try:
        index = decode_leaf(disclosed.leaf).index
        written = encode_tlog_proof(TlogProof(index, tuple(path), note, extra))
        check_disclosure(read_disclosure(written))
    except PeerError as error:
        raise InvariantError(f"an entry cannot be disclosed: {error}") from error
    return written


def read_disclosure(encoded: bytes) -> TlogProof:
    """Read the file's form: a tlog-proof with an extra line that holds a disclosure.

    Raises:
        PeerError: it is not of that form.
    """
    proof = decode_tlog_proof(encoded)
    if proof.extra is None:
        raise PeerError("the proof has no extra line, so nothing is disclosed")
    decode_leaf(decode_disclosed(proof.extra).leaf)
    return proof


def check_disclosure(proof: TlogProof) -> Disclosure:
    """Check that the file agrees with itself: leaf, content and path lead to the head's root.

    Raises:
        PeerError: something in it does not fit; the message names it.
    Spec: docs/ledger.md §15.6
    """
    disclosed = decode_disclosed(proof.extra or b"")
    leaf, head = decode_leaf(disclosed.leaf), parse_note(proof.note).checkpoint
    if leaf.index != proof.index:
        raise PeerError("the leaf is of another entry than the file names")
    if commitment(disclosed.salt, disclosed.content) != leaf.commitment:
        raise PeerError("the content is not what the leaf commits to")
    if disclosed.enclosure is not None:
        _check_statement(leaf, disclosed.enclosure)
    hashed = leaf_hash(disclosed.leaf)
    if not check_inclusion(hashed, leaf.index, head.size, head.root, proof.path):
        raise PeerError("the path does not lead from the entry to the head's root")
    return Disclosure(leaf, disclosed, proof.note)


def read_statement_item(enclosure: bytes) -> tuple[bytes, bytes, bytes]:
    """Return envelope and order of an enclosed statement (canonical JSON), and its payload.

    Raises:
        PeerError: the enclosure holds no statement item.
    """
    what = "the enclosed statement"
    body = canonical.decode(enclosure, what=what, max_bytes=MAX_ENCLOSURE_BYTES)
    match body:
        case {
            "t": "statement",
            "order": dict(order),
            "envelope": {"payloadType": str(kind), "payload": str(payload)} as envelope,
        } if kind == STATEMENT_TYPE and len(body) == _ITEM_KEYS:
            signed = canonical.from_base64(payload, what=what)
            return canonical.encode(envelope), canonical.encode(order), signed
    raise PeerError("the enclosure holds no statement")


def _check_statement(leaf: Leaf, enclosure: bytes) -> None:
    """Refuse an enclosure that no signature binds to the entry: only its digest in the leaf does.

    Spec: docs/ledger.md §15.6
    """
    if not leaf.has_enclosure:
        raise PeerError("a statement is shown, but the entry encloses none")
    _, _, payload = read_statement_item(enclosure)
    if statement_digest(payload) != leaf.subject:
        raise PeerError("the statement shown is not the one that the entry is about")
