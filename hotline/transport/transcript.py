"""What the signatures of a handshake stand for: one opening, between two certificates. Pure.

Spec: docs/transport.md §4.7, §9.3
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

NO_SIGNATURE = bytes(64)
"""Stands in a frame while its signature is made and checked."""


def transcript(label: bytes, said: Sequence[bytes], certificates: Sequence[bytes]) -> bytes:
    """Return the 32 bytes that stand for this handshake and no other.

    Args:
        label: Which protocol it is.
        said: The frames so far, signatures left out.
        certificates: DER, as this end sees them: a middleman shows another one.
    """
    seen = (hashlib.sha256(one).digest() for one in certificates)
    return hashlib.sha256(label + b"".join(said) + b"".join(seen)).digest()
