"""What all sessions of a relay share: store, bounds, counters, and who waits for what.

Spec: docs/transport.md §9.4, §9.7
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from hotline.core.seams import Clock
from hotline.transport.relay.admission import Admission
from hotline.transport.relay.limits import Limits
from hotline.transport.relay.metrics import Metrics
from hotline.transport.relay.store import RelayStore
from hotline.transport.route import Monotonic

T = TypeVar("T")
OnExpired = Callable[[bytes], None]
"""Takes the id of a cell that expired before anybody took it."""


class Tell(Protocol):
    """The relay's log: one event with fields, none of which names a mailbox, key or address."""

    def __call__(self, event: str, **fields: str | int | float) -> None:
        """Write the event down."""


class Hub:
    """Wakes the sessions that wait for a mailbox, and tells senders what expired."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self._senders: dict[bytes, set[OnExpired]] = {}

    def arrived(self, box: bytes) -> None:
        """Wake whoever waits for `box`."""
        for event in self._waiting.get(box, ()):
            event.set()

    def expired(self, box: bytes, cell_id: bytes) -> None:
        """Tell whoever sends to `box` that a cell is lost to its recipient."""
        for tell in tuple(self._senders.get(box, ())):
            tell(cell_id)

    @contextmanager
    def waiting(self, box: bytes) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something arrives in `box`."""
        event = asyncio.Event()
        with _member(self._waiting, box, event):
            yield event

    @contextmanager
    def sending(self, box: bytes, on_expired: OnExpired) -> Iterator[None]:
        """Tell `on_expired` what expires in `box`."""
        with _member(self._senders, box, on_expired):
            yield


@contextmanager
def _member(groups: dict[bytes, set[T]], box: bytes, one: T) -> Iterator[None]:
    groups.setdefault(box, set()).add(one)
    try:
        yield
    finally:
        groups[box].discard(one)
        if not groups[box]:
            del groups[box]


@dataclass(frozen=True, slots=True)
class Premises:
    """What a session is given by its relay.

    Attributes:
        clock: The time by which cells expire.
    """

    store: RelayStore
    limits: Limits
    metrics: Metrics
    admission: Admission
    clock: Clock
    monotonic: Monotonic
    tell: Tell
    hub: Hub = field(default_factory=Hub)
