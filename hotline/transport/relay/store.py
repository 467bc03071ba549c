"""What a relay asks of whatever keeps its cells.

One conformance suite (tests/transport/relay/conformance.py) holds every store to it.
Spec: docs/transport.md §9.6
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

LAST_POSITION = 2**63 - 1
"""No store counts further, and SQLite cannot; a subscription may name any u64."""

OnArrival = Callable[[bytes], None]
"""Takes the id of a mailbox that may hold something new; called on the event loop."""


class Outcome(StrEnum):
    """What became of a cell that was put; STORED and DUPLICATE are durable."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"
    QUOTA = "QUOTA"
    FULL = "FULL"
    NO_BOX = "NO_BOX"


class Creation(StrEnum):
    """What became of a mailbox that was asked for. MADE also when it was there, all the same."""

    MADE = "MADE"
    TAKEN = "TAKEN"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox: 16 bytes of chance and the two keys (32 bytes each) that may use it."""

    id: bytes
    recipient: bytes
    sender: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """A cell that waits in a mailbox. Positions grow within one mailbox."""

    position: int
    id: bytes
    expires_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Quota:
    """What one mailbox may hold. What is over it is refused; nothing old makes room.

    Spec: docs/transport.md §9.5
    """

    cells: int = 1_000
    octets: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Health:
    """The store's state after a durable write that was made to find out.

    Attributes:
        writable: The write was durable.
        taking: There is room for further cells.
        free_bytes: Left on the store's volume or in its limit; -1 if nobody can tell.
        replicas: Copies of what is acknowledged.
        behind: Copies that are not there or lag.
    """

    writable: bool
    taking: bool
    free_bytes: int
    replicas: int
    behind: int


@dataclass(frozen=True, slots=True)
class Census:
    """What the store holds in all; for metrics, never by mailbox."""

    boxes: int
    cells: int
    octets: int


class RelayStore(Protocol):
    """Keeps cells until they are consumed or expire.

    Every method raises StorageError when the store cannot answer; whoever
    called knows nothing then, and tries the same again.
    """

    @property
    def depth(self) -> int:
        """How many changes wait to become durable."""

    async def put(
        self, box: bytes, sender: bytes, cell_id: bytes, body: bytes, expires_ms: int
    ) -> Outcome:
        """Keep a cell; return once it is durable, or say why it is not kept.

        A cell that the box holds, or held until it was consumed, is a DUPLICATE.
        A key that is not the box's sender gets NO_BOX.
        """

    async def fetch(self, box: bytes, after: int, limit: int) -> Sequence[Held]:
        """Return up to `limit` cells behind position `after`, the oldest first."""

    async def consume(self, box: bytes, ids: Sequence[bytes]) -> int:
        """Forget the cells durably, but know their ids; return how many were there."""

    async def expire(self, now_ms: int) -> Sequence[tuple[bytes, bytes]]:
        """Forget what expired by `now_ms`; return (box, cell id) of a bounded number of cells."""

    async def create(self, box: Box, token: bytes) -> Creation:
        """Make a mailbox durably; `token` (32 bytes) is bound to it until it is dropped."""

    async def drop(self, box: bytes, until_ms: int) -> bool:
        """Destroy a mailbox with its cells; its id is not given again before `until_ms`."""

    async def find(self, box: bytes) -> Box | None:
        """Return the mailbox of that id."""

    async def health(self) -> Health:
        """Make a durable write and say how the store is."""

    async def census(self) -> Census:
        """Count what is held."""

    def on_arrival(self, callback: OnArrival) -> None:
        """Call `callback` after each cell that became durable, from whichever relay."""

    async def close(self) -> None:
        """Finish what was handed over and let go of the store."""
