"""The next generation's ledger takes the place of the one that is left behind.

Every step may be done again: a ceremony that was cut short is ended by the same command.
Spec: docs/ledger.md §19.4
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hotline.core.errors import HotlineError, StorageError
from hotline.core.records.checkpoint import parse_origin
from hotline.core.seams import BlobSealer
from hotline.ledger.connection import sync_directory
from hotline.ledger.opening import HEADS_NAME
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station.line import Line
from hotline.station.past import PREFIX, RENEWING
from hotline.station.shelf import PEER_VIEW

LOG_NAME = f"{LEDGER_NAME}-wal"


def made_before(directory: Path, line: Line, sealer: BlobSealer) -> int:
    """Return the generation of a ledger that was made and is not in its place yet, or 0.

    Opening it as its writer folds its log and releases its head.

    Raises:
        IntegrityError: it does not verify; StorageError: the disk, or a station works the line.
    """
    renewing = directory / RENEWING
    if not (renewing / LEDGER_NAME).is_file():
        return 0
    try:
        ledger = Ledger.open(
            renewing,
            signer=line.ledger,
            sealer=sealer,
            verifier=verify_ed25519,
            entropy=line.entropy,
            trusted_keys=(
                *line.roster.ledger_keys(line.station),
                *([line.staged] if line.staged else []),
            ),
            heads=directory / HEADS_NAME,
        )
    except StorageError:
        if _is_blank(renewing / LEDGER_NAME):
            return 0
        raise
    size, origin = ledger.size, ledger.origin
    ledger.close()
    return parse_origin(origin).generation if size else 0


def _is_blank(path: Path) -> bool:
    """Return whether a ledger's creation was cut short before its schema."""
    try:
        Ledger.open_read_only(path).close()
    except StorageError:
        return True
    except HotlineError:
        return False
    return False


def clear(directory: Path) -> bool:
    """Remove what a ceremony left that decided nothing; return whether there was something.

    Raises:
        StorageError: the disk.
    """
    begun = (directory / RENEWING).is_dir()
    with _storage("clearing what a cut ceremony left"):
        if begun:
            shutil.rmtree(directory / RENEWING)
    return begun


def take_place(directory: Path, generation: int) -> Path:
    """Move the old files away and the new ledger in; return where the old ones are kept.

    Raises:
        StorageError: the disk, or the new ledger's log is not folded; the same again goes on.
    Spec: docs/ledger.md §19.4
    """
    renewing, kept = directory / RENEWING, kept_in(directory, generation)
    with _storage("putting the new ledger in its place"):
        _check_folded(renewing / LOG_NAME)
        kept.mkdir(mode=0o700, exist_ok=True)
        for name in (LEDGER_NAME, LOG_NAME, PEER_VIEW):
            if (directory / name).exists():
                os.replace(directory / name, kept / name)
        (directory / f"{LEDGER_NAME}-shm").unlink(missing_ok=True)
        sync_directory(kept)
        sync_directory(directory)
        os.replace(renewing / LEDGER_NAME, directory / LEDGER_NAME)
        sync_directory(directory)
        shutil.rmtree(renewing)
        sync_directory(directory)
    return kept


def _check_folded(log: Path) -> None:
    """Refuse to leave entries behind in a log: only the file moves."""
    if log.exists() and log.stat().st_size:
        raise StorageError(
            "the new ledger is written, but its last entries could not be moved into one file",
            hint="free space, let a copy that is being taken end, and run the same again",
        )


def kept_in(directory: Path, generation: int) -> Path:
    """Return where the ledger before `generation` is kept."""
    return directory / f"{PREFIX}{generation - 1}"


@contextlib.contextmanager
def _storage(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the disk refused {doing}") from error
