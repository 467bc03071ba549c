"""Sealed blobs: what ledger entries say, under the epoch key of a month (docs/ledger.md §4)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from hotline.core.errors import (
    ErasedContentError,
    IntegrityError,
    InvariantError,
    MissingKeyError,
)
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.sealing.aead import (
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    expand,
    extract,
    open_xchacha,
    seal_xchacha,
)

EPOCH_KEY_BYTES = KEY_BYTES
MIN_BLOB_BYTES = 4 + NONCE_BYTES + TAG_BYTES
DAY_MS = 86_400_000
_EPOCH = struct.Struct(">I")
_INDEX = struct.Struct(">Q")
_KIND = struct.Struct(">H")


def epoch_of(at_ms: int) -> int:
    """Return the number of the month of `at_ms`, UTC: 202611 for November 2026."""
    return _epoch_of_day(at_ms // DAY_MS)


@lru_cache(maxsize=64)
def _epoch_of_day(day: int) -> int:
    text = format_time(day * DAY_MS)
    return int(text[:4]) * 100 + int(text[5:7])


class EpochSealer:
    """Seals and opens blobs; implements `hotline.core.seams.BlobSealer`.

    A month without a key of its own is sealed under the newest earlier key
    (or, before all of them, the oldest): recording never stops for a key.
    """

    __slots__ = ("_entropy", "_keys", "_prks", "erased")

    def __init__(
        self, keys: Mapping[int, bytes], entropy: Entropy, erased: Collection[int] = ()
    ) -> None:
        """Take epoch keys of EPOCH_KEY_BYTES by number (`epoch_of`); at least one.

        Destroying content means leaving its epoch's key out for ever; `erased` names
        the epochs of which that was done.
        """
        if not keys or any(len(key) != EPOCH_KEY_BYTES for key in keys.values()):
            raise InvariantError(f"epoch keys have {EPOCH_KEY_BYTES} bytes, and there is one")
        self._keys = dict(keys)
        self._prks = {epoch: extract(key) for epoch, key in keys.items()}
        self._entropy = entropy
        self.erased = frozenset(erased) - keys.keys()

    @property
    def epochs(self) -> tuple[int, ...]:
        """Numbers of the epochs whose keys are here, oldest first."""
        return tuple(sorted(self._keys))

    @property
    def keys(self) -> Mapping[int, bytes]:
        """The epoch keys by number, for the key file that keeps them."""
        return MappingProxyType(self._keys)

    def with_key(self, epoch: int, key: bytes) -> EpochSealer:
        """Return a sealer that has one more key; the key file must hold it durably first."""
        return EpochSealer({**self._keys, epoch: key}, self._entropy, self.erased)

    def seal(self, origin: str, index: int, kind: int, plaintext: bytes, at_ms: int) -> bytes:
        """Return epoch u32 ‖ nonce 24 ‖ XChaCha20-Poly1305 of `plaintext`.

        Key: HKDF-SHA256(epoch key, info = origin ‖ u64 index).
        AAD: origin ‖ u64 index ‖ u16 kind.
        Spec: docs/ledger.md §4
        """
        epoch = self.epoch_for(at_ms)
        place = origin.encode() + _INDEX.pack(index)
        key = expand(self._prks[epoch], place)
        sealed = seal_xchacha(key, self._entropy(NONCE_BYTES), plaintext, place + _KIND.pack(kind))
        return _EPOCH.pack(epoch) + sealed

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            ErasedContentError: the key of its epoch was destroyed.
            MissingKeyError: the key of its epoch is not here.
            IntegrityError: altered, or moved to another place.
        """
        if len(blob) < MIN_BLOB_BYTES:
            raise IntegrityError(f"the sealed blob of entry {index} is cut short")
        (epoch,) = _EPOCH.unpack_from(blob)
        prk = self._prks.get(epoch)
        if epoch in self.erased:
            raise ErasedContentError(index, epoch)
        if prk is None:
            raise MissingKeyError(f"the key of epoch {epoch} for entry {index} is not here", epoch)
        place = origin.encode() + _INDEX.pack(index)
        plaintext = open_xchacha(expand(prk, place), blob[4:], place + _KIND.pack(kind))
        if plaintext is None:
            raise IntegrityError(f"the sealed blob of entry {index} was altered or moved")
        return plaintext

    def seal_beside(self, context: bytes, plaintext: bytes) -> bytes:
        """Seal what lies beside the ledger and can be made anew, under all keys that are here.

        Destroying any one of them makes it unreadable, like the content it was made from.
        Returns:
            count u16 ‖ epochs u32 each ‖ nonce 24 ‖ XChaCha20-Poly1305 of `plaintext`.
        Spec: docs/ledger.md §18.12
        """
        header = _header(self.epochs)
        key = self._key_beside(self.epochs, context)
        return header + seal_xchacha(key, self._entropy(NONCE_BYTES), plaintext, header + context)

    def open_beside(self, context: bytes, blob: bytes) -> bytes | None:
        """Return what `seal_beside` sealed, None if it was altered or one of its keys is gone."""
        count = int.from_bytes(blob[:2])
        numbers = blob[2 : 2 + 4 * count]
        if not count or len(numbers) != 4 * count:
            return None
        epochs = tuple(epoch for (epoch,) in _EPOCH.iter_unpack(numbers))
        if not set(epochs) <= self._keys.keys():
            return None
        header = _header(epochs)
        key = self._key_beside(epochs, context)
        return open_xchacha(key, blob[len(header) :], header + context)

    def _key_beside(self, epochs: Sequence[int], context: bytes) -> bytes:
        keys = b"".join(_EPOCH.pack(epoch) + self._keys[epoch] for epoch in epochs)
        return expand(extract(keys), b"hotline beside v1" + context)

    def epoch_for(self, at_ms: int) -> int:
        """Return the number of the epoch whose key seals what is recorded at `at_ms`."""
        month = epoch_of(at_ms)
        return max((epoch for epoch in self._keys if epoch <= month), default=min(self._keys))

    def __repr__(self) -> str:
        return "EpochSealer(...)"


def _header(epochs: Sequence[int]) -> bytes:
    return len(epochs).to_bytes(2) + b"".join(map(_EPOCH.pack, epochs))
