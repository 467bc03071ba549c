"""Frames by which the two ends of a direct link prove themselves, before any other. Pure.

Spec: docs/transport.md §2.5, §4.5
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.layout import Table, Tail, layout

VERSION = 1
MAX_VERSIONS = 8
"""That a listener can offer in one CHAL; unused places are 0."""

MAX_GREETING_BYTES = 2_048
"""No frame of the handshake is longer."""

PART_BYTES = 2_000
MAX_PARTS = 12
MAX_INTRODUCTION_BYTES = PART_BYTES * MAX_PARTS
"""A console's certificate with both halves of the root's signature takes about 9,000."""

NOTHING_BROUGHT = bytes(32)


class Refusal(IntEnum):
    """Why a listener opens no session; unknown and forbidden are one reason.

    Spec: docs/transport.md §4.8
    """

    VERSION = 1
    FORBIDDEN = 2


@dataclass(frozen=True, slots=True)
class Chal:
    """The listener's first word: the versions it speaks and 32 bytes of chance.

    It names nobody and is not signed. Its layout stays, whatever versions follow.
    """

    versions: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Auth:
    """The dialer's answer, signed with its console's key.

    Attributes:
        ours, theirs: The dialer and whom it dials: a station on a line, in a realm.
        key: Its console's Ed25519 key.
        brings: SHA-256 of the introduction that follows in parts, or zeros.
    """

    version: int
    ours: bytes
    theirs: bytes
    key: bytes
    nonce: bytes
    brings: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """The listener's signed word that the session is open, with its bounds.

    Attributes:
        session: 16 bytes of chance; they name the session in nothing but this frame.
        key: Its console's Ed25519 key.
        brings: As in AUTH.
        max_cell_bytes: The longest cell that it takes.
        frames_per_s, burst: What it reads without letting the dialer wait.
    """

    session: bytes
    key: bytes
    brings: bytes
    max_cell_bytes: int
    frames_per_s: int
    burst: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """The listener opens no session; look again after `retry_after_s`."""

    code: int
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an introduction: a certificate that enrolment did not make known.

    Attributes:
        left: How many more follow.
    """

    left: int
    piece: bytes


Greeting = Chal | Auth | Welcome | Refuse | Part


def _encode_piece(piece: bytes) -> bytes:
    if not 1 <= len(piece) <= PART_BYTES:
        raise InvariantError(f"a part has 1 to {PART_BYTES} bytes")
    return piece


def _decode_piece(tail: bytes) -> bytes:
    if len(tail) > PART_BYTES:
        raise PeerError(f"a part has 1 to {PART_BYTES} bytes")
    return tail


_TABLE: Table[Greeting] = Table(
    (
        layout(5, Chal, (f"{MAX_VERSIONS}s", "32s")),
        layout(6, Auth, ("B", "32s", "32s", "32s", "32s", "32s", "64s")),
        layout(7, Welcome, ("16s", "32s", "32s", "I", "H", "H", "64s")),
        layout(8, Refuse, ("B", "I")),
        layout(9, Part, ("B",), Tail(_encode_piece, _decode_piece)),
    ),
    MAX_GREETING_BYTES,
)


def encode(greeting: Greeting) -> bytes:
    """Return the frame's bytes: its type (u8), then its fields, big-endian.

    Raises:
        InvariantError: a field has another length, or a number does not fit.
    Spec: docs/transport.md §2.5
    """
    return _TABLE.encode(greeting)


def decode(message: bytes) -> Greeting:
    """Read one frame of the handshake from one binary message.

    Raises:
        PeerError: unknown type, a wrong length, or more than MAX_GREETING_BYTES.
    Spec: docs/transport.md §2.5
    """
    return _TABLE.decode(message)


def offer(*versions: int) -> bytes:
    """Return what CHAL says of the versions that a listener speaks."""
    return bytes(versions).ljust(MAX_VERSIONS, b"\0")


def choose(offered: bytes, *ours: int) -> int:
    """Return the highest version that both ends speak; 0 when there is none.

    Spec: docs/transport.md §4.6
    """
    return max(set(offered) & set(ours) - {0}, default=0)


def party_id(realm: str, line: bytes, station: str) -> bytes:
    """Return the 32 bytes that stand for a station on one line, in one realm.

    Nobody who does not know the line can tell from them who it is.
    Spec: docs/transport.md §4.5
    """
    return hashlib.sha256(
        f"hotline link 1 party\n{realm}\n{line.hex()}\n{station}".encode()
    ).digest()


def digest_of(introduction: bytes) -> bytes:
    """Return what AUTH and WELCOME say of an introduction; zeros for none."""
    return hashlib.sha256(introduction).digest() if introduction else NOTHING_BROUGHT


def cut(introduction: bytes) -> tuple[Part, ...]:
    """Cut an introduction into the frames that carry it.

    Raises:
        InvariantError: it is over MAX_INTRODUCTION_BYTES.
    """
    if len(introduction) > MAX_INTRODUCTION_BYTES:
        raise InvariantError(f"an introduction has at most {MAX_INTRODUCTION_BYTES} bytes")
    pieces = [introduction[at : at + PART_BYTES] for at in range(0, len(introduction), PART_BYTES)]
    return tuple(Part(len(pieces) - 1 - place, piece) for place, piece in enumerate(pieces))
