"""What is known of a ledger that a station leaves behind: by itself, head.db and the peer."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, PeerError
from hotline.core.records.checkpoint import Checkpoint, verify_checkpoint
from hotline.core.records.merkle import EMPTY_ROOT
from hotline.core.records.witness import WitnessedHead
from hotline.core.values import Digest
from hotline.ledger.heads import ReleasedHeads
from hotline.ledger.opening import HEADS_NAME
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.naming import Naming
from hotline.sealing.roster import identify_ledger
from hotline.station.admission import MAX_GENERATIONS, Renewal
from hotline.station.line import Line
from hotline.station.outsiders import named_here
from hotline.station.shelf import read_peer_view


def judge_kept(directory: Path, line: Line) -> Verdict | None:
    """Verify the ledger as far as it goes; None when there is none of this line and station."""
    if not (directory / LEDGER_NAME).is_file():
        return None
    verdict = verify_ledger(
        directory / LEDGER_NAME,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
    )
    return verdict if verdict.origin == line.origin else None


def describe_kept(directory: Path, line: Line, verdict: Verdict | None, room: int = 0) -> Renewal:
    """Return what two officers sign about the ledger, and the generation that follows it.

    Args:
        room: So many numbers are left out before that generation.
    Raises:
        OperatorError: the line has had too many generations.
        StorageError: head.db cannot be read, or a station works this line.
    Spec: docs/ledger.md §19.3
    """
    released_size, generation = _released(directory, line)
    known = _countersigned(directory, line, verdict)
    return Renewal(
        kept_origin=line.origin,
        kept_size=verdict.entries if verdict else 0,
        kept_root=verdict.root if verdict else EMPTY_ROOT,
        countersigned_size=known.size if known else 0,
        countersigned_root=known.root if known else EMPTY_ROOT,
        released_size=released_size,
        generation=generation + room,
    )


def _released(directory: Path, line: Line) -> tuple[int, int]:
    """Return what head.db knows of the ledger, and the next generation that it knows nothing of."""
    heads = ReleasedHeads.open(directory / HEADS_NAME)
    try:
        released = heads.read(line.origin)
        for generation in range(line.generation + 1, MAX_GENERATIONS + 1):
            found = heads.read(line.origin_of(line.station, generation))
            if found is None or not found.size:
                return (released.size if released else 0), generation
    finally:
        heads.close()
    raise OperatorError(f"a line has at most {MAX_GENERATIONS} generations", hint="open a new line")


def _countersigned(directory: Path, line: Line, verdict: Verdict | None) -> Checkpoint | None:
    """Return the largest head of the ledger that the peer is known to hold."""
    view = None
    with contextlib.suppress(IntegrityError):
        view = read_peer_view(directory, line.origin, line.roster.ledger_keys(line.station))
    size = max(verdict.cosigned.values(), default=0) if verdict else 0
    if not size or (view is not None and view.size >= size):
        return view
    root = _root_at(directory, size)
    return Checkpoint(line.origin, size, root) if root else view


def _root_at(directory: Path, size: int) -> Digest | None:
    try:
        with contextlib.closing(Ledger.open_read_only(directory / LEDGER_NAME)) as reader:
            return reader.root_at(size)
    except HotlineError:
        return None


def witnessed_by_kept(directory: Path, line: Line) -> list[WitnessedHead]:
    """Return the peers' newest heads that the ledger witnessed, to go on from them.

    A ledger that does not read gives none, and a head that its peer did not sign is left
    out: the peers then show theirs from the beginning.
    Spec: docs/ledger.md §19.3
    """
    keys = {
        line.origin_of(peer, one): line.roster.ledger_keys(peer)
        for peer in line.roster.members
        if peer != line.station
        for one in range(1, MAX_GENERATIONS + 1)
    }
    try:
        with contextlib.closing(Ledger.open_read_only(directory / LEDGER_NAME)) as reader:
            heads = [head for head in map(reader.witnessed, keys) if head is not None]
    except HotlineError:
        return []
    return [replace(head, old_size=0) for head in heads if _is_signed(head, keys[head.origin])]


def named_by_kept(directory: Path, line: Line) -> list[Naming]:
    """Return the outside witnesses that the ledger names, for the next generation to name.

    A ledger that does not read names none: they are then to be given again.
    Spec: docs/ledger.md §19.3
    """
    try:
        with contextlib.closing(Ledger.open_read_only(directory / LEDGER_NAME)) as reader:
            return list(named_here(line.roster, line.station, reader.public_records()).values())
    except HotlineError:
        return []


def _is_signed(head: WitnessedHead, keys: Sequence[bytes]) -> bool:
    try:
        signed = verify_checkpoint(head.note, keys, verify_ed25519)
    except PeerError:
        return False
    return signed == Checkpoint(head.origin, head.size, head.root)
