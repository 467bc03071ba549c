"""Lineage: the roots that a station has had, each named by the one before it.

Spec: docs/protocol.md §4.24
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hotline.core.errors import PeerError
from hotline.core.values import Digest
from hotline.sealing.dsse import Envelope
from hotline.sealing.root import Root, root_from_envelope, verify_successor

MAX_SUCCESSORS = 64
"""Roots of one station after its first."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Roots of one station, oldest first.

    Attributes:
        named: Place of the root that the charter names: the newest at that time.
    """

    roots: tuple[Root, ...]
    named: int = 0

    @property
    def first(self) -> Root:
        """The root whose words officers compared; the station is known by it."""
        return self.roots[0]

    @property
    def later(self) -> tuple[Root, ...]:
        """The roots that followed the one that the charter names."""
        return self.roots[self.named + 1 :]

    def is_enrolled(self, digest: Digest) -> bool:
        """Return whether a root is the charter's, or one that came before it.

        Spec: docs/protocol.md §4.25, §4.31
        """
        return any(root.digest == digest for root in self.roots[: self.named + 1])

    def naming(self, digest: Digest) -> Lineage:
        """Return the same roots under a charter that names the root with that digest."""
        named = next(at for at, root in enumerate(self.roots) if root.digest == digest)
        return Lineage(self.roots, named)

    @property
    def newest(self) -> Root:
        """The root that issues certificates now."""
        return self.roots[-1]

    def find(self, digest: Digest) -> Root | None:
        """Return the root with that digest, or None."""
        return next((root for root in self.roots if root.digest == digest), None)

    def with_successor(self, envelope: Envelope) -> Lineage:
        """Return the lineage with one more root; itself when that is known.

        Raises:
            PeerError: it does not follow the newest root, or there are too many.
        Spec: docs/protocol.md §4.24
        """
        for before, known in pairwise(self.roots):
            if known.digest == envelope.digest:
                # Two envelopes of one record differ in their signatures only: check this one.
                verify_successor(envelope, before)
                return self
        if len(self.roots) > MAX_SUCCESSORS:
            raise PeerError("successor root: this station has had too many roots")
        return Lineage((*self.roots, verify_successor(envelope, self.newest)), self.named)


def succeeds(envelope: Envelope) -> bool:
    """Return whether a root record is signed as a successor's is: not by itself alone."""
    return {entry.signer for entry in envelope.signatures} != {envelope.digest}


def read_lineages(envelopes: Sequence[Envelope]) -> Mapping[Digest, Lineage]:
    """Join root records that came in any order; return each lineage by its first root's digest.

    Raises:
        PeerError: one does not verify, or follows no root that is here.
    Spec: docs/protocol.md §4.24
    """
    # Two envelopes of one record differ in their signatures only: check both.
    firsts = [root_from_envelope(one) for one in envelopes if not succeeds(one)]
    lineages = {root.digest: Lineage((root,)) for root in firsts}
    left = [one for one in envelopes if succeeds(one)]
    while left:
        placed = [one for one in left if _place(lineages, one)]
        if not placed:
            raise PeerError("successor root: it follows no root that is here")
        left = [one for one in left if one not in placed]
    return lineages


def _place(lineages: dict[Digest, Lineage], envelope: Envelope) -> bool:
    signers = {entry.signer for entry in envelope.signatures}
    for first, lineage in lineages.items():
        known = lineage.find(envelope.digest)
        if known is not None or lineage.newest.digest in signers:
            lineages[first] = lineage.with_successor(envelope)
            return True
    return False
