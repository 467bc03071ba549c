"""Which of a home's lines is worked: the one that no other has taken over.

lines/<handle>/line.json        its `follows` names the line that its charter follows
lines/<handle>/successor.json   once another line has taken over: its id

Spec: docs/enrolment.md §9.5
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hotline.core.errors import OperatorError, StorageError
from hotline.core.messages.statement import HexDigest, first_fault

LINE, SUCCESSOR = "line.json", "successor.json"
MAX_LINES = 1_000
"""Lines of one home, one after another."""


class Successor(BaseModel):
    """What lines/<handle>/successor.json holds: the id of the line that took over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: HexDigest


class _Named(BaseModel):
    """The part of line.json that says how lines follow one another."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line: HexDigest
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Lined:
    """One line of a home: `successor` is the id of the line that took over, "" for none."""

    directory: Path
    line: str
    follows: str
    successor: str


@dataclass(frozen=True, slots=True)
class Lineup:
    """A home's lines.

    Attributes:
        earlier: Those that another one took over, oldest first.
        current: The one that is worked, None if there is none.
        pending: One that was set up to follow the current one and has not taken over.
        count: How many there are in all; more than these when they do not belong together.
    """

    earlier: tuple[Lined, ...]
    current: Lined | None
    pending: Lined | None
    count: int

    @property
    def all(self) -> tuple[Lined, ...]:
        """All that belong together, oldest first."""
        return (*self.earlier, *(one for one in (self.current, self.pending) if one is not None))

    def worked(self, home: str, chosen: str = "") -> Lined:
        """Return the line that is worked, or the one whose directory is called `chosen`.

        Raises:
            OperatorError: there is none, or more than one that nobody has followed.
        Spec: docs/enrolment.md §9.5
        """
        if chosen:
            return self.named(chosen)
        if self.current is None:
            raise OperatorError(
                f"{home} has {self.count} lines, not one",
                hint="give the directory of a station's home",
            )
        return self.current

    def named(self, handle: str) -> Lined:
        """Return the line whose directory has that name.

        Raises:
            OperatorError: there is none; says which there are.
        """
        for one in self.all:
            if one.directory.name == handle:
                return one
        there = ", ".join(one.directory.name for one in self.all) or "none"
        raise OperatorError("this home has no line of that name", hint=f"its lines: {there}")


def read_lineup(lines: Path) -> Lineup:
    """Read how the lines in HOME/lines follow one another.

    Raises:
        OperatorError: a file is not what it must be.
        StorageError: the disk.
    Spec: docs/enrolment.md §9.5
    """
    found = [_read(file.parent) for file in sorted(lines.glob(f"*/{LINE}"))[:MAX_LINES]]
    by_id = {one.line: one for one in found}
    worked = [one for one in found if not one.successor and not _waits(one, by_id)]
    if len(worked) != 1:
        return Lineup((), None, None, len(found))
    current = worked[0]
    waiting = [one for one in found if one.follows == current.line and one is not current]
    return Lineup(
        _before(current, by_id), current, waiting[0] if len(waiting) == 1 else None, len(found)
    )


def _waits(one: Lined, by_id: dict[str, Lined]) -> bool:
    """Return whether a line is to follow one that has not been closed in its favour."""
    before = by_id.get(one.follows)
    return before is not None and before.successor != one.line


def _before(current: Lined, by_id: dict[str, Lined]) -> tuple[Lined, ...]:
    found: list[Lined] = []
    one = by_id.get(current.follows)
    while one is not None and one not in found and one is not current:
        found.insert(0, one)
        one = by_id.get(one.follows)
    return tuple(found)


def _read(directory: Path) -> Lined:
    try:
        named = _Named.model_validate_json((directory / LINE).read_bytes())
        path = directory / SUCCESSOR
        held = Successor.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValidationError as error:
        raise OperatorError(f"{directory.name}: {first_fault(error)}") from error
    except OSError as error:
        raise StorageError(f"{directory.name} cannot be read") from error
    return Lined(directory, named.line, named.follows, held.line if held else "")
