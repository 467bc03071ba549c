"""How officers read a root's digest to one another (docs/protocol.md §4.7)."""

from __future__ import annotations

import base64

from hotline.core.values import Digest

GROUP_CHARACTERS = 4
GROUPS = 13


def root_words(digest: Digest) -> str:
    """Return all 256 bits as GROUPS groups of base32: "K7QX 2M4D …".

    Officers read the groups alternately and compare every one of them.
    """
    text = base64.b32encode(digest).decode().rstrip("=")
    return " ".join(
        text[start : start + GROUP_CHARACTERS] for start in range(0, len(text), GROUP_CHARACTERS)
    )
