"""Which line a home has, and what a founding that was cut short left of one."""

from __future__ import annotations

import shutil
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.core.values import Digest
from hotline.station.home import Home, read_card

ANSWER_FILE = "answer.enrol"
"""Beside the ledger of whoever joined: the file that goes back to whoever opened."""


def line_directories(home: Home) -> list[Path]:
    """Return the directories of the home's whole lines: line.json is written last."""
    found = sorted(home.lines.glob("*/line.json")) if home.lines.is_dir() else []
    return [path.parent for path in found]


def founded_line(home: Home, line: Digest) -> Path | None:
    """Return the directory of a line of this home, None if it has not that line."""
    for directory in line_directories(home):
        if read_card(directory).line == line.hex():
            return directory
    return None


def check_no_line(home: Home) -> None:
    """Refuse a home that has a line already.

    Raises:
        OperatorError: it has one.
    Spec: docs/enrolment.md §5.6
    """
    if line_directories(home):
        raise OperatorError(
            f"{home.path.name} has a line already",
            hint="make another home for another line, or change its charter: hotline line amend",
        )


def clear_unfinished(directory: Path) -> None:
    """Remove a line whose founding was cut short; nothing was ever said with its keys.

    Raises:
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.5
    """
    if (directory / "line.json").exists() or not directory.is_dir():
        return
    try:
        shutil.rmtree(directory)
    except OSError as error:
        raise StorageError(f"what is left in {directory.name} cannot be removed") from error
