"""A ledger that was exported as tiles: verified, and read as a copy of the file would be.

An export holds every leaf and one head, nothing of what the entries say and
nothing of what its station witnessed.
Spec: docs/ledger.md §16.8
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.core.errors import IntegrityError, PeerError
from hotline.core.records.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    parse_note,
    parse_origin,
    witness_name,
)
from hotline.core.records.cosigned import JudgedNote, judge_note
from hotline.core.records.leaf import LEAF_BYTES, decode_leaf
from hotline.core.records.merkle import Frontier
from hotline.core.records.tiles import (
    CHECKPOINT,
    ENTRIES,
    TILE_WIDTH,
    decode_bundle,
    tile_path,
)
from hotline.core.seams import IdentifyLedger, LedgerIdentity, Verifier
from hotline.core.values import ZERO_DIGEST
from hotline.ledger.audit_tree import digests, grow
from hotline.ledger.connection import our_errors
from hotline.ledger.schema import TABLES
from hotline.ledger.snapshot import check_regular
from hotline.ledger.verdict import Damage, Findings, Verdict

MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + LEAF_BYTES)

_HEAD, _READING = "the checkpoint", "reading the export"


def is_export(path: Path) -> bool:
    """Return whether `path` is a directory that `hotline export --tiles` wrote."""
    return (path / CHECKPOINT).is_file() and (path / "tile").is_dir()


def read_head(path: Path) -> Checkpoint:
    """Return the head in an export; nothing about it is verified.

    Raises:
        PeerError: it is no head.
        OperatorError: it is no regular file.
        StorageError: the disk.
    """
    with our_errors(_READING):
        return parse_note(_read(path / CHECKPOINT, MAX_NOTE_BYTES)).checkpoint


def verify_tiles(
    path: Path,
    records: Sequence[bytes],
    *,
    identify: IdentifyLedger,
    verifier: Verifier,
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Verify an export by the public records of its line.

    Args:
        records: From a ledger of the line that verified, or from a card.
        progress: Is told how many entries of how many are done.
    Returns:
        A verdict with `exported` set: one head was judged, and that every leaf is under it.
    Raises:
        OperatorError: a file of it is no regular file.
        StorageError: the disk.
    Spec: docs/ledger.md §16.8
    """
    findings = Findings()
    try:
        with our_errors(_READING):
            note = _read(path / CHECKPOINT, MAX_NOTE_BYTES)
        head = parse_note(note).checkpoint
        identity, judged = _judge(note, head, records, identify, verifier)
    except (PeerError, IntegrityError) as error:
        findings.blame(str(error), _HEAD, damage=Damage.UNKNOWN_KEY)
        return _verdict(Checkpoint("", 0, Frontier().root()), None, None, findings, ())
    with our_errors(_READING):
        edge = _hash_all(path, head.size, findings, progress)
    if not findings.faults and edge.root() != head.root:
        findings.blame("it does not have the root of the leaves", _HEAD, damage=Damage.REWRITTEN)
    return _verdict(head, identity, judged, findings, tuple(records))


def _judge(
    note: bytes,
    head: Checkpoint,
    records: Sequence[bytes],
    identify: IdentifyLedger,
    verifier: Verifier,
) -> tuple[LedgerIdentity, JudgedNote]:
    identity, origin = identify(records), parse_origin(head.origin)
    if (origin.realm, origin.line) != (identity.realm, identity.line.hex()):
        raise PeerError("it is of another line than the records")
    others = [name for name in identity.members if name != origin.station]
    witnesses = {
        witness_name(identity.realm, identity.line, name): identity.ledger_keys[name]
        for name in others
    }
    keys = identity.ledger_keys.get(origin.station, ())
    return identity, judge_note(note, keys, witnesses, verifier)


def _hash_all(
    path: Path, size: int, findings: Findings, progress: Callable[[int, int], None] | None
) -> Frontier:
    """Check each leaf for itself and its link, and return the edge of the tree over them."""
    edge, prev = Frontier(), ZERO_DIGEST
    try:
        for leaves in _bundles(path, size):
            hashes = digests([b"\0" + leaf for leaf in leaves])
            before = [prev, *hashes]
            for place, encoded in enumerate(leaves):
                leaf = decode_leaf(encoded)
                if (leaf.index, leaf.prev) != (edge.size + place, before[place]):
                    raise PeerError("it does not follow the entry before it")
            edge, prev = grow(edge, hashes).after, before[-1]
            if progress is not None:
                progress(edge.size, size)
    except PeerError as error:
        where = f"a leaf among entries {edge.size} to {min(size, edge.size + TILE_WIDTH) - 1}"
        findings.blame(str(error), where, edge.size)
    except (FileNotFoundError, NotADirectoryError):
        findings.blame("its tile is not there", f"entry {edge.size}", edge.size, Damage.MISSING)
    return edge


def _bundles(path: Path, size: int) -> Iterator[list[bytes]]:
    """Yield the leaves tile by tile.

    Raises:
        PeerError: a tile has another form or length than its place asks for.
        FileNotFoundError, NotADirectoryError: it is not there.
    """
    for number in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        file = path / tile_path(ENTRIES, number, width)
        whole = path / tile_path(ENTRIES, number)
        # A directory that grew may have lost the partial tile to the full one.
        leaves = decode_bundle(_read(file if file.exists() else whole, MAX_BUNDLE_BYTES))
        if len(leaves) < width:
            raise PeerError("its tile is too short")
        yield leaves[:width]


def _read(path: Path, most: int) -> bytes:
    check_regular(path.stat(), path)
    with path.open("rb") as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise PeerError(f"it has more than {most} bytes")
    return found


def _verdict(
    head: Checkpoint,
    identity: LedgerIdentity | None,
    judged: JudgedNote | None,
    findings: Findings,
    records: tuple[bytes, ...],
) -> Verdict:
    ok = not findings.faults
    cosigners = judged.cosigners if judged is not None else ()
    return Verdict(
        ok=ok,
        entries=head.size,
        root=head.root,
        origin=head.origin,
        realm=identity.realm if identity else None,
        station=parse_origin(head.origin).station if identity else "",
        line=identity.line if identity else None,
        line_name=identity.name if identity else "",
        members=identity.members if identity else (),
        root_words=identity.root_words if identity else {},
        first_fault=findings.first(),
        faults=tuple(findings.faults),
        stands=head.size if ok else 0,
        notes=(),
        cosigned={one.name: head.size for one in cosigners},
        records=records,
        exported=True,
    )


class TiledCopy:
    """The leaves of an export as the tables that a comparison reads, in a throwaway database.

    Attributes:
        connection: To the database; `path` is its file.
    """

    def __init__(self, path: Path, verdict: Verdict) -> None:
        """Read the export at `path`.

        Args:
            verdict: What `verify_tiles` said of it.
        Raises:
            IntegrityError: it is no longer what was verified.
            OperatorError, StorageError: as `verify_tiles`.
        """
        self._directory = TemporaryDirectory(prefix="hotline-")
        self.path = Path(self._directory.name) / "tiles.db"
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            for table in TABLES:
                self.connection.execute(table)
            with our_errors(_READING):
                self._fill(path, verdict)
        except BaseException:
            self.close()
            raise

    def _fill(self, path: Path, verdict: Verdict) -> None:
        self.connection.execute("BEGIN")
        try:
            for leaves in _bundles(path, verdict.entries):
                rows = [(decode_leaf(leaf), leaf) for leaf in leaves]
                self.connection.executemany(
                    "INSERT INTO entry VALUES(?, ?, ?, ?, x'')",
                    [(leaf.index, leaf.kind, leaf.subject, encoded) for leaf, encoded in rows],
                )
        except (PeerError, FileNotFoundError, NotADirectoryError) as error:
            raise IntegrityError("the export was replaced while it was read") from error
        self.connection.executemany(
            "INSERT INTO cosignature VALUES(?, ?, x'')", list(verdict.cosigned.items())
        )
        self.connection.execute("COMMIT")

    def __enter__(self) -> TiledCopy:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete it."""
        self.close()

    def close(self) -> None:
        """Delete it."""
        self.connection.close()
        self._directory.cleanup()
