"""Cells that were handed to routes and are not known to have arrived; what to bring along.

Whatever goes by one route after another one may have lost what came before would be read
without it: a statement before the certificate that it rests on. So each route is first
brought what the others took and nobody confirmed. Spec: docs/transport.md §11.5
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_CELLS = 256
MAX_CELLS_BYTES = 4 << 20
"""Of all that is remembered the oldest is forgotten; statements are sent again anyhow."""
PRESSING_CELLS = 32
PRESSING_BYTES = 1 << 20
"""From so many on somebody should ask whether they arrived."""


@dataclass(eq=False, slots=True)
class Sent:
    """A cell.

    Attributes:
        by: Routes that were given it; `done`: those that took it.
    """

    cell: bytes
    by: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


class UnderWay:
    """The cells to one peer that nobody has confirmed, the oldest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._cells: dict[Sent, None] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def pressing(self) -> bool:
        """Whether there are so many that they should be confirmed at once."""
        return len(self._cells) >= PRESSING_CELLS or self._bytes >= PRESSING_BYTES

    def add(self, cell: bytes) -> Sent:
        """Remember a cell; the oldest ones give way."""
        sent = Sent(cell)
        self._cells[sent] = None
        self._bytes += len(cell)
        while len(self._cells) > MAX_CELLS or self._bytes > MAX_CELLS_BYTES:
            self.drop(next(iter(self._cells)))
        return sent

    def drop(self, sent: Sent) -> None:
        """Forget a cell: it arrived, or it is somebody else's to send again."""
        if sent in self._cells:
            del self._cells[sent]
            self._bytes -= len(sent.cell)

    def clear(self) -> None:
        """Forget all cells: everything is said anew."""
        self._cells.clear()
        self._bytes = 0

    def missing_at(self, route: str) -> list[Sent]:
        """Return what a route was not given yet, in the order in which it was sealed."""
        return [sent for sent in self._cells if route not in sent.by]

    def taken_by(self, route: str) -> list[Sent]:
        """Return what a route took and nobody confirmed."""
        return [sent for sent in self._cells if route in sent.done]

    def lose(self, route: str) -> None:
        """Count nothing as given to a route: its session is over."""
        for sent in self._cells:
            sent.by.discard(route)
            sent.done.discard(route)
