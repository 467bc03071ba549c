"""When a sealing key turns over, goes, and what is sealed anew: tables (docs/protocol.md §7.22).

A key is named here by its aseq alone; who holds the bytes stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from hotline.core.errors import PeerError

TURN_MS = 600_000
"""Age at which a key is replaced though nobody used it."""
LIFE_MS = 900_000
"""Age at which a key is destroyed, used or not."""
GRACE_MS = 60_000
"""How long a key outlives the first use of its successor, where a packet may be on its way."""
MAX_OPENED = 50
"""Packets opened under one key before its successor is announced, asked for or not."""
MAX_KNOWN_ASEQ = 2**52
"""An aseq that a peer says it knows, and that we go on from."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn key.

    Attributes:
        aseq: Its announcement's number.
        opened: Packets that it has opened.
        used_ms: When it opened the first one, or None.
    """

    aseq: int
    made_ms: int
    opened: int = 0
    used_ms: int | None = None

    def age_ms(self, now_ms: int) -> int:
        """Return its age; a clock that went back far makes it as old as can be."""
        age_ms = now_ms - self.made_ms
        return LIFE_MS if age_ms < -GRACE_MS else age_ms


@dataclass(frozen=True, slots=True)
class Ring:
    """The turn keys of one station towards one peer.

    Attributes:
        floor: Every aseq given out, and every one that the peer knows, is at most this.
        wanted: A new key was asked for: a link came up, a watch was relieved.
    """

    current: Turn | None = None
    previous: Turn | None = None
    floor: int = 0
    wanted: bool = False

    @property
    def alive(self) -> frozenset[int]:
        """The aseqs of the keys that open now."""
        return frozenset([one.aseq for one in (self.current, self.previous) if one])


@dataclass(frozen=True, slots=True)
class Moment:
    """What a row looks at: a ring, the time, and whether every packet before came.

    Attributes:
        whole: No number is missing in what came from the peer.
    """

    ring: Ring
    now_ms: int
    whole: bool = True

    def aged(self, turn: Turn | None, limit_ms: int) -> bool:
        """Return whether a key is there and as old as that."""
        return turn is not None and turn.age_ms(self.now_ms) >= limit_ms

    @property
    def used(self) -> bool:
        """Whether the peer has used the current key."""
        return self.ring.current is not None and self.ring.current.used_ms is not None

    @property
    def used_long(self) -> bool:
        """Whether the peer used the current key so long ago that nothing else is on its way."""
        current = self.ring.current
        if current is None or current.used_ms is None:
            return False
        return not -GRACE_MS <= self.now_ms - current.used_ms < GRACE_MS


Row = tuple[str, Callable[[Moment], bool]]

ROTATE: tuple[Row, ...] = (
    ("no key yet", lambda at: at.ring.current is None),
    ("asked for", lambda at: at.ring.wanted),
    ("turn", lambda at: at.used),
    ("age", lambda at: at.aged(at.ring.current, TURN_MS)),
)
"""Before a packet is sealed: any of these draws a new key, which the packet announces."""

SPEAK: tuple[Row, ...] = (
    ("no key", lambda at: at.ring.current is None),
    ("packets", lambda at: at.ring.current is not None and at.ring.current.opened >= MAX_OPENED),
    ("age", lambda at: at.aged(at.ring.current, TURN_MS)),
)
"""Where nothing else is sealed: any of these makes us say something, so that a new key is told."""

DESTROY_PREVIOUS: tuple[Row, ...] = (
    ("successor used, nothing missing", lambda at: at.used and at.whole),
    ("successor used long ago", lambda at: at.used_long),
    ("age", lambda at: at.aged(at.ring.previous, LIFE_MS)),
)
DESTROY_CURRENT: tuple[Row, ...] = (("age", lambda at: at.aged(at.ring.current, LIFE_MS)),)


def reason(rows: tuple[Row, ...], moment: Moment) -> str:
    """Return the name of the first row that holds, or ""."""
    for name, holds in rows:
        if holds(moment):
            return name
    return ""


def next_aseq(floor: int, now_ms: int) -> int:
    """Return the number of the next announcement: it rises, over restarts by the clock.

    Spec: docs/protocol.md §7.21
    """
    return max(floor + 1, now_ms)


def rotated(ring: Ring, now_ms: int) -> Ring:
    """Return the ring with a new current key; the one before the previous is gone.

    Spec: docs/protocol.md §7.22
    """
    fresh = Turn(next_aseq(ring.floor, now_ms), now_ms)
    return Ring(fresh, ring.current or ring.previous, fresh.aseq)


def opened(ring: Ring, aseq: int, now_ms: int) -> Ring:
    """Return the ring after a packet under a key of it was verified and recorded."""
    current = ring.current
    if current is None or current.aseq != aseq:
        return ring
    first_ms = now_ms if current.used_ms is None else current.used_ms
    used = Turn(current.aseq, current.made_ms, current.opened + 1, first_ms)
    return Ring(used, ring.previous, ring.floor, ring.wanted)


def expired(ring: Ring, now_ms: int, *, whole: bool) -> Ring:
    """Return the ring without the keys whose time is over; itself where none is.

    Spec: docs/protocol.md §7.23
    """
    moment = Moment(ring, now_ms, whole)
    if ring.previous is not None and reason(DESTROY_PREVIOUS, moment):
        ring = replace(ring, previous=None)
    if ring.current is not None and reason(DESTROY_CURRENT, moment):
        ring = replace(ring, current=None)
    return ring


def lifted(ring: Ring, known: int) -> Ring:
    """Return the ring after the peer said which aseq of ours it knows.

    What we announce must be newer: a station whose clock fell, or that was put back
    from a copy, would be ignored for ever otherwise.

    Raises:
        PeerError: no station has counted that far.
    Spec: docs/protocol.md §7.21
    """
    if known > MAX_KNOWN_ASEQ:
        raise PeerError("hello: it knows an announcement that nobody can have made")
    if known <= ring.floor:
        return ring
    return replace(ring, floor=known, wanted=True)


class Missed(Enum):
    """Which of the keys that we seal to a peer says it has not."""

    NEWEST = auto()
    EARLIER = auto()
    NEVER_USED = auto()


class Reseal(Enum):
    """What the sender does; the statement itself is in its ledger until it is receipted."""

    NOTHING = auto()
    STATEMENTS = auto()
    EVERYTHING = auto()
    """Begin all letters anew, after a handshake where no newer key came with the word."""


RESEAL: Mapping[Missed, Reseal] = {
    Missed.NEWEST: Reseal.EVERYTHING,
    Missed.EARLIER: Reseal.STATEMENTS,
    Missed.NEVER_USED: Reseal.NOTHING,
}
"""After `nack unknown-key`. A pause without a receipt and a restart seal statements anew, too:
every sealing is to the newest key that is alive. Spec: docs/protocol.md §7.25"""
