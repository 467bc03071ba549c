"""Steps of setting a line up, noted durably before they count and then recorded in the journal.

HOME/steps/<kind>-<digest>.json    one step that the journal has not recorded yet

The journal's content key is sealed, and some steps ask for no passphrase. So a step is
noted in the open first; whatever opens the journal next records it there, and the note goes.
A note is named by what it says, its time left out: the same step twice is one note, and
one entry.
Spec: docs/ledger.md §23
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.core import canonical
from hotline.core.errors import IntegrityError, OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.core.records.ceremony_events import STEPS
from hotline.ledger.connection import sync_directory
from hotline.ledger.reader import LedgerReader
from hotline.station.shelf import write_durably

NOTES = "steps"
MAX_NOTES = 1_000
"""So many wait at most: no ceremony has as many, and a script in a loop must not fill the disk."""

_NAME = re.compile(r"([0-9]{2})-[0-9a-f]{64}\.json")


@dataclass(frozen=True, slots=True)
class Notes:
    """What waits to be recorded.

    Attributes:
        steps: By file, in the order in which they were noted.
        strange: Files that are no notes, or were altered; nothing records them.
    """

    steps: tuple[tuple[Path, ev.Event], ...]
    strange: tuple[Path, ...]


def note_name(event: ev.Event) -> str:
    """Return the name of a step's note: the same step has the same name, whenever it was taken."""
    said = event.model_dump(mode="json", exclude={"at_ms"})
    digest = hashlib.sha256(canonical.encode(said)).hexdigest()
    return f"{event.kind}-{digest}.json"


def note_step(home: Path, event: ev.Event) -> None:
    """Note a step durably, once; it counts only then.

    Raises:
        OperatorError: too many wait already.
        StorageError: the disk refused.
    Spec: docs/ledger.md §23.2
    """
    directory = home / NOTES
    path = directory / note_name(event)
    try:
        if path.exists():
            return
        if not directory.is_dir():
            directory.mkdir(mode=0o700, exist_ok=True)
            sync_directory(home)
        waiting = sum(1 for _ in directory.iterdir())
    except OSError as error:
        raise StorageError(f"the directory {NOTES} cannot be made or read") from error
    if waiting >= MAX_NOTES:
        raise OperatorError(
            f"{waiting} steps wait in HOME/{NOTES} for the station journal",
            hint="start the station once: it records them; or see who takes so many",
        )
    write_durably(path, ev.encode_event(event))


def waiting_steps(home: Path) -> Notes:
    """Return what waits to be recorded; a home without notes has none.

    Raises:
        StorageError: the disk.
    """
    found: list[tuple[int, int, Path, ev.Event]] = []
    strange: list[Path] = []
    try:
        for path in sorted((home / NOTES).glob("*")):
            event = _read(path)
            if event is None and path.suffix != ".part":
                strange.append(path)
            elif event is not None:
                found.append((event.model_dump()["at_ms"], path.stat().st_mtime_ns, path, event))
    except OSError as error:
        raise StorageError(f"the notes in {NOTES} cannot be read") from error
    found.sort(key=lambda one: one[:2])
    return Notes(tuple((path, event) for _, _, path, event in found), tuple(strange))


def unrecorded(notes: Notes, journal: LedgerReader) -> Sequence[ev.Event]:
    """Return the steps that the journal does not hold yet: a call may have ended in between.

    Raises:
        IntegrityError: an entry does not read.
    Spec: docs/ledger.md §23.3
    """
    kinds = {event.kind for _, event in notes.steps}
    known = {
        note_name(ev.decode_event(entry.kind, entry.content))
        for kind in kinds
        for entry in journal.of_kind(kind)
        if entry.content
    }
    return [event for path, event in notes.steps if path.name not in known]


def forget_notes(notes: Notes) -> None:
    """Remove notes whose steps are recorded.

    Raises:
        StorageError: the disk refused.
    """
    _remove(path for path, _ in notes.steps)


def _remove(paths: Iterable[Path]) -> None:
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"a note in {NOTES} cannot be removed") from error


def _read(path: Path) -> ev.Event | None:
    """Return what a note says, None if it is none or says something else than its name."""
    named = _NAME.fullmatch(path.name)
    if named is None or not path.is_file() or path.stat().st_size > ev.MAX_EVENT_BYTES:
        return None
    try:
        event = ev.decode_event(int(named[1]), path.read_bytes())
    except IntegrityError:
        return None
    return event if isinstance(event, STEPS) and note_name(event) == path.name else None
