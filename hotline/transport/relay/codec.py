"""The bytes of relay frames: one table, read and written by it. Pure.

Spec: docs/transport.md §9.2
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.frames import MAX_CELL_BYTES, MAX_FRAME_BYTES
from hotline.transport.relay.frames import (
    ID_BYTES,
    MAX_IDS,
    Ack,
    Auth,
    Bye,
    Chal,
    Consumed,
    Create,
    Done,
    Drop,
    Frame,
    Nak,
    Ping,
    Pong,
    Push,
    Put,
    Refuse,
    Sub,
    Welcome,
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """A fixed head, then nothing, a body, or ids."""

    kind: int
    frame: type[Frame]
    head: struct.Struct
    widths: tuple[int, ...]
    tail: str


def _layout(kind: int, frame: type[Frame], head: tuple[str, ...], tail: str = "") -> _Layout:
    widths = tuple(int(part[:-1]) if part.endswith("s") else 0 for part in head)
    return _Layout(kind, frame, struct.Struct(">" + "".join(head)), widths, tail)


_ALL = (
    _layout(1, Chal, ("B", "32s")),
    _layout(2, Auth, ("B", "16s", "32s", "32s", "32s", "32s", "64s")),
    _layout(3, Welcome, ("16s", "H", "I", "I", "I", "64s")),
    _layout(4, Refuse, ("B", "I")),
    _layout(5, Create, ("16s", "32s", "32s")),
    _layout(6, Drop, ("16s",)),
    _layout(7, Done, ("B", "16s")),
    _layout(8, Put, ("16s", "32s", "Q"), "body"),
    _layout(9, Ack, ("B",), "ids"),
    _layout(10, Nak, ("B", "32s", "B", "I")),
    _layout(11, Sub, ("16s", "Q")),
    _layout(12, Push, ("16s", "Q", "Q"), "body"),
    _layout(13, Consumed, ("16s",), "ids"),
    _layout(14, Ping, ("Q",)),
    _layout(15, Pong, ("Q", "B")),
    _layout(16, Bye, ("H",)),
)
_BY_KIND = {layout.kind: layout for layout in _ALL}
_BY_FRAME = {layout.frame: layout for layout in _ALL}
_NAMES = {layout.frame: tuple(one.name for one in fields(layout.frame)) for layout in _ALL}


def kind_of(frame: type[Frame]) -> int:
    """Return the type byte of a frame, which NAK and DONE repeat."""
    return _BY_FRAME[frame].kind


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes: its type (u8), its fixed fields, then its body or ids.

    Raises:
        InvariantError: a field has another length, or a number does not fit.
    Spec: docs/transport.md §9.2
    """
    layout = _BY_FRAME[type(frame)]
    values = [getattr(frame, name) for name in _NAMES[type(frame)]]
    tail = _encode_tail(layout.tail, values.pop()) if layout.tail else b""
    for value, width in zip(values, layout.widths, strict=True):
        if width and len(value) != width:
            raise InvariantError(f"a field of {width} bytes has {len(value)}")
    try:
        return bytes((layout.kind,)) + layout.head.pack(*values) + tail
    except struct.error as error:
        raise InvariantError("a number does not fit its field") from error


def _encode_tail(tail: str, value: bytes | tuple[bytes, ...]) -> bytes:
    if isinstance(value, bytes):
        if not 1 <= len(value) <= MAX_CELL_BYTES:
            raise InvariantError(f"a cell has 1 to {MAX_CELL_BYTES} bytes")
        return value
    if not 1 <= len(value) <= MAX_IDS or any(len(one) != ID_BYTES for one in value):
        raise InvariantError(f"a frame names 1 to {MAX_IDS} {tail} of {ID_BYTES} bytes")
    return b"".join(value)


def decode(message: bytes) -> Frame:
    """Read one frame from one binary message.

    A body may be longer than a cell: the relay answers TOO_BIG to it.

    Raises:
        PeerError: unknown type, a wrong length, or more than MAX_FRAME_BYTES.
    Spec: docs/transport.md §9.2
    """
    if not 1 <= len(message) <= MAX_FRAME_BYTES:
        raise PeerError(f"a frame has 1 to {MAX_FRAME_BYTES} bytes")
    layout = _BY_KIND.get(message[0])
    if layout is None:
        raise PeerError(f"frame type {message[0]} is not known")
    size = 1 + layout.head.size
    tail = message[size:]
    if len(message) < size or bool(layout.tail) != bool(tail):
        raise PeerError(f"a frame of type {layout.kind} has another length")
    values: tuple[object, ...] = layout.head.unpack_from(message, 1)
    if layout.tail == "ids":
        values = (*values, _decode_ids(tail))
    elif layout.tail:
        values = (*values, tail)
    return layout.frame(*values)  # type: ignore[arg-type]  # the table gives each its fields


def _decode_ids(tail: bytes) -> tuple[bytes, ...]:
    if len(tail) % ID_BYTES or len(tail) > MAX_IDS * ID_BYTES:
        raise PeerError(f"a frame names 1 to {MAX_IDS} ids of {ID_BYTES} bytes")
    return tuple(tail[at : at + ID_BYTES] for at in range(0, len(tail), ID_BYTES))
