"""Chance, from the operating system."""

from __future__ import annotations

import os


def system_entropy(size: int) -> bytes:
    """Return `size` bytes that nobody can foresee; implements `hotline.core.seams.Entropy`."""
    return os.urandom(size)


def system_chance() -> float:
    """Return a number from 0 up to 1 that nobody can foresee, for jitter."""
    return int.from_bytes(os.urandom(4)) / 2**32
