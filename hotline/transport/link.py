"""The route machine and the backoff: tables and arithmetic, no socket. Pure.

Spec: docs/transport.md §6
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

BACKOFF_BASE_S = 0.5
MAX_DOUBLINGS = 32
"""Beyond it the cap decides anyway; it keeps the power small after days of failures."""


class State(StrEnum):
    """Where a route is. A listener is never DIALING and never BLOCKED."""

    DOWN = "DOWN"
    DIALING = "DIALING"
    UP = "UP"
    BLOCKED = "BLOCKED"


class Event(StrEnum):
    """What happens to a route."""

    DIALED = "DIALED"
    OPENED = "OPENED"
    FAILED = "FAILED"
    MISMATCHED = "MISMATCHED"
    LOST = "LOST"
    CLOSED = "CLOSED"


ROWS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.DOWN, Event.DIALED): State.DIALING,
        (State.BLOCKED, Event.DIALED): State.DIALING,
        (State.DIALING, Event.OPENED): State.UP,
        (State.DOWN, Event.OPENED): State.UP,
        (State.DIALING, Event.FAILED): State.DOWN,
        (State.DIALING, Event.MISMATCHED): State.BLOCKED,
        (State.UP, Event.LOST): State.DOWN,
        (State.DIALING, Event.CLOSED): State.DOWN,
        (State.BLOCKED, Event.CLOSED): State.DOWN,
        (State.UP, Event.CLOSED): State.DOWN,
        (State.DOWN, Event.CLOSED): State.DOWN,
    }
)
"""The whole machine: (state, event) to next state."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an event did: the state after it, and whether the table has a row for it."""

    state: State
    known: bool
    note: str


def step(state: State, event: Event) -> Step:
    """Look the event up; without a row nothing changes and the note says so.

    Spec: docs/transport.md §6.1
    """
    after = ROWS.get((state, event))
    if after is None:
        return Step(state, False, f"{event} means nothing to a route that is {state}")
    return Step(after, True, f"{event}: {state} to {after}")


@dataclass(frozen=True, slots=True)
class Timings:
    """Every wait of a route, in seconds. The defaults are for real lines; drills shorten them.

    Attributes:
        open_timeout_s: TCP, TLS and HTTP together, and each of them at the listener.
        auth_timeout_s: The handshake that follows, whole, at either end.
        ping_interval_s: Quiet time before the library pings.
        ping_timeout_s: Wait for its pong.
        close_timeout_s: Wait for the other end's goodbye.
        send_timeout_s: Wait for a frame to leave; a peer that stops reading is dropped then.
        stable_s: Time in UP after which failures count from zero again.
        backoff_cap_s: Longest wait between two dials.
        blocked_s: Wait of a BLOCKED route before it looks again.
    Spec: docs/transport.md §5.1, §6.3
    """

    open_timeout_s: float = 5.0
    auth_timeout_s: float = 5.0
    ping_interval_s: float = 10.0
    ping_timeout_s: float = 10.0
    close_timeout_s: float = 1.0
    send_timeout_s: float = 10.0
    stable_s: float = 30.0
    backoff_cap_s: float = 30.0
    blocked_s: float = 60.0


def count_failures(before: int, up_s: float, stable_s: float) -> int:
    """Return the failures in a row, this one included; a session of `stable_s` starts over.

    Spec: docs/transport.md §6.3
    """
    return 1 if up_s >= stable_s else before + 1


def backoff_s(failures: int, fraction: float, cap_s: float) -> float:
    """Return the seconds to wait after `failures` (1 or more) in a row, with full jitter.

    Args:
        failures: Counted by `count_failures`.
        fraction: A random number, 0 to 1: the wait is that part of the ceiling.
        cap_s: The ceiling never passes it.
    Spec: docs/transport.md §6.2
    """
    doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
    ceiling_s: float = min(cap_s, BACKOFF_BASE_S * 2**doublings)
    return fraction * ceiling_s
