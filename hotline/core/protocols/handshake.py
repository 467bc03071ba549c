"""The handshake: who has proved that it speaks now (docs/protocol.md §7.26).

H1 asks with a nonce, H2 answers with the digest of H1 and a nonce of its own, H3
ends with the digest of both. Each side may ask; the two runs do not meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from hotline.core.values import Digest, sha256


class Said(Enum):
    """What one side said or heard last in a run."""

    NOTHING = auto()
    H1 = auto()
    H2 = auto()


class Heard(Enum):
    """What happens to a run. MATCHES and OTHER: a digest that is, or is not, the expected one."""

    BEGIN = auto()
    H1 = auto()
    MATCHES = auto()
    OTHER = auto()


class Step(Enum):
    """What follows."""

    ASK = auto()
    ANSWER = auto()
    PROVED = auto()


Rows = Mapping[tuple[Said, Heard], tuple[Said, Step]]

ASKING: Rows = {
    (Said.NOTHING, Heard.BEGIN): (Said.H1, Step.ASK),
    (Said.H1, Heard.BEGIN): (Said.H1, Step.ASK),
    (Said.H1, Heard.MATCHES): (Said.NOTHING, Step.PROVED),
}
"""Whoever asked: H2 proves the peer, and is answered with H3."""

ANSWERING: Rows = {
    (Said.NOTHING, Heard.H1): (Said.H2, Step.ANSWER),
    (Said.H2, Heard.H1): (Said.H2, Step.ANSWER),
    (Said.H2, Heard.MATCHES): (Said.NOTHING, Step.PROVED),
}
"""Whoever was asked: H3 proves the peer."""


@dataclass(frozen=True, slots=True)
class Run:
    """One side's part in one run of the handshake.

    Attributes:
        expected: The digest that proves the peer.
    """

    rows: Rows
    said: Said = Said.NOTHING
    expected: Digest | None = None

    def judge(self, digest: Digest) -> Heard:
        """Return how a digest from the peer compares with the expected one."""
        return Heard.MATCHES if digest == self.expected else Heard.OTHER

    def after(self, heard: Heard, expected: Digest | None = None) -> tuple[Run, Step | None]:
        """Return the run after `heard`, and what follows; without a row nothing does.

        Args:
            expected: What the peer must answer to what we say now.
        """
        row = self.rows.get((self.said, heard))
        if row is None:
            return self, None
        return Run(self.rows, row[0], expected), row[1]


def digest_of(*items: bytes) -> Digest:
    """Return SHA-256 over the canonical bytes of H1, or of H1 and H2."""
    return sha256(b"".join(items))
