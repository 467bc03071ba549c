"""Frames of the relay protocol, as values. Pure.

Spec: docs/transport.md §9.2
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

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
