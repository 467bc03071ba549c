"""Reading evidence files with a bound, and writing them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.review.locating import shown

PRIVATE_FILE = 0o600
OPEN_FILE = 0o644


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read `path` into an error of ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise OperatorError(f"there is no {shown(path)}") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise OperatorError(f"{shown(path)} is not a file") from error
    except PermissionError as error:
        raise OperatorError(f"you may not read {shown(path)}") from error
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise StorageError(f"{shown(path)} cannot be read: {reason}") from error


def read_bounded(path: Path, most: int) -> bytes:
    """Return the file's bytes.

    Raises:
        OperatorError: it is not there, no file, not readable, or longer than `most`.
        StorageError: the disk refused.
    """
    with reading_errors(path), path.open("rb") as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OperatorError(
            f"{shown(path)} is longer than {most} bytes, so it is none of the files expected",
            hint="name another file",
        )
    return found


def write_whole(path: Path, content: bytes, *, mode: int = PRIVATE_FILE, sync: bool = True) -> None:
    """Write a file so that its name never stands for a part of it; replaces an older one.

    Args:
        mode: What the file's permissions become.
        sync: Whether it is durable when this returns.
    Raises:
        StorageError: the directory is not there, the disk refused.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        reason = error.strerror or "the system refused"
        raise StorageError(f"{shown(path)} cannot be written: {reason}") from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; one of the same bytes may be.

    Raises:
        OperatorError: another file has that name, or its directory is not there.
        StorageError: the disk refused.
    """
    if not path.parent.is_dir():
        raise OperatorError(f"there is no directory {shown(path.parent)}", hint="make it first")
    if path.exists():
        if path.is_file() and read_bounded(path, max(len(content), 1)) == content:
            return
        raise OperatorError(f"{shown(path)} is there already", hint="give another name after --out")
    write_whole(path, content)


def make_directory(path: Path) -> None:
    """Make a directory for files of ours, unless it is there.

    Raises:
        OperatorError: a file has that name, or the directory above is not there.
        StorageError: the disk refused.
    """
    try:
        path.mkdir(exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise OperatorError(f"{shown(path)} cannot be a directory") from error
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise StorageError(f"{shown(path)} cannot be made: {reason}") from error
