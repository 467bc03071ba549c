"""Taking the evidence of forks out of a ledger: one file for each head that was refused.

Spec: docs/ledger.md §15.9
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records.checkpoint import parse_note, parse_origin
from hotline.core.records.events import HeadRefused, decode_event
from hotline.core.records.fork_evidence import make_fork_evidence
from hotline.core.records.witness import WitnessedHead
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.review.files import make_directory, write_new
from hotline.review.locating import locate
from hotline.review.opening import AskPassphrase, open_content

EVIDENCE_SUFFIX = ".fork.json"


@dataclass(frozen=True, slots=True)
class FoundForks:
    """What was taken out.

    Attributes:
        files: Evidence files, in the order of the ledger.
        alone: Entries whose refused head stands alone: nothing was witnessed before it,
            or what it contradicts is not in this ledger.
    """

    files: tuple[Path, ...]
    alone: tuple[int, ...]


def extract_forks(path: Path, out: Path, ask: AskPassphrase) -> FoundForks:
    """Write an evidence file for each head of another station that this ledger refused.

    Args:
        path: A ledger.db, its directory, or a station's home with one line.
        out: A directory, made if need be.
        ask: Called only when the content key is protected.
    Raises:
        OperatorError: no content key, a file in the way, or the ledger refused no head.
        IntegrityError: the ledger does not verify as far as it is read.
        StorageError: a disk refused.
    Spec: docs/ledger.md §15.9
    """
    file = locate(path)
    reader = Ledger.open_read_only(file, sealer=open_content(file, ask))
    try:
        refused = list(_refused(reader))
        if not refused:
            raise OperatorError(
                "this ledger refused no head, so it holds no evidence of a fork",
                hint="nothing was written",
            )
        return _write(reader, out, refused)
    finally:
        reader.close()


def _write(reader: LedgerReader, out: Path, refused: list[tuple[int, HeadRefused]]) -> FoundForks:
    records = reader.public_records()
    observer = parse_origin(reader.origin).station
    make_directory(out)
    files, alone = [], []
    for index, event in refused:
        held = _held(reader, event)
        if held is None:
            alone.append(index)
            continue
        evidence = make_fork_evidence(held.note, event.note.encode(), records, observer)
        target = out / f"entry-{index}{EVIDENCE_SUFFIX}"
        write_new(target, evidence)
        files.append(target)
    return FoundForks(tuple(files), tuple(alone))


def _refused(reader: LedgerReader) -> Iterator[tuple[int, HeadRefused]]:
    for entry in reader.of_kind(HeadRefused.kind):
        event = None if entry.erased else decode_event(entry.kind, entry.content)
        if isinstance(event, HeadRefused):
            yield entry.index, event


def _held(reader: LedgerReader, event: HeadRefused) -> WitnessedHead | None:
    """Return the witnessed head that the refused one contradicts, or None.

    One of the same size proves most; else the newest witnessed one of that log.
    """
    try:
        shown = parse_note(event.note.encode()).checkpoint
    except PeerError:
        return None
    same = reader.witnessed_at(shown.origin, shown.size)
    held = same or reader.witnessed(shown.origin)
    if held is None or (held.size, held.root) == (shown.size, shown.root):
        return None
    return held
