"""The content keys of one ledger: one for each month, made before it is first used.

Spec: docs/ledger.md §4.2, §18.10
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hotline.core.errors import HotlineError, OperatorError
from hotline.core.records.events import EpochKeyMade
from hotline.core.seams import Entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.epoch import EPOCH_KEY_BYTES, EpochSealer, epoch_of

CONTENT_KEY = "content.key"
RETRY_MS = 3_600_000
"""After a key file could not be written, it is tried again an hour later."""

_PREFIX = "epoch/"
_ERASED = "erased/"


def seed_name(epoch: int) -> str:
    """Return the name of an epoch's key in the key file."""
    return f"{_PREFIX}{epoch}"


def erased_name(epoch: int) -> str:
    """Return the name under which the key file says that an epoch's key was destroyed."""
    return f"{_ERASED}{epoch}"


def make_sealer(held: KeyFile, entropy: Entropy) -> EpochSealer:
    """Return the sealer with the epoch keys of a key file."""
    keys = {
        int(name.removeprefix(_PREFIX)): key
        for name, key in held.seeds.items()
        if name.startswith(_PREFIX)
    }
    erased = {int(name.removeprefix(_ERASED)) for name in held.seeds if name.startswith(_ERASED)}
    return EpochSealer(keys, entropy, erased)


class MonthlyKeys:
    """Seals and opens like the `EpochSealer` that it holds, and adds a key when a month begins.

    Implements `hotline.core.seams.BlobSealer` and `hotline.station.recorder.Months`.
    The passphrase stays here, because a new key must go into the key file.
    """

    __slots__ = ("_entropy", "_not_before_ms", "_passphrase", "_path", "fault", "sealer")

    def __init__(
        self, path: Path, sealer: EpochSealer, passphrase: str | None, entropy: Entropy
    ) -> None:
        """Take over the keys of the file at `path`; callers use `open_months`."""
        self._path, self._passphrase, self._entropy = path, passphrase, entropy
        self._not_before_ms = 0
        self.sealer = sealer
        self.fault: Callable[[Exception], None] = lambda _: None

    def seal(self, origin: str, index: int, kind: int, plaintext: bytes, at_ms: int) -> bytes:
        """Seal as `EpochSealer.seal`."""
        return self.sealer.seal(origin, index, kind, plaintext, at_ms)

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        """Open as `EpochSealer.open`."""
        return self.sealer.open(origin, index, kind, blob)

    def due(self, now_ms: int) -> bool:
        """Return whether the month of `now_ms` is later than every key, and a key may be tried.

        A clock that goes back into an erased month must not make its key anew.
        """
        return now_ms >= self._not_before_ms and epoch_of(now_ms) > self.sealer.epochs[-1]

    def turn(self, now_ms: int) -> EpochKeyMade | None:
        """Make the key of this month and put it on the disk, then use it.

        Returns:
            The event to record; None when the key file could not be written: `fault` is
            told, and the newest key serves on.
        Spec: docs/ledger.md §18.10
        """
        epoch, key = epoch_of(now_ms), self._entropy(EPOCH_KEY_BYTES)
        try:
            held = read_key_file(self._path, self._passphrase)
            if seed_name(epoch) in held.seeds:
                raise OperatorError(f"{self._path.name} holds a key of this month already")
            seeds = {**held.seeds, seed_name(epoch): key}
            renewed = KeyFile(held.station, held.realm, seeds)
            write_key_file(
                self._path, renewed, self._passphrase, entropy=self._entropy, replace=True
            )
        except HotlineError as error:
            self._not_before_ms = now_ms + RETRY_MS
            self.fault(error)
            return None
        self.sealer = self.sealer.with_key(epoch, key)
        return EpochKeyMade(epoch=epoch)

    def __repr__(self) -> str:
        return "MonthlyKeys(...)"


def open_months(directory: Path, passphrase: str | None, entropy: Entropy) -> MonthlyKeys:
    """Open the content keys of the ledger in `directory`.

    Raises:
        OperatorError: no such key file, or it does not open.
        StorageError: the disk refused.
    """
    path = directory / CONTENT_KEY
    sealer = make_sealer(read_key_file(path, passphrase), entropy)
    return MonthlyKeys(path, sealer, passphrase, entropy)
