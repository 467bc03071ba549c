"""The generations of a line's ledger before the one at work: read-only, folded first.

lines/<handle>/generation-<n>/ledger.db     what was left behind, as it was found
Spec: docs/ledger.md §19.10
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from hotline.core.errors import IntegrityError, InvariantError, OperatorError
from hotline.core.exchange.fold import fold
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.seams import BlobSealer
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.station.happenings import happenings

PREFIX = "generation-"
RENEWING = "renewing"
"""Directory in which the next generation's ledger is made before it takes its place."""

RENEW_HINT = (
    "keep every file as it is; two officers open the next generation with `hotline ledger renew`"
)
"""What to do about a ledger that may never be worked on again."""


def kept_directories(directory: Path) -> list[Path]:
    """Return the directories of earlier generations beside a ledger, oldest first."""
    found = [(number_of(path), path) for path in directory.glob(f"{PREFIX}*") if path.is_dir()]
    return [path for number, path in sorted(found) if number]


def number_of(path: Path) -> int:
    """Return the generation that a directory's name says, or 0."""
    number = path.name.removeprefix(PREFIX)
    return int(number) if number.isascii() and number.isdigit() else 0


def newest_generation(directory: Path) -> int:
    """Return the generation of the ledger at work in a line's directory."""
    kept = kept_directories(directory)
    return number_of(kept[-1]) + 1 if kept else FIRST_GENERATION


def check_not_between(directory: Path) -> None:
    """Refuse a line whose renewal was begun and not ended.

    Raises:
        OperatorError: there is one; what to do stands in the hint.
    Spec: docs/ledger.md §19.4
    """
    if (directory / RENEWING).is_dir():
        raise OperatorError(
            "the ceremony of a new generation was cut short on this line",
            hint="run `hotline ledger renew` again; it goes on where it stopped",
        )


class Past:
    """Ledgers that were left behind. Their entries count up to -1.

    A ledger that does not read to its end is read as far as it goes: the peer
    gives back what was in the rest of it.
    """

    def __init__(self, readers: Iterable[LedgerReader] = ()) -> None:
        """Take over `readers`, oldest first."""
        self._readers = list(readers)
        self._firsts: list[int] = []
        first = 0
        for reader in reversed(self._readers):
            first -= reader.size
            self._firsts.insert(0, first)

    @classmethod
    def open(cls, directory: Path, sealer: BlobSealer) -> Past:
        """Open what lies in the generation directories of `directory`.

        Raises:
            StorageError: a file cannot be copied.
        """
        readers = []
        for path in kept_directories(directory):
            with contextlib.suppress(IntegrityError, OperatorError):
                readers.append(Ledger.open_read_only(path, sealer=sealer))
        return cls(readers)

    @property
    def readers(self) -> tuple[LedgerReader, ...]:
        """The ledgers, oldest first."""
        return tuple(self._readers)

    def happenings(self) -> Iterator[Happening]:
        """Yield what happened in earlier generations, oldest first."""
        for reader, first in zip(self._readers, self._firsts, strict=True):
            with contextlib.suppress(IntegrityError):
                for one in happenings(reader.entries(0, reader.size), reader.enclosure):
                    yield replace(one, index=first + one.index)

    def situation(self) -> Situation:
        """Return what was so at the end of the last of them."""
        situation = fold(self.happenings())
        situation.length = 0
        return situation

    def enclosure(self, index: int, current: Callable[[int], bytes]) -> bytes:
        """Return the statement item of entry `index`, from `current` when it is not below 0."""
        if index >= 0:
            return current(index)
        for reader, first in zip(self._readers, self._firsts, strict=True):
            if first <= index < first + reader.size:
                return reader.enclosure(index - first)
        raise InvariantError(f"no earlier generation has an entry {index}")

    def close(self) -> None:
        """Let go of the files."""
        for reader in self._readers:
            reader.close()
