"""A statement on its way to one peer: what happens next while no receipt came. Pure.

The same cell goes by every route; it is sealed anew only when its key may be gone, or
when the peer was heard since and must have refused or lost it. What a route says of
a cell decides what is tried next and nothing else. Spec: docs/protocol.md §7.37
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

KEPT_S = 600.0
"""A cell that a relay took is given to it again no sooner."""


class Step(Enum):
    """What to do with a flight whose time has come."""

    WAIT = auto()
    SAME = auto()
    """Hand the same cell to one more route."""
    SEAL = auto()
    """Seal the statement anew and hand that to the best route."""
    SEAL_LASTING = auto()
    """The same, to a key that the peer has on its disk: it may not be there."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A statement that was sealed once at least, or waits for that.

    Attributes:
        rank: How urgent it is, 0 first.
        cell: As it was sealed last; empty before.
        by: Routes that were given that cell, and when.
        proved: Whether the peer had proved itself when it was sealed.
        tries: How often it was sealed.
        due_s: When it is looked at again.
        queued: Whether it waits for its turn.
    """

    rank: int
    cell: bytes = field(default=b"", repr=False)
    by: Mapping[str, float] = field(default_factory=dict)
    proved: bool = False
    tries: int = 0
    due_s: float = 0.0
    queued: bool = True

    @property
    def sent_s(self) -> float:
        """When it was given to a route last."""
        return max(self.by.values(), default=float("-inf"))


@dataclass(frozen=True, slots=True)
class Outlook:
    """A flight, and how the routes stand.

    Attributes:
        up: The routes that take a cell, the best first.
        storing: Those of all routes whose far end may read much later.
        heard_s: When the peer itself was heard last.
    """

    flight: Flight
    up: tuple[str, ...]
    storing: frozenset[str]
    heard_s: float
    now_s: float

    @property
    def untried(self) -> tuple[str, ...]:
        """Routes that are up and were not given the cell, those first that do not store."""
        found = [name for name in self.up if name not in self.flight.by]
        return tuple(sorted(found, key=lambda name: name in self.storing))

    @property
    def next_route(self) -> str:
        """The route that the same cell goes by next: a new one, or the relay that had it."""
        return next(iter((*self.untried, *self.up)), "")

    @property
    def kept(self) -> tuple[float, ...]:
        """When relays took the cell."""
        return tuple(at_s for name, at_s in self.flight.by.items() if name in self.storing)


Row = tuple[str, Callable[[Outlook], bool], Step]

ROWS: tuple[Row, ...] = (
    ("no route", lambda at: not at.up, Step.WAIT),
    ("not sealed yet", lambda at: not at.flight.cell, Step.SEAL),
    ("another direct route", lambda at: bool(set(at.untried) - at.storing), Step.SAME),
    ("heard since", lambda at: at.heard_s > at.flight.sent_s, Step.SEAL),
    (
        "perhaps not there",
        lambda at: at.flight.proved and not set(at.up) - at.storing,
        Step.SEAL_LASTING,
    ),
    ("no relay has it", lambda at: bool(at.untried) and not at.kept, Step.SAME),
    (
        "with a relay for long",
        lambda at: bool(at.kept) and at.now_s - max(at.kept) >= KEPT_S and _relay_up(at),
        Step.SAME,
    ),
)
"""What to do with a flight that is due: the first row that holds, else WAIT."""


def _relay_up(at: Outlook) -> bool:
    return not set(at.up) - at.storing


def next_step(at: Outlook) -> Step:
    """Return what is to be done with a flight that has no receipt in time.

    Spec: docs/protocol.md §7.37
    """
    return next((step for _, holds, step in ROWS if holds(at)), Step.WAIT)


def pause_s(tries: int, wait_s: float, longest_s: float, fraction: float) -> float:
    """Return how long a receipt is waited for, with full jitter over what grows with the tries.

    Args:
        wait_s: The least: what an answer may take.
        longest_s: The ceiling of what the doubling reaches.
        fraction: A random number, 0 to 1.
    Spec: docs/protocol.md §7.37
    """
    ceiling_s = min(max(wait_s, longest_s), wait_s * 2.0 ** min(tries, 32))
    return wait_s + fraction * (ceiling_s - wait_s)
