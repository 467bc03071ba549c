"""Heads of a ledger: C2SP checkpoints, the notes that carry them, cosignatures.

A note is the checkpoint's three lines, an empty line, and signature lines.
Ours carry exactly one signature line each: the ledger's own, or a witness's.
Spec: docs/ledger.md §7
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hotline.core.canonical import from_base64, to_base64
from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.merkle import EMPTY_ROOT
from hotline.core.seams import Signer, Verifier
from hotline.core.values import DIGEST_BYTES, Digest, Realm, check_station

MAX_NOTE_BYTES = 16_384
MAX_SIGNATURE_LINES = 16
MAX_HAND_OVER_LINES = 2
MAX_SIZE = 2**63 - 1
MAX_GENERATION = 999_999
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64
STAMP_BYTES = 8

ED25519 = 0x01
COSIGNATURE_V1 = 0x04

_SIZE = re.compile(rb"0|[1-9][0-9]{0,18}")
_ORIGIN = re.compile(r"hotline/(LIVE|EXERCISE)/([0-9a-f]{64})/([A-Z0-9-]{1,16})/([1-9][0-9]{0,5})")
_NAME = re.compile(r"[!-*,-~]{1,128}")
_SIGNATURE_LINE = re.compile(rb"\xe2\x80\x94 ([!-*,-~]{1,128}) ([A-Za-z0-9+/]{4,8192}={0,2})")


@dataclass(frozen=True, slots=True)
class Origin:
    """Which log a head is of.

    Attributes:
        line: The line id in hex.
        generation: 1 to MAX_GENERATION; rises when a rolled-back log had to be left behind.
    Spec: docs/ledger.md §7.1
    """

    realm: Realm
    line: str
    station: str
    generation: int

    @property
    def witness_name(self) -> str:
        """Key name under which this station countersigns heads of the others."""
        return f"hotline/{self.realm}/{self.line}/{self.station}"


def build_origin(realm: Realm, line: Digest, station: str, generation: int = 1) -> str:
    """Return `hotline/<REALM>/<line id, 64 hex>/<STATION>/<generation>`.

    Raises:
        PeerError: `station` may not name a station.
        InvariantError: `generation` is not 1 to MAX_GENERATION.
    """
    if not 1 <= generation <= MAX_GENERATION:
        raise InvariantError(f"{generation} cannot be a ledger generation")
    return f"{witness_name(realm, line, station)}/{generation}"


def witness_name(realm: Realm, line: Digest, station: str) -> str:
    """Return the key name of `station`'s cosignatures: an origin without its generation."""
    return f"hotline/{realm}/{line.hex()}/{check_station(station)}"


def parse_origin(text: str) -> Origin:
    """Read an origin.

    Raises:
        PeerError: not what `build_origin` writes.
    """
    match = _ORIGIN.fullmatch(text)
    if not match:
        raise PeerError("a ledger origin must look like hotline/LIVE/<64 hex>/<STATION>/1")
    realm, line, station, generation = match.groups()
    return Origin(Realm(realm), line, check_station(station), int(generation))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log is and what it holds: the size and root of one of its heads."""

    origin: str
    size: int
    root: Digest

    def body(self) -> bytes:
        """Return the three lines that are signed, each with its newline."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n".encode()


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note.

    Attributes:
        key_id: First four bytes of SHA-256(name ‖ newline ‖ algorithm ‖ public key).
        signature: Ed25519: 64 bytes. Cosignature: u64 seconds ‖ 64 bytes.
    """

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed signed note; nothing about it is verified yet."""

    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature on a head of ours: the checkpoint's lines and one signature line.

    Attributes:
        signer: Key name of the witness.
        at_s: When it signed, seconds since 1970, UTC.
        note: The bytes that `cosign` returned.
    """

    checkpoint: Checkpoint
    signer: str
    at_s: int
    note: bytes


@lru_cache(maxsize=256)
def key_id(name: str, public_key: bytes, algorithm: int = ED25519) -> bytes:
    """Return the four bytes by which a note names a key (32 bytes) under `name`."""
    named = name.encode() + b"\n" + bytes([algorithm]) + public_key
    return hashlib.sha256(named).digest()[:KEY_ID_BYTES]


def format_note(checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> bytes:
    """Write a signed note: body, empty line, one line per signature.

    Spec: docs/ledger.md §7.2
    """
    lines = (f"— {s.name} {to_base64(s.key_id + s.signature)}\n" for s in signatures)
    return checkpoint.body() + b"\n" + "".join(lines).encode()


def parse_note(note: bytes) -> Note:
    """Read a signed note; exactly one spelling of each is accepted.

    Raises:
        PeerError: over MAX_NOTE_BYTES, another number of lines, a size or base64
            with a second spelling, no signature line, the same key twice, trailing bytes.
    Spec: docs/ledger.md §7.3
    """
    if len(note) > MAX_NOTE_BYTES:
        raise PeerError(f"a head has {len(note)} bytes, the bound is {MAX_NOTE_BYTES}")
    lines = note.split(b"\n")
    if not 6 <= len(lines) <= MAX_SIGNATURE_LINES + 5 or lines[3] or lines[-1]:
        raise PeerError("a head is three lines, an empty one and its signature lines")
    signatures = tuple(_parse_signature(line) for line in lines[4:-1])
    if len({(s.name, s.key_id) for s in signatures}) != len(signatures):
        raise PeerError("a head is signed twice by the same key")
    return Note(_parse_checkpoint(*lines[:3]), signatures)


def _parse_checkpoint(origin: bytes, size: bytes, root: bytes) -> Checkpoint:
    name, shown = _ascii(origin), _ascii(root)
    if not _NAME.fullmatch(name):
        raise PeerError("a head's origin is not printable ASCII without spaces")
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise PeerError("a head's size must be 0 or a number without leading zeros")
    digest = from_base64(shown, what="a head's root")
    if len(digest) != DIGEST_BYTES:
        raise PeerError("a head's root is not 32 bytes")
    if int(size) == 0 and digest != EMPTY_ROOT:
        raise PeerError("a head of no entries has the root of some")
    return Checkpoint(name, int(size), Digest(digest))


def _parse_signature(line: bytes) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match:
        raise PeerError("a signature line of a head is malformed")
    blob = from_base64(match[2].decode(), what="a signature line")
    if len(blob) <= KEY_ID_BYTES:
        raise PeerError("a signature line of a head holds no signature")
    return NoteSignature(match[1].decode(), blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def _ascii(line: bytes) -> str:
    try:
        return line.decode("ascii")
    except UnicodeDecodeError as error:
        raise PeerError("a head holds characters outside ASCII") from error


def sign_checkpoint(origin: str, size: int, root: Digest, signer: Signer) -> bytes:
    """Return the signed note of a head by the ledger's own key.

    Spec: docs/ledger.md §7.4
    """
    checkpoint = Checkpoint(origin, size, root)
    signature = signer.sign(checkpoint.body())
    named = NoteSignature(origin, key_id(origin, signer.public_key), signature)
    return format_note(checkpoint, [named])


def hand_over(note: bytes, signer: Signer) -> bytes:
    """Return a head's note with a second line: the key that signs the heads after it.

    Spec: docs/ledger.md §7.7
    """
    parsed = parse_note(note)
    name = parsed.checkpoint.origin
    signature = signer.sign(parsed.checkpoint.body())
    successor = NoteSignature(name, key_id(name, signer.public_key), signature)
    return format_note(parsed.checkpoint, [*parsed.signatures, successor])


def hands_over(note: bytes) -> bool:
    """Return whether a head's note carries a second signature line (`hand_over`)."""
    return len(parse_note(note).signatures) > 1


def verify_checkpoint(note: bytes, public_keys: Sequence[bytes], verifier: Verifier) -> Checkpoint:
    """Return the checkpoint of a note that one of `public_keys` (the ledger's) signed.

    A hand-over from one key to the next is signed by both.

    Raises:
        PeerError: malformed, more signature lines, another key, a bad signature.
    Spec: docs/ledger.md §7.4, §7.7
    """
    parsed = parse_note(note)
    body = parsed.checkpoint.body()
    if len(parsed.signatures) > MAX_HAND_OVER_LINES:
        raise PeerError("a head or cosignature carries exactly one signature line")
    for line in parsed.signatures:
        _check_signature(line, parsed.checkpoint.origin, SIGNATURE_BYTES)
        if not _any_key(line, public_keys, ED25519, body, line.signature, verifier):
            raise PeerError("a head is not signed by a ledger key of its station")
    return parsed.checkpoint


def cosign(checkpoint: Checkpoint, name: str, signer: Signer, at_s: int) -> bytes:
    """Return a C2SP cosignature/v1 of `checkpoint` as a note with that one signature line.

    Args:
        name: The witness's key name (`witness_name`).
        at_s: Seconds since 1970, UTC.
    Spec: docs/ledger.md §7.5
    """
    if not 0 < at_s <= MAX_SIZE:
        raise InvariantError("a cosignature needs a time after 1970")
    signature = signer.sign(cosigned_message(checkpoint, at_s))
    stamped = at_s.to_bytes(STAMP_BYTES, "big") + signature
    named = NoteSignature(name, key_id(name, signer.public_key, COSIGNATURE_V1), stamped)
    return format_note(checkpoint, [named])


def parse_cosignature(note: bytes) -> Cosignature:
    """Read what `cosign` writes, without verifying it.

    Raises:
        PeerError: malformed, or not exactly one signature line of 8 + 64 bytes.
    """
    parsed = parse_note(note)
    name = parsed.signatures[0].name
    only = _only_signature(parsed, name, STAMP_BYTES + SIGNATURE_BYTES)
    at_s = int.from_bytes(only.signature[:STAMP_BYTES], "big")
    if not 0 < at_s <= MAX_SIZE:
        raise PeerError("a cosignature has no time")
    return Cosignature(parsed.checkpoint, name, at_s, note)


def verify_cosignature(
    note: bytes, name: str, public_keys: Sequence[bytes], verifier: Verifier
) -> Cosignature:
    """Return the cosignature in `note` if witness `name` made it with one of `public_keys`.

    Raises:
        PeerError: malformed, another witness or key, a bad signature.
    Spec: docs/ledger.md §7.5
    """
    cosignature = parse_cosignature(note)
    if cosignature.signer != name:
        raise PeerError("a cosignature is by another witness than expected")
    only = parse_note(note).signatures[0]
    message = cosigned_message(cosignature.checkpoint, cosignature.at_s)
    signature = only.signature[STAMP_BYTES:]
    if not _any_key(only, public_keys, COSIGNATURE_V1, message, signature, verifier):
        raise PeerError("a cosignature is not by a ledger key of its station")
    return cosignature


def cosigned_message(checkpoint: Checkpoint, at_s: int) -> bytes:
    """Return what a witness signs: cosignature/v1, its time in seconds, the head's lines."""
    return b"cosignature/v1\ntime %d\n" % at_s + checkpoint.body()


def _only_signature(parsed: Note, name: str, length: int) -> NoteSignature:
    if len(parsed.signatures) != 1:
        raise PeerError("a head or cosignature carries exactly one signature line")
    return _check_signature(parsed.signatures[0], name, length)


def _check_signature(line: NoteSignature, name: str, length: int) -> NoteSignature:
    if line.name != name or len(line.signature) != length:
        raise PeerError("a head or cosignature is signed under another name or algorithm")
    return line


def _any_key(
    line: NoteSignature,
    public_keys: Sequence[bytes],
    algorithm: int,
    message: bytes,
    signature: bytes,
    verifier: Verifier,
) -> bool:
    return any(
        line.key_id == key_id(line.name, key, algorithm) and verifier(key, message, signature)
        for key in public_keys
    )
