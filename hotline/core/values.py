"""Digests, realms and names: the values that every floor speaks of."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import NewType

from hotline.core.errors import PeerError

Digest = NewType("Digest", bytes)
"""A SHA-256 value, DIGEST_BYTES long. In JSON: 64 lowercase hex digits."""

DIGEST_BYTES = 32
ZERO_DIGEST = Digest(bytes(DIGEST_BYTES))

MIN_PASSPHRASE_CHARACTERS = 12
"""Of a new passphrase: Argon2id slows a guesser down, it does not make a word long."""

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_STATION = re.compile(r"[A-Z][A-Z0-9-]{0,15}")
_INCIDENT = re.compile(r"[A-Z0-9][A-Z0-9-]{2,39}")


class Realm(StrEnum):
    """Whether a key, a statement or a ledger is real or exercised.

    Spec: docs/protocol.md §1
    """

    LIVE = "LIVE"
    EXERCISE = "EXERCISE"


class Precedence(StrEnum):
    """Urgency of a statement, most urgent first (docs/protocol.md §3)."""

    FLASH = "FLASH"
    IMMEDIATE = "IMMEDIATE"
    PRIORITY = "PRIORITY"
    ROUTINE = "ROUTINE"

    @property
    def rank(self) -> int:
        """0 for FLASH to 3 for ROUTINE: sorts the most urgent first."""
        return list(Precedence).index(self)


def sha256(data: bytes) -> Digest:
    """Return the SHA-256 of `data`."""
    return Digest(hashlib.sha256(data).digest())


def digest_from_hex(text: object) -> Digest:
    """Read a digest as JSON carries it.

    Raises:
        PeerError: `text` is not 64 lowercase hex digits.
    """
    if not isinstance(text, str) or not _HEX_DIGEST.fullmatch(text):
        raise PeerError("a digest must be 64 lowercase hex digits")
    return Digest(bytes.fromhex(text))


def check_station(name: str) -> str:
    """Return `name` if it may name a station: A-Z, digits, '-', at most 16.

    Raises:
        PeerError: it may not.
    """
    if not _STATION.fullmatch(name):
        raise PeerError("a station name is 1 to 16 of A-Z, 0-9 and '-', a letter first")
    return name


def check_incident(name: str) -> str:
    """Return `name` if it may name an incident: A-Z, digits, '-', 3 to 40.

    Raises:
        PeerError: it may not.
    """
    if not _INCIDENT.fullmatch(name):
        raise PeerError("an incident name is 3 to 40 of A-Z, 0-9 and '-'")
    return name
