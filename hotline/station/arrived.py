"""Which cells came already, so that one that comes by two routes is opened once.

Whether a packet is new is decided by its counter; this is for cells whose key is gone by
then, which would be asked for again, and saves the work. Spec: docs/protocol.md §7.37
"""

from __future__ import annotations

from collections import OrderedDict

from hotline.core.values import Digest, sha256

MAX_REMEMBERED = 8_192


class Arrived:
    """Digests of the newest cells that were opened and verified."""

    def __init__(self) -> None:
        """Begin with none."""
        self._digests: OrderedDict[Digest, None] = OrderedDict()

    def __contains__(self, cell: bytes) -> bool:
        """Return whether the cell came, as far as is remembered."""
        return sha256(cell) in self._digests

    def add(self, cell: bytes) -> None:
        """Remember a cell; the oldest one gives way."""
        self._digests[sha256(cell)] = None
        if len(self._digests) > MAX_REMEMBERED:
            self._digests.popitem(last=False)
