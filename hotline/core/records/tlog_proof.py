"""C2SP tlog-proof files: a head, a place under it, and the path that joins the two.

Spec: docs/ledger.md §15
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.canonical import from_base64, to_base64
from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import parse_note
from hotline.core.records.leaf import MAX_INDEX
from hotline.core.values import DIGEST_BYTES, Digest

PROOF_HEADER = b"c2sp.org/tlog-proof@v1"
MAX_PATH_NODES = 63
"""A tree of at most 2^62 leaves is no higher, and C2SP allows no more lines."""

MAX_EXTRA_BYTES = 400_000
MAX_TLOG_PROOF_BYTES = 600_000

_NUMBER = re.compile(rb"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What such a file holds; nothing in it is verified.

    Attributes:
        index: Place of the entry in the log, 0 to MAX_INDEX.
        path: Inclusion path from the leaf upwards, at most MAX_PATH_NODES.
        note: The signed head, verbatim, with one signature line or more.
        extra: Bytes of the application's own, or None; no signature covers them.
    """

    index: int
    path: tuple[Digest, ...]
    note: bytes
    extra: bytes | None = None


def encode_tlog_proof(proof: TlogProof) -> bytes:
    """Write the file.

    Raises:
        InvariantError: `decode_tlog_proof` would not read it back.
    Spec: docs/ledger.md §15.2
    """
    lines = [PROOF_HEADER.decode()]
    if proof.extra is not None:
        lines.append(f"extra {to_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    written = "\n".join([*lines, *encode_hashes(proof.path)]).encode() + b"\n\n" + proof.note
    try:
        if decode_tlog_proof(written) == proof:
            return written
    except PeerError as error:
        raise InvariantError(f"a tlog-proof cannot be written: {error}") from error
    raise InvariantError("a tlog-proof would not read back")


def decode_tlog_proof(encoded: bytes) -> TlogProof:
    """Read the file; exactly one spelling of each is accepted.

    Raises:
        PeerError: over MAX_TLOG_PROOF_BYTES, another header, order or number of lines,
            a second spelling of a number or of base64, a malformed head.
    Spec: docs/ledger.md §15.2
    """
    if len(encoded) > MAX_TLOG_PROOF_BYTES:
        raise PeerError(f"a tlog-proof is at most {MAX_TLOG_PROOF_BYTES} bytes long")
    text, gap, note = encoded.partition(b"\n\n")
    lines = text.split(b"\n")
    if not gap or lines[0] != PROOF_HEADER:
        raise PeerError("a tlog-proof begins with its name and ends with a signed head")
    parse_note(note)
    extra, rest = _take_extra(lines[1:])
    index, path = _take_index(rest)
    return TlogProof(index, path, note, extra)


def _take_extra(lines: Sequence[bytes]) -> tuple[bytes | None, Sequence[bytes]]:
    if not lines or not lines[0].startswith(b"extra "):
        return None, lines
    extra = from_base64(_ascii(lines[0][6:]), what="the extra line of a tlog-proof")
    if len(extra) > MAX_EXTRA_BYTES:
        raise PeerError(f"the extra line of a tlog-proof holds at most {MAX_EXTRA_BYTES} bytes")
    return extra, lines[1:]


def _take_index(lines: Sequence[bytes]) -> tuple[int, tuple[Digest, ...]]:
    if not lines or not lines[0].startswith(b"index "):
        raise PeerError("a tlog-proof names the index of its entry before the path")
    index = parse_number(lines[0][6:], what="the index of a tlog-proof")
    if index > MAX_INDEX:
        raise PeerError("the index of a tlog-proof is out of bounds")
    return index, parse_hashes(lines[1:], what="the path of a tlog-proof")


def parse_number(text: bytes, *, what: str) -> int:
    """Read ASCII decimals without leading zeros, below 10^19.

    Raises:
        PeerError: another spelling.
    """
    if not _NUMBER.fullmatch(text):
        raise PeerError(f"{what} must be 0 or a number without leading zeros")
    return int(text)


def encode_hashes(hashes: Sequence[bytes]) -> list[str]:
    """Write each hash as a line of base64, without its newline."""
    return [to_base64(one) for one in hashes]


def parse_hashes(lines: Sequence[bytes], *, what: str) -> tuple[Digest, ...]:
    """Read one hash of 32 bytes in base64 from each line.

    Raises:
        PeerError: more than MAX_PATH_NODES, another spelling or length.
    """
    if len(lines) > MAX_PATH_NODES:
        raise PeerError(f"{what} has more than {MAX_PATH_NODES} hashes")
    hashes = tuple(Digest(from_base64(_ascii(line), what=what)) for line in lines)
    if any(len(one) != DIGEST_BYTES for one in hashes):
        raise PeerError(f"{what} holds a hash that is not 32 bytes long")
    return hashes


def _ascii(line: bytes) -> str:
    try:
        return line.decode("ascii")
    except UnicodeDecodeError as error:
        raise PeerError("a proof holds characters outside ASCII") from error
