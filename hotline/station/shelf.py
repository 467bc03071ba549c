"""What a line's directory keeps beside its ledger: evidence, the peer's view, earlier ledgers.

lines/<handle>/peer-view.note                        our newest head that the peer showed back
lines/<handle>/evidence/fork-<station>-<g>-<n>.json  two heads of one size that a peer signed
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import IntegrityError, PeerError, StorageError
from hotline.core.records.checkpoint import Checkpoint, parse_origin, verify_checkpoint
from hotline.core.records.fork_evidence import make_fork_evidence
from hotline.ledger.connection import sync_directory
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station.past import Past

PEER_VIEW = "peer-view.note"
EVIDENCE = "evidence"
MAX_NOTE_BYTES = 16_384
MAX_EVIDENCE_FILES = 100
"""One convicts; a peer that signs ever new histories must not fill our disk."""


@dataclass(slots=True)
class Shelf:
    """One line's directory, as the running station uses it.

    Attributes:
        view: The newest head of ours that the peer showed back, or None.
    """

    directory: Path
    station: str
    past: Past = field(default_factory=Past)
    view: Checkpoint | None = None

    def keep_view(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Keep a head of ours that the peer holds; durable, if it is larger than the one kept.

        Raises:
            StorageError: the disk.
        Spec: docs/ledger.md §10.4
        """
        kept = self.view
        if kept and kept.origin == checkpoint.origin and kept.size >= checkpoint.size:
            return
        write_durably(self.directory / PEER_VIEW, note)
        self.view = checkpoint

    def keep_fork(
        self, held_note: bytes, shown: Checkpoint, shown_note: bytes, records: Sequence[bytes]
    ) -> None:
        """Write the portable evidence of a fork, once for each log and size.

        Raises:
            StorageError: the disk.
        Spec: docs/ledger.md §8.5
        """
        origin = parse_origin(shown.origin)
        directory = self.directory / EVIDENCE
        path = directory / f"fork-{origin.station}-{origin.generation}-{shown.size}.json"
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            full = sum(1 for _ in directory.iterdir()) >= MAX_EVIDENCE_FILES
        except OSError as error:
            raise StorageError("the directory of evidence cannot be made") from error
        if not path.exists() and not full:
            evidence = make_fork_evidence(held_note, shown_note, records, self.station)
            write_durably(path, evidence)


def read_peer_view(directory: Path, origin: str, keys: Sequence[bytes]) -> Checkpoint | None:
    """Return the head of the log `origin` that the peer showed back, if one is kept.

    Args:
        keys: Ed25519 ledger keys of this station: nobody else can have signed it.
    Raises:
        IntegrityError: the file holds something else than a head that we signed.
        StorageError: the disk.
    Spec: docs/ledger.md §10.4
    """
    try:
        with (directory / PEER_VIEW).open("rb") as file:
            note = file.read(MAX_NOTE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{PEER_VIEW} cannot be read") from error
    try:
        checkpoint = verify_checkpoint(note, keys, verify_ed25519)
    except PeerError as error:
        raise IntegrityError(f"{PEER_VIEW} does not hold a head of this station's") from error
    return checkpoint if checkpoint.origin == origin else None


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file whole, on the disk, or not at all.

    Raises:
        StorageError: the disk refused.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_directory(path.parent)
    except OSError as error:
        raise StorageError(f"the disk refused to write {path.name}") from error
