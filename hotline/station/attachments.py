"""Sealed attachments on the disk, beside the ledger that holds their keys.

lines/<handle>/attachments/<sealed digest>         a whole stream, as it travels
lines/<handle>/attachments/<sealed digest>.part    the beginning of one that is on its way
lines/<handle>/attachments/<sealed digest>.draft   one of a statement that is not signed yet

Spec: docs/ledger.md §24
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.messages.attachments import MAX_ATTACHMENT_BYTES, check_attachment, type_of
from hotline.core.messages.statement import AttachmentRef
from hotline.core.text import check_text
from hotline.core.values import Digest
from hotline.ledger.connection import sync_directory
from hotline.sealing.attachment import open_attachment, stream_bytes
from hotline.sealing.attachment_items import PIECE_BYTES
from hotline.station.shelf import write_durably

ATTACHMENTS = "attachments"
PART, DRAFT = ".part", ".draft"
PRIVATE_DIRECTORY, PRIVATE_FILE = 0o700, 0o600

FREE_FLOOR_BYTES = 256 * 1024 * 1024
"""Below so much free space no attachment is written: the ledger must have room."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A sealed file of ours and its key (hex), before or while its statement is recorded."""

    ref: AttachmentRef
    key: str = field(repr=False)


class AttachmentShelf:
    """The sealed attachments of one line."""

    def __init__(self, line: Path, free: Callable[[Path], int] | None = None) -> None:
        """Serve the line in the directory `line`; `free` tells how many bytes are free there."""
        self.directory = line / ATTACHMENTS
        self._free = free or (lambda directory: shutil.disk_usage(directory).free)

    def whole(self, sealed: str) -> Path:
        """Return the path of a stream that is here whole."""
        return self.directory / sealed

    def _part(self, sealed: str) -> Path:
        return self.directory / f"{sealed}{PART}"

    # --- ours ------------------------------------------------------------------------

    def keep_draft(self, sealed: Digest, stream: bytes) -> None:
        """Put a sealed file of ours on the disk, before it is signed.

        Raises:
            StorageError: the disk refused, or has too little room left.
        """
        self._check_room(len(stream))
        self._make()
        write_durably(self.directory / f"{sealed.hex()}{DRAFT}", stream)

    def adopt(self, sealed: str) -> None:
        """Let a draft's file count as one of the record, durably; its key is recorded.

        Raises:
            StorageError: the disk refused, or the file is gone.
        Spec: docs/ledger.md §24.1
        """
        if not self.whole(sealed).exists():
            self._rename(self.directory / f"{sealed}{DRAFT}", self.whole(sealed))

    def drop_draft(self, sealed: str) -> None:
        """Forget a file that will not be signed."""
        with contextlib.suppress(OSError):
            (self.directory / f"{sealed}{DRAFT}").unlink(missing_ok=True)

    def settle(self, recorded: Collection[str], *, every: bool) -> None:
        """Put right what the last run left: drafts that were recorded count, others go.

        Args:
            recorded: Sealed digests that the record names and can still be read.
            every: Whether these are all: then what no entry names any more, because its
                month was erased, is removed, too.
        Raises:
            StorageError: the disk refused.
        Spec: docs/ledger.md §24.1, §24.5
        """
        for path in list(self._files()):
            named = path.name.partition(".")[0] in recorded
            if named and path.suffix == DRAFT:
                self.adopt(path.stem)
            elif path.suffix == DRAFT or (every and not named):
                with contextlib.suppress(OSError):
                    path.unlink()

    def piece(self, sealed: str, index: int) -> bytes:
        """Return piece `index` of a stream that is here whole; b"" behind its end.

        Raises:
            StorageError: it is not here, or does not read.
        """
        try:
            with self.whole(sealed).open("rb") as file:
                file.seek(index * PIECE_BYTES)
                return file.read(PIECE_BYTES)
        except OSError as error:
            raise StorageError("a stored attachment cannot be read") from error

    # --- the peers' --------------------------------------------------------------------

    def _files(self) -> Iterator[Path]:
        return self.directory.iterdir() if self.directory.is_dir() else iter(())

    def begin(self, sealed: str, size: int) -> int:
        """Return how many pieces of a stream are here, and make room for the rest.

        What was cut off in the middle of a piece, or is longer than it may be, is cut away.

        Args:
            size: Of the file, before it was sealed.
        Raises:
            StorageError: the disk refused, or has too little room left.
        Spec: docs/ledger.md §24.4
        """
        total = stream_bytes(size)
        if self.whole(sealed).exists():
            return -(-total // PIECE_BYTES)
        try:
            held = self._part(sealed).stat().st_size
        except FileNotFoundError:
            held = 0
        except OSError as error:
            raise StorageError("the directory of attachments cannot be read") from error
        self._check_room(total - min(held, total))
        kept = held if held == total else held // PIECE_BYTES * PIECE_BYTES
        if held > total:
            kept = 0
        self._make()
        if kept != held:
            self._cut(sealed, kept)
        return -(-kept // PIECE_BYTES)

    def add(self, sealed: str, index: int, piece: bytes) -> None:
        """Put piece `index` behind those before it; not durable yet, the digest tells in the end.

        Raises:
            StorageError: the disk refused, or has too little room left.
        """
        self._check_room(len(piece))
        try:
            with open(_private(self._part(sealed)), "r+b") as file:
                file.seek(index * PIECE_BYTES)
                file.write(piece)
        except OSError as error:
            raise StorageError("the disk refused to write an attachment") from error

    def finish(self, ref: AttachmentRef, key: bytes, line: Digest) -> None:
        """Compare a stream whose last piece came with what was signed; then keep it, durably.

        Raises:
            PeerError: it is not what was signed; nothing is kept of it.
            StorageError: the disk refused.
        Spec: docs/protocol.md §13.4, docs/ledger.md §24.2
        """
        path = self._part(ref.sealed)
        if not path.exists():
            path = self.whole(ref.sealed)
        try:
            _opened(path, ref, key, line)
        except PeerError:
            self.drop(ref.sealed)
            raise
        if path.suffix == PART:
            try:
                with path.open("r+b") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise StorageError("the disk refused to write an attachment") from error
            self._rename(path, self.whole(ref.sealed))

    def drop(self, sealed: str) -> None:
        """Remove what came of a stream that is refused."""
        with contextlib.suppress(OSError):
            self._part(sealed).unlink(missing_ok=True)

    # --- both ---------------------------------------------------------------------------

    def content(self, ref: AttachmentRef, key: bytes, line: Digest) -> bytes:
        """Return what is in a stream that is here whole, compared once more.

        Raises:
            OperatorError: it is not here, or not what was signed any more.
            StorageError: the disk.
        """
        if not self.whole(ref.sealed).is_file():
            raise OperatorError("the sealed file is not here", hint="put it back from a backup")
        try:
            return _opened(self.whole(ref.sealed), ref, key, line)
        except PeerError as error:
            raise OperatorError(
                f"the stored file is not the one that was received: {error}",
                hint="put it back from a backup",
            ) from error

    # --- parts -------------------------------------------------------------------------

    def _check_room(self, needed: int) -> None:
        """Refuse to write where the ledger would soon have no room.

        Spec: docs/ledger.md §24.4
        """
        try:
            free = self._free(self.directory.parent)
        except OSError as error:
            raise StorageError("the disk does not say how much room it has") from error
        if free - needed < FREE_FLOOR_BYTES:
            raise StorageError(
                "too little room is left on the disk for an attachment",
                hint="free some; the line goes on, and what was on its way with it",
            )

    def _make(self) -> None:
        try:
            self.directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        except OSError as error:
            raise StorageError("the directory of attachments cannot be made") from error

    def _cut(self, sealed: str, kept: int) -> None:
        try:
            os.truncate(self._part(sealed), kept)
        except OSError as error:
            raise StorageError("the disk refused to write an attachment") from error

    def _rename(self, before: Path, after: Path) -> None:
        try:
            os.replace(before, after)
            sync_directory(self.directory)
        except OSError as error:
            raise StorageError("the disk refused to keep an attachment") from error


def _private(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)


def _opened(path: Path, ref: AttachmentRef, key: bytes, line: Digest) -> bytes:
    """Return the file in a stored stream.

    Raises:
        PeerError: it is not what was signed.
        StorageError: the disk.
    """
    try:
        with path.open("rb") as file:
            stream = file.read(stream_bytes(ref.size) + 1)
    except OSError as error:
        raise StorageError("a stored attachment cannot be read") from error
    digest, sealed = (Digest(bytes.fromhex(one)) for one in (ref.digest, ref.sealed))
    return open_attachment(stream, key, line=line, size=ref.size, digest=digest, sealed=sealed)


def read_to_attach(path: Path) -> tuple[str, str, bytes]:
    """Read a file that an officer wants to attach; return name, type and content.

    Raises:
        OperatorError: it may not travel, or cannot be read; says why.
    Spec: docs/protocol.md §13.2
    """
    name, type_ = path.name, type_of(path.name) or ""
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(MAX_ATTACHMENT_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise OperatorError(
            "that file cannot be read", hint="name a file that is there and that you may read"
        ) from error
    try:
        check_text(name, what="its name", newlines=False)
        check_attachment(name, type_, len(content))
    except PeerError as error:
        raise OperatorError(
            f"that file cannot be attached: {str(error).removeprefix('attachment: ')}",
            hint="see docs/protocol.md §13.2 for names, types and sizes",
        ) from error
    return name, type_, content


def check_place(directory: Path, name: str) -> Path:
    """Return a directory, its ~ spelled out; refuse one that has a file of that name.

    Raises:
        OperatorError: it has, or is not there.
    """
    try:
        directory = directory.expanduser()
        there = directory.is_dir()
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        raise OperatorError("that directory is not there", hint="name one that is")
    if os.path.lexists(directory / name):
        raise _there_already()
    return directory


def _there_already() -> OperatorError:
    return OperatorError("a file of that name is there already", hint="name another directory")


def save_attachment(directory: Path, name: str, content: bytes) -> Path:
    """Write a file that an officer takes out of the record; never over another one.

    Raises:
        OperatorError: a file of that name is there.
        StorageError: the disk refused.
    Spec: docs/protocol.md §13.7
    """
    path = directory / name
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError as error:
        raise _there_already() from error
    except OSError as error:
        raise StorageError(_NOT_SAVED, hint="name another directory") from error
    try:
        with open(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise StorageError(_NOT_SAVED, hint="free space or name another disk") from error
    return path


_NOT_SAVED = "the disk refused to write the file; nothing of it was saved"
