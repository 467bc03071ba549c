"""Frames of the relay protocol: what one binary websocket message holds. Pure.

Spec: docs/transport.md §9.2
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.frames import MAX_CELL_BYTES, MAX_FRAME_BYTES

VERSION = 1
BOX_BYTES = 16
ID_BYTES = 32
MAX_IDS = 256
"""Cells that one ACK or CONSUMED names."""

NO_TOKEN = bytes(32)
"""Stands in AUTH when the dialer is known to its mailbox already."""


class Stage(IntEnum):
    """What an ACK says of the cells that it names."""

    RELAYED = 1
    CONSUMED = 3


class Code(IntEnum):
    """Why a request was not met.

    Spec: docs/transport.md §9.4
    """

    QUOTA = 1
    FULL = 2
    TOO_BIG = 3
    NO_BOX = 4
    EXPIRED = 5
    ADMISSION = 6
    FAULT = 7


class Refusal(IntEnum):
    """Why a session was not opened; unknown and forbidden are one reason."""

    VERSION = 1
    FORBIDDEN = 2
    BUSY = 3


@dataclass(frozen=True, slots=True)
class Chal:
    """The relay's first word: its version and 32 bytes of chance. It names nobody."""

    version: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Auth:
    """The dialer's answer, signed with the mailbox key `key`.

    Attributes:
        box: A mailbox that the key belongs to, or that it wants to create.
        relay: The relay's key as the dialer knows it.
        token: An admission token, or NO_TOKEN.
        signature: Of the transcript; see `handshake`.
    """

    version: int
    box: bytes
    key: bytes
    relay: bytes
    nonce: bytes
    token: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """The relay's signed word that the session is open, with its bounds.

    Attributes:
        session: 16 bytes of chance; they name the session in nothing but this frame.
        window_cells: Cells that may be unanswered, in either direction.
        window_bytes: Their bytes.
        max_body_bytes: The longest cell that is taken.
        keep_s: The longest time that a cell is kept.
    """

    session: bytes
    window_cells: int
    window_bytes: int
    max_body_bytes: int
    keep_s: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """The relay opens no session; look again after `retry_after_s`."""

    code: int
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Create:
    """Asks for a mailbox whose recipient is the session's key."""

    box: bytes
    sender: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Asks to destroy a mailbox and all it holds; its recipient only."""

    box: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """CREATE (`kind` 5) or DROP (6) of `box` is durable."""

    kind: int
    box: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """Leaves a cell in a mailbox; its sender only. `id` is the body's SHA-256."""

    box: bytes
    id: bytes
    expires_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """The cells `ids` have reached `stage`, durably."""

    stage: int
    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Nak:
    """A request was not met.

    Attributes:
        kind: Type of the frame that it answers.
        ref: The cell's id; of a mailbox its 16 bytes and 16 zero bytes.
        code: One of `Code`.
        retry_after_s: When it may be worth another try; 0 means never, as it stands.
    """

    kind: int
    ref: bytes
    code: int
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Sub:
    """Asks for the cells of a mailbox behind position `after`, and all that come; recipient."""

    box: bytes
    after: int


@dataclass(frozen=True, slots=True)
class Push:
    """A cell for the recipient, at its position in the mailbox."""

    box: bytes
    position: int
    expires_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Consumed:
    """The recipient has made the cells `ids` durable; the relay may forget them."""

    box: bytes
    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks the relay's reader and its store for an answer."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a PING; `store_ok` is 1 after a durable write that was made for it."""

    nonce: int
    store_ok: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The last frame of an end that leaves on purpose; `code` is its close code."""

    code: int


Frame = (
    Chal
    | Auth
    | Welcome
    | Refuse
    | Create
    | Drop
    | Done
    | Put
    | Ack
    | Nak
    | Sub
    | Push
    | Consumed
    | Ping
    | Pong
    | Bye
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
