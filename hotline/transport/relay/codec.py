"""The bytes of relay frames: one table, read and written by it. Pure.

Spec: docs/transport.md §9.2
"""

from __future__ import annotations

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.frames import MAX_CELL_BYTES, MAX_FRAME_BYTES
from hotline.transport.layout import Table, Tail, layout
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


def _encode_body(body: bytes) -> bytes:
    if not 1 <= len(body) <= MAX_CELL_BYTES:
        raise InvariantError(f"a cell has 1 to {MAX_CELL_BYTES} bytes")
    return body


def _encode_ids(ids: tuple[bytes, ...]) -> bytes:
    if not 1 <= len(ids) <= MAX_IDS or any(len(one) != ID_BYTES for one in ids):
        raise InvariantError(f"a frame names 1 to {MAX_IDS} ids of {ID_BYTES} bytes")
    return b"".join(ids)


def _decode_ids(tail: bytes) -> tuple[bytes, ...]:
    if len(tail) % ID_BYTES or len(tail) > MAX_IDS * ID_BYTES:
        raise PeerError(f"a frame names 1 to {MAX_IDS} ids of {ID_BYTES} bytes")
    return tuple(tail[at : at + ID_BYTES] for at in range(0, len(tail), ID_BYTES))


# A body may be longer than a cell: the relay answers TOO_BIG to it.
_BODY, _IDS = Tail(_encode_body, bytes), Tail(_encode_ids, _decode_ids)
_TABLE: Table[Frame] = Table(
    (
        layout(1, Chal, ("B", "32s")),
        layout(2, Auth, ("B", "16s", "32s", "32s", "32s", "32s", "64s")),
        layout(3, Welcome, ("16s", "H", "I", "I", "I", "64s")),
        layout(4, Refuse, ("B", "I")),
        layout(5, Create, ("16s", "32s", "32s")),
        layout(6, Drop, ("16s",)),
        layout(7, Done, ("B", "16s")),
        layout(8, Put, ("16s", "32s", "Q"), _BODY),
        layout(9, Ack, ("B",), _IDS),
        layout(10, Nak, ("B", "32s", "B", "I")),
        layout(11, Sub, ("16s", "Q")),
        layout(12, Push, ("16s", "Q", "Q"), _BODY),
        layout(13, Consumed, ("16s",), _IDS),
        layout(14, Ping, ("Q",)),
        layout(15, Pong, ("Q", "B")),
        layout(16, Bye, ("H",)),
    ),
    MAX_FRAME_BYTES,
)


def kind_of(frame: type[Frame]) -> int:
    """Return the type byte of a frame, which NAK and DONE repeat."""
    return _TABLE.kind_of(frame)


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes: its type (u8), its fixed fields, then its body or ids.

    Raises:
        InvariantError: a field has another length, or a number does not fit.
    Spec: docs/transport.md §9.2
    """
    return _TABLE.encode(frame)


def decode(message: bytes) -> Frame:
    """Read one frame from one binary message.

    Raises:
        PeerError: unknown type, a wrong length, or more than MAX_FRAME_BYTES.
    Spec: docs/transport.md §9.2
    """
    return _TABLE.decode(message)
