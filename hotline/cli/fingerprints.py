"""How a station's root is shown to an officer who reads it out: words, groups, a QR code."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

from hotline.core.values import Digest
from hotline.sealing.fingerprint import WORDS, root_groups, root_words

WORDS_IN_A_ROW = 4
_COLUMN = 13


def fingerprint_lines(digest: Digest) -> Iterator[str]:
    """Yield the words in numbered rows of four, and the same bits in base32."""
    words = root_words(digest).split()
    for first in range(0, WORDS, WORDS_IN_A_ROW):
        row = enumerate(words[first : first + WORDS_IN_A_ROW], start=first + 1)
        yield "  " + "".join(f"{place:2} {word:<{_COLUMN - 3}}" for place, word in row).rstrip()
    yield f"  base32: {root_groups(digest)}"


def qr_lines(station: str, digest: Digest, *, ascii_only: bool) -> Iterator[str]:
    """Yield a QR code of the root's hex digits in half blocks, where the terminal can show it."""
    if ascii_only or not _shows_blocks():
        return
    import segno

    drawn = io.StringIO()
    # Capitals, digits and a colon only: the smallest kind of code.
    code = segno.make(f"{station}:{digest.hex().upper()}", error="m", micro=False)
    code.terminal(drawn, border=2, compact=True)
    yield from (f"  {line}" for line in drawn.getvalue().splitlines())


def _shows_blocks() -> bool:
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    try:
        "█▀▄".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
