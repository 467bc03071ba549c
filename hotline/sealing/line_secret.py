"""The secret that two stations share and hash forward every day (docs/protocol.md §7.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.values import Digest
from hotline.sealing.aead import expand, extract, mac

SECRET_BYTES = 32
MAX_STEPS = 400
KEPT_DAYS = 3
DAY_MS = 86_400_000
LINE_SECRET_TYPE = "application/vnd.hotline.line-secret.v1"


def day_number(at_ms: int) -> int:
    """Return the UTC day of `at_ms`, counted from 1970-01-01."""
    return at_ms // DAY_MS


def combine_halves(line: Digest, halves: Mapping[str, bytes]) -> bytes:
    """Join the halves of the two stations of a pair into their secret.

    Args:
        line: Binds the secret to the line.
        halves: Station name to its half of SECRET_BYTES; exactly two.
    Formula: HKDF-SHA256(half of the first ‖ half of the second by name,
        info = PAE(LINE_SECRET_TYPE, line ‖ canonical JSON of the two names))
    Spec: docs/protocol.md §7.6
    """
    return join_halves(LINE_SECRET_TYPE, line, halves)


def join_halves(purpose: str, line: Digest, halves: Mapping[str, bytes]) -> bytes:
    """Return the secret that two halves give for one purpose; those for others tell nothing of it.

    Args:
        purpose: A media type; it stands where `combine_halves` has LINE_SECRET_TYPE.
    """
    if len(halves) != 2 or any(len(half) != SECRET_BYTES for half in halves.values()):
        raise InvariantError(f"a line secret has two halves of {SECRET_BYTES} bytes")
    names = sorted(halves)
    context = canonical.pae(purpose, line + canonical.encode(names))
    return expand(extract(halves[names[0]] + halves[names[1]]), context)


@dataclass(frozen=True, slots=True)
class LineSecret:
    """The secret of one pair of stations on one line.

    Attributes:
        secret: The secret of `base_day`; earlier ones cannot be computed from it.
        base_day: The earliest UTC day whose secret can still be had.
        floor_day: The highest day of a packet that verified; sealing never goes below.
    """

    secret: bytes = field(repr=False)
    base_day: int
    floor_day: int = 0

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise InvariantError(f"a line secret has {SECRET_BYTES} bytes")

    def for_day(self, day: int) -> bytes:
        """Return the secret of a UTC day.

        Raises:
            PeerError: before `base_day`, or more than MAX_STEPS after it.
        """
        if not 0 <= day - self.base_day <= MAX_STEPS:
            raise PeerError("no line secret is kept for that day")
        secret = self.secret
        for _ in range(day - self.base_day):
            secret = mac(secret, b"hotline psk next")
        return secret

    def sealing_day(self, at_ms: int) -> int:
        """Return the day to seal under at `at_ms`: today, or the floor when the clock is behind."""
        return max(day_number(at_ms), self.floor_day, self.base_day)

    def advanced(self, day: int) -> LineSecret:
        """Return the secret after a packet of `day` verified: KEPT_DAYS earlier days stay.

        Never before the packet verified: a forged day must not move anything.

        Raises:
            PeerError: as `for_day`.
        """
        floor = max(self.floor_day, day)
        base = max(self.base_day, floor - KEPT_DAYS)
        return LineSecret(self.for_day(base), base, floor)
