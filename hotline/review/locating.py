"""Finding the ledger that a path names, or saying what is wrong with the path."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.review.sentences import printable
from hotline.station.lineup import read_lineup

MAX_SHOWN_CHARACTERS = 120
MAX_NAMED = 4

_HINT = "name a ledger.db, its directory, or a station's home"
_MAGIC = b"SQLite format 3\x00"
_OURS = b"CREATE TABLE entry("
_START_BYTES = 65_536


def shown(path: Path) -> str:
    """Return a path as it may stand in a sentence: its end, printable."""
    text = printable(str(path))
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"...{text[-MAX_SHOWN_CHARACTERS:]}"


def locate(path: Path) -> Path:
    """Return the ledger file that `path` names.

    Args:
        path: A ledger.db, its directory, or a station's home: the line that is worked.
    Raises:
        OperatorError: nothing is there, more than one ledger is, it may not be read,
            or it never was a ledger. A damaged ledger is none of these.
        StorageError: the disk refused.
    """
    try:
        file = _in_directory(path) if path.is_dir() else _existing(path)
        _check_start(file)
    except PermissionError as error:
        raise OperatorError(
            f"you may not read {shown(path)}", hint="run it as the owner, or review a copy"
        ) from error
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise StorageError(f"{shown(path)} cannot be read: {reason}") from error
    return file


def _existing(path: Path) -> Path:
    # is_file() hides a refusal on some versions of Python, stat() on none.
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OperatorError(f"there is no {shown(path)}", hint=_HINT) from error
    if not path.is_file():
        raise OperatorError(f"{shown(path)} is not a file", hint=_HINT)
    return path


def _in_directory(path: Path) -> Path:
    if (path / LEDGER_NAME).exists():
        return _existing(path / LEDGER_NAME)
    lines = sorted(path.glob(f"lines/*/{LEDGER_NAME}"))
    if len(lines) == 1:
        return _existing(lines[0])
    worked = _worked(path, lines)
    if worked is not None:
        return worked
    found = lines or sorted(
        [*path.glob(f"*/{LEDGER_NAME}"), *path.glob(f"*/lines/*/{LEDGER_NAME}")]
    )
    if not found:
        # glob() passes over what it may not read.
        next(path.iterdir(), None)
        raise OperatorError(f"the directory {shown(path)} holds no ledger", hint=_HINT)
    raise OperatorError(
        f"the directory {shown(path)} holds {len(found)} ledger{'s' * (len(found) > 1)} "
        "further down",
        hint=f"name one, as in {_named(path, found)}",
    )


def _worked(path: Path, lines: list[Path]) -> Path | None:
    """Return the ledger of the line that is worked, where several follow one another.

    Spec: docs/enrolment.md §9.5
    """
    try:
        found = read_lineup(path / "lines")
    except OperatorError:
        # A ledger can be reviewed beside a line.json that does not read.
        return None
    placed = {one.directory / LEDGER_NAME for one in found.all}
    if found.current is None or not placed.issuperset(lines):
        return None
    return _existing(found.current.directory / LEDGER_NAME)


def _named(path: Path, found: Iterable[Path]) -> str:
    names = [shown(file.parent.relative_to(path)) for file in found]
    return " or ".join(names[:MAX_NAMED])


def _check_start(file: Path) -> None:
    """Refuse what never was a ledger; what was one is judged by `verify_ledger`."""
    with file.open("rb") as opened:
        start = opened.read(_START_BYTES)
    if not start:
        raise OperatorError(f"{shown(file)} is empty", hint=_HINT)
    if not start.startswith(_MAGIC) and _OURS not in start:
        raise OperatorError(
            f"{shown(file)} is not a ledger",
            hint=f"{_HINT}; if this ever was one, keep it and call the reviewer",
        )
