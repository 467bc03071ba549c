"""Frames: what one binary websocket message holds. Pure.

Spec: docs/transport.md §2
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hotline.core.errors import InvariantError, PeerError

MAX_FRAME_BYTES = 65_536
"""No websocket message is longer, whatever its type; the library enforces it."""

MAX_CELL_BYTES = 61_440
"""The longest cell: fifteen padding steps of 4096 bytes."""

_CELL, _PING, _PONG, _BYE = 1, 2, 3, 4
_NONCE = struct.Struct(">Q")
_CODE = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Cell:
    """A sealed cell, 1 to MAX_CELL_BYTES bytes; the transport never looks inside."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks the other end's reader, not its library, to answer with `nonce` (u64)."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers the ping that carried `nonce` (u64)."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The last frame of an end that leaves on purpose; `code` is its close code (u16)."""

    code: int


Frame = Cell | Ping | Pong | Bye


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes: its type (u8), then its body, big-endian.

    Raises:
        InvariantError: a cell is empty or too long, or a number does not fit its field.
    Spec: docs/transport.md §2.1
    """
    match frame:
        case Cell(sealed):
            if not 1 <= len(sealed) <= MAX_CELL_BYTES:
                raise InvariantError(f"a cell has 1 to {MAX_CELL_BYTES} bytes")
            return bytes((_CELL,)) + sealed
        case Ping(nonce):
            return bytes((_PING,)) + _pack(_NONCE, nonce)
        case Pong(nonce):
            return bytes((_PONG,)) + _pack(_NONCE, nonce)
        case Bye(code):
            return bytes((_BYE,)) + _pack(_CODE, code)


def _pack(field: struct.Struct, number: int) -> bytes:
    try:
        return field.pack(number)
    except struct.error as error:
        raise InvariantError(f"a number must fit {field.size} bytes") from error


def decode(message: bytes) -> Frame:
    """Read one frame from one binary message.

    Raises:
        PeerError: unknown type, a wrong length, or more than MAX_FRAME_BYTES.
    Spec: docs/transport.md §2.1, §2.2
    """
    if not 1 <= len(message) <= MAX_FRAME_BYTES:
        raise PeerError(f"a frame has 1 to {MAX_FRAME_BYTES} bytes")
    kind, body = message[0], message[1:]
    if kind == _CELL:
        return Cell(_checked_cell(body))
    if kind == _PING:
        return Ping(_unpack(_NONCE, body))
    if kind == _PONG:
        return Pong(_unpack(_NONCE, body))
    if kind == _BYE:
        return Bye(_unpack(_CODE, body))
    raise PeerError(f"frame type {kind} is not known")


def _checked_cell(body: bytes) -> bytes:
    if not 1 <= len(body) <= MAX_CELL_BYTES:
        raise PeerError(f"a cell has 1 to {MAX_CELL_BYTES} bytes, not {len(body)}")
    return body


def _unpack(field: struct.Struct, body: bytes) -> int:
    if len(body) != field.size:
        raise PeerError(f"this frame's body has {field.size} bytes, not {len(body)}")
    number: int = field.unpack(body)[0]
    return number
