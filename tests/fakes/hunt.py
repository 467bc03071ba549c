"""Hunting for secrets in what a program prints: any six bytes of one, in every spelling."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping

WINDOW_BYTES = 6
"""Shorter pieces stand by chance in what is printed, and prove nothing."""


def spellings(secret: bytes) -> Iterator[str]:
    """Yield every piece of `secret` that would give six of its bytes away."""
    yield from _windows(secret.hex(), 2 * WINDOW_BYTES, step=2)
    yield from _windows(secret.hex().upper(), 2 * WINDOW_BYTES, step=2)
    for shift in range(3):
        coded = base64.b64encode(secret[shift:]).decode().rstrip("=")
        yield from _windows(coded, 4 * WINDOW_BYTES // 3, step=4)
        yield from _windows(coded.translate(str.maketrans("+/", "-_")), 8, step=4)
    for start in range(len(secret) - WINDOW_BYTES + 1):
        piece = secret[start : start + WINDOW_BYTES]
        yield repr(piece)[2:-1]
        yield ", ".join(map(str, piece))
        yield piece.decode("latin-1")
        yield piece.decode("utf-8", "replace") if piece.isascii() else piece.decode("latin-1")


def _windows(text: str, width: int, step: int) -> Iterator[str]:
    yield from (text[at : at + width] for at in range(0, len(text) - width + 1, step))


def found(secrets: Mapping[str, bytes], said: str | bytes) -> list[str]:
    """Return the names of the secrets of which a piece stands in `said`."""
    text = said.decode("latin-1") if isinstance(said, bytes) else said
    return [name for name, secret in secrets.items() if _stands(spellings(secret), text)]


def _stands(pieces: Iterable[str], text: str) -> bool:
    return any(piece in text for piece in pieces)
