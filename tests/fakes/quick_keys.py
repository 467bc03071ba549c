"""Key files whose passphrase is stretched in no time, for tests that are about something else.

Argon2id takes half a second and 256 MiB for each key file, each time it is written or
opened. What stands in for it checks what it is asked for and gives each passphrase, salt and
strength a key of its own; everything else of a key file is real. Only this process and the
children of `tests.fakes.warm` can open such a file. Tests of Argon2id itself, and of programs
that start cold, ask for the fixture `slow_keys`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from nacl.pwhash import argon2id

from hotline.host import keyfile


def quick_kdf(size: int, password: bytes, salt: bytes, opslimit: int, memlimit: int) -> bytes:
    """Stand in for `argon2id.kdf`; weaker parameters than a key file may have fail here, too."""
    assert opslimit >= argon2id.OPSLIMIT_MODERATE
    assert memlimit >= argon2id.MEMLIMIT_MODERATE
    assert len(salt) == argon2id.SALTBYTES
    strength = f"stands in for argon2id {opslimit} {memlimit}".encode()
    return hashlib.shake_256(strength + salt + password).digest(size)


def stretch_quickly() -> None:
    """Put it in the place of Argon2id, in this process."""
    keyfile.argon2id = SimpleNamespace(kdf=quick_kdf)  # type: ignore[assignment]


@contextmanager
def stretched_slowly() -> Iterator[None]:
    """Key files as officers have them, for a while."""
    before, keyfile.argon2id = keyfile.argon2id, argon2id
    try:
        yield
    finally:
        keyfile.argon2id = before
