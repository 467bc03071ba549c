"""What lies in a line's directory of attachments, for who examines it; nothing is written.

Spec: docs/ledger.md §24.6
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import StorageError
from hotline.core.records.events import (
    AttachmentKeyed,
    AttachmentReceived,
    StatementSent,
    decode_event,
)
from hotline.ledger.reader import LedgerReader
from hotline.station.attachments import ATTACHMENTS, PART

_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """How many streams are whole and how many on their way; digests of those altered."""

    whole: int
    coming: int
    altered: tuple[str, ...]


def stored_files(line: Path) -> StoredFiles:
    """Compare every whole stream beside a ledger with its name, which is its digest.

    Raises:
        StorageError: the disk.
    """
    directory = line / ATTACHMENTS
    try:
        found = sorted(directory.iterdir()) if directory.is_dir() else []
        whole = [path for path in found if _NAME.fullmatch(path.name)]
        altered = [path.name for path in whole if _digest_of(path) != path.name]
    except OSError as error:
        raise StorageError("the files beside the ledger cannot be read") from error
    coming = sum(path.suffix == PART for path in found)
    return StoredFiles(len(whole), coming, tuple(altered))


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing_files(reader: LedgerReader, line: Path) -> Iterator[str]:
    """Yield the sealed digests of files that a ledger recorded and that are not beside it.

    Those are what was received, and what went with statements of the station's own.

    Args:
        reader: Of the ledger, with its content keys; what is erased is passed over.
    Raises:
        IntegrityError: an entry does not read.
    """
    ours = {entry.subject.hex() for entry in reader.of_kind(StatementSent.kind)}
    recorded: dict[str, None] = {}
    for kind in (AttachmentReceived.kind, AttachmentKeyed.kind):
        for entry in reader.of_kind(kind):
            event = None if entry.erased else decode_event(kind, entry.content)
            if isinstance(event, AttachmentReceived):
                recorded[event.sealed] = None
            if isinstance(event, AttachmentKeyed) and event.statement in ours:
                recorded[event.sealed] = None
    yield from (one for one in recorded if not (line / ATTACHMENTS / one).is_file())
