"""Chance, from the operating system."""

from __future__ import annotations

import os


def system_entropy(size: int) -> bytes:
    """Return `size` bytes that nobody can foresee; implements `hotline.core.seams.Entropy`."""
    return os.urandom(size)
