"""What a reviewer is told of the files that lie beside a ledger; no key is needed.

Spec: docs/ledger.md §24.6
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hotline.station.stored_files import stored_files

_SHORT = 16


def file_notes(file: Path) -> tuple[str, ...]:
    """Return a sentence for the sealed files beside a ledger, and one for each that was altered.

    Raises:
        StorageError: they cannot be read.
    """
    return tuple(_notes(file))


def _notes(file: Path) -> Iterator[str]:
    stored = stored_files(file.parent)
    if stored.whole:
        files = "1 sealed file lies" if stored.whole == 1 else f"{stored.whole} sealed files lie"
        fine = "" if stored.altered else ", each is what its name says"
        yield f"{files} beside the ledger{fine}"
    for digest in stored.altered:
        yield f"EVIDENCE: the file {digest[:_SHORT]} beside the ledger was altered"
