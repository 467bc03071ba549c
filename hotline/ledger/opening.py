"""Creating and opening a ledger for its writer: what is checked before the first append.

Spec: docs/ledger.md §9.1, §9.6, §10.3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import (
    IntegrityError,
    InvariantError,
    OperatorError,
    PeerError,
    StorageError,
)
from hotline.core.records.checkpoint import (
    Checkpoint,
    parse_origin,
    sign_checkpoint,
    verify_checkpoint,
)
from hotline.core.records.merkle import EMPTY_ROOT, Frontier, read_frontier
from hotline.core.seams import Signer, Verifier
from hotline.ledger.audit_schema import find_misnamed
from hotline.ledger.connection import (
    create_file,
    open_ledger_file,
    open_reading,
    our_errors,
    sync_directory,
)
from hotline.ledger.handle import Handle
from hotline.ledger.heads import Head, Released, ReleasedHeads
from hotline.ledger.pages import read_edge, read_newest_head, read_node
from hotline.ledger.schema import find_schema_fault, is_blank, lay_schema
from hotline.ledger.snapshot import LEDGER_NAME

HEADS_NAME = "head.db"


@dataclass(frozen=True, slots=True)
class OpenLedger:
    """Files of a ledger, open and checked against each other."""

    file: Handle
    heads: ReleasedHeads
    origin: str
    head: Head
    frontier: Frontier


def lay_ledger(directory: Path, heads_path: Path, origin: str, signer: Signer) -> None:
    """Create the files of an empty ledger; take up a creation that was cut short.

    Raises:
        OperatorError: there is a ledger already.
        IntegrityError: head.db has released heads of `origin` before.
        PeerError: `origin` is malformed.
    """
    parse_origin(origin)
    with our_errors("creating the ledger"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    heads = ReleasedHeads.open(heads_path)
    try:
        _claim(heads, origin)
        _lay_file(directory / LEDGER_NAME, sign_checkpoint(origin, 0, EMPTY_ROOT, signer))
        with our_errors("creating the ledger"):
            sync_directory(directory)
            sync_directory(heads_path.parent)
    finally:
        heads.close()


def _claim(heads: ReleasedHeads, origin: str) -> None:
    released = heads.read(origin)
    if released is None:
        heads.adopt(origin, Released(0, EMPTY_ROOT))
    elif released.size:
        raise IntegrityError(
            "head.db has released heads of this ledger before",
            hint="the ledger was lost: open the line's next generation",
        )


def _lay_file(path: Path, note: bytes) -> None:
    with our_errors("creating the ledger"):
        create_file(path)
        connection = open_ledger_file(path)
        try:
            if not is_blank(connection):
                raise OperatorError("there is a ledger in that directory already")
            connection.execute("BEGIN IMMEDIATE")
            lay_schema(connection)
            connection.execute("INSERT INTO head(size, note) VALUES(0, ?)", (note,))
            connection.execute("COMMIT")
        finally:
            connection.close()


def open_ledger(
    directory: Path,
    heads_path: Path,
    *,
    origin: str | None,
    keys: Sequence[bytes],
    verifier: Verifier,
    peer_view: Checkpoint | None,
) -> OpenLedger:
    """Open the files, check them, and release what is durable but not yet released.

    Args:
        origin: What the ledger must be of, None to take its own word.
        keys: Public keys that may have signed the newest head.
        peer_view: Newest head of this ledger that a peer is known to have countersigned.
    Raises:
        OperatorError: no ledger there, or of another origin.
        StorageError: the disk, another process, a creation that was cut short.
        InvariantError: `peer_view` is of another log.
        IntegrityError: schema, head, tree, head.db or the peer's view do not agree.
    """
    path = directory / LEDGER_NAME
    if not path.is_file():
        raise OperatorError("there is no ledger in that directory")
    heads = ReleasedHeads.open(heads_path)
    try:
        with our_errors("opening the ledger"):
            file = _open_both(path, heads)
    except BaseException:
        heads.close()
        raise
    try:
        return _checked(file, heads, origin, keys, verifier, peer_view)
    except BaseException:
        file.close()
        raise


def _open_both(path: Path, heads: ReleasedHeads) -> Handle:
    connection = open_ledger_file(path)
    try:
        reads = open_reading(path)
    except BaseException:
        connection.close()
        raise
    return Handle(connection, reads=reads, on_close=heads.close)


def _checked(
    file: Handle,
    heads: ReleasedHeads,
    origin: str | None,
    keys: Sequence[bytes],
    verifier: Verifier,
    peer_view: Checkpoint | None,
) -> OpenLedger:
    check_schema(file)
    note, checkpoint = read_newest_head(file)
    try:
        verify_checkpoint(note, keys, verifier)
    except PeerError as error:
        raise IntegrityError("the ledger's newest head is not signed by its key") from error
    if origin not in (None, checkpoint.origin):
        raise OperatorError("the ledger in that directory is of another line, station or realm")
    frontier = read_edge(file, checkpoint)
    head = Head(checkpoint.size, checkpoint.root, note)
    if peer_view is not None:
        if peer_view.origin != checkpoint.origin:
            raise InvariantError("the peer's view that was given is of another log")
        _check_covers(file, frontier, peer_view.size, peer_view, "the peer's countersigned view")
    _catch_up(file, heads, checkpoint.origin, head, frontier, peer_view)
    return OpenLedger(file, heads, checkpoint.origin, head, frontier)


def check_schema(file: Handle) -> None:
    """Raise IntegrityError unless the file has the known schema, StorageError if it has none."""
    with file.reading() as connection:
        if is_blank(connection):
            raise StorageError(
                "the ledger's creation was cut short and nothing is recorded in it",
                hint="create it again",
            )
        fault = find_schema_fault(connection) or find_misnamed(connection)
    if fault:
        raise IntegrityError(f"the ledger's schema was changed: {fault.what}")


def _catch_up(
    file: Handle,
    heads: ReleasedHeads,
    origin: str,
    head: Head,
    frontier: Frontier,
    peer_view: Checkpoint | None,
) -> None:
    """Bring head.db to the newest durable head, unless it is ahead of it.

    The crash between COMMIT and head.db leaves head.db behind: its head is a prefix.
    Spec: docs/ledger.md §10.3
    """
    released = heads.read(origin)
    if released is None:
        if peer_view is None:
            raise IntegrityError(
                "head.db does not know this ledger, so nobody can say that it is the newest",
                hint="start with the peer's countersigned view of it, or open a generation",
            )
        heads.adopt(origin, head.released)
        return
    _check_covers(file, frontier, released.size, released, "head.db")
    if released != head.released:
        heads.swap(origin, released, head.released)


def _check_covers(
    file: Handle, frontier: Frontier, size: int, known: Released | Checkpoint, who: str
) -> None:
    if size > frontier.size:
        raise IntegrityError(
            f"the ledger was put back: {who} knows {size} entries, it holds {frontier.size}",
            hint="keep this file, fetch what is missing from the peer, open the next generation",
        )
    prefix = read_frontier(lambda level, place: read_node(file, level, place), size)
    if prefix.root() != known.root:
        raise IntegrityError(
            f"the ledger was rewritten: {who} knows another root of its first {size} entries"
        )
