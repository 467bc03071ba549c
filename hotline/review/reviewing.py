"""Reviewing: ledgers found, verified, joined with their past, and held against each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records.cards import MAX_CARD_BYTES, parse_cards
from hotline.core.records.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    parse_note,
    parse_origin,
)
from hotline.core.records.tiles import CHECKPOINT
from hotline.core.values import DIGEST_BYTES, Digest
from hotline.ledger.audit_fast import Progress
from hotline.ledger.reconcile import Side, reconcile_sides
from hotline.ledger.tiled import is_export, read_head, verify_tiles
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.review.exporting import CARDS_NAME
from hotline.review.file_notes import file_notes
from hotline.review.files import read_bounded
from hotline.review.following import follow
from hotline.review.generations import Generations, gather, read_generations
from hotline.review.identity import identify_by_cards, read_vouched
from hotline.review.locating import locate, shown
from hotline.review.outsiders import cosigned_by, read_witnesses
from hotline.review.trust_notes import trust_notes
from hotline.review.verdicts import Review
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger

MAX_SINCE_BYTES = 16_777_216

_OTHER_LINE = "the two ledgers are of different lines"
_NAME_THE_PEER = "after --peer name the other station's ledger of the same line"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a review is to be done.

    Attributes:
        audit: Judge every stored head; None to do so for a ledger that has few.
        cards: Card files, or a root's words or hex digits.
        since: A file that names a head which the reviewer trusts already, or None.
        witnesses: C2SP vkeys of the outside witnesses that the reviewer trusts.
        cores: How many to use, None for all.
        progress: Is told how many entries of how many are done.
    """

    audit: bool | None = None
    cards: Sequence[str] = ()
    since: Path | None = None
    cores: int | None = None
    progress: Progress | None = None
    witnesses: Sequence[str] = ()


def review_ledgers(path: Path, peer: Path | None, asked: Asked | None = None) -> Review:
    """Verify the ledger at `path` and, with `peer`, the other station's against it.

    A directory is taken with the earlier generations that lie in it.

    Raises:
        OperatorError: a path names no ledger, or the two are not of one line and
            two stations; a card, trusted head or witness's key is none.
        StorageError: a file cannot be copied.
    Spec: docs/ledger.md §11, §12
    """
    asked = asked or Asked()
    vouched, trusted = read_vouched(asked.cards), read_witnesses(asked.witnesses)
    since = None if asked.since is None else read_since(asked.since)
    file = locate(path)
    other = None if peer is None or is_export(peer) else locate(peer)
    ours = _take(path, file, asked, since)
    if peer is None:
        identity = identify_by_cards([ours.verdict], vouched)
        return Review(ours.verdict, our_past=ours, identity=identity, trusted=trusted)
    theirs = _take_export(peer, ours, asked) if other is None else _take(peer, other, asked, None)
    if ours.verdict.ok and theirs.verdict.ok:
        _check_pair(ours.verdict, theirs.verdict)
    found = reconcile_sides(side_of(ours), side_of(theirs))
    if not found.ok and passed_over(ours, theirs):
        # Heads that nobody judged must not accuse a station.
        return review_ledgers(path, peer, replace(asked, audit=True))
    identity = identify_by_cards([ours.verdict, theirs.verdict], vouched)
    return Review(ours.verdict, theirs.verdict, found, ours, theirs, identity, trusted)


def take_ledger(path: Path, asked: Asked, since: Checkpoint | None) -> Generations:
    """Verify the ledger at `path` with the earlier generations that lie beside it.

    Raises:
        OperatorError: it names no ledger, or an export of one.
        StorageError: a file cannot be copied.
    """
    if is_export(path):
        raise OperatorError(
            f"{shown(path)} is an export; several are compared by their ledgers only",
            hint="name ledger files, or one export alone after --peer",
        )
    return _take(path, locate(path), asked, since)


def _take(path: Path, file: Path, asked: Asked, since: Checkpoint | None) -> Generations:
    verdict = _check(file, asked, since)
    if not path.is_dir():
        return Generations(verdict, file)

    def check(older: Path) -> Verdict:
        return _check(older, asked, None)

    return follow(gather(file, verdict, check), check)


def _take_export(path: Path, ours: Generations, asked: Asked) -> Generations:
    """Verify an export by the records that our own ledger holds, and those beside it.

    Spec: docs/ledger.md §16.8
    """
    try:
        origin = parse_origin(read_head(path).origin)
        beside = path / CARDS_NAME
        cards = parse_cards(read_bounded(beside, MAX_CARD_BYTES)) if beside.exists() else []
    except PeerError as error:
        raise OperatorError(
            f"{shown(path)} is no export of a ledger: {error}",
            hint="after --peer name the other station's ledger or its export",
        ) from error
    if ours.verdict.line is not None and origin.line != ours.verdict.line.hex():
        raise OperatorError(_OTHER_LINE, hint=_NAME_THE_PEER)
    verdict = verify_tiles(
        path,
        list(dict.fromkeys([*ours.verdict.records, *cards])),
        identify=identify_ledger,
        verifier=verify_ed25519,
        progress=asked.progress,
    )
    return Generations(
        _with_outsiders(verdict, path, asked),
        path,
        records=tuple(read_generations(verdict)),
    )


def _with_outsiders(verdict: Verdict, path: Path, asked: Asked) -> Verdict:
    """Return the verdict on an export with the trusted witnesses that signed its head.

    Spec: docs/ledger.md §11.8
    """
    note = read_bounded(path / CHECKPOINT, MAX_NOTE_BYTES)
    if not verdict.ok or parse_note(note).checkpoint != Checkpoint(
        verdict.origin, verdict.entries, verdict.root
    ):
        return verdict
    return replace(verdict, outside=cosigned_by(note, read_witnesses(asked.witnesses)))


def _check(file: Path, asked: Asked, since: Checkpoint | None) -> Verdict:
    verdict = verify_ledger(
        file,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
        audit=asked.audit,
        progress=asked.progress,
        cores=asked.cores,
        since=since,
    )
    return replace(verdict, notes=(*verdict.notes, *trust_notes(verdict, file), *file_notes(file)))


def side_of(taken: Generations) -> Side:
    """Return all files of a station that belong together."""
    good = tuple((one.verdict, one.path) for one in taken.earlier if _belongs(taken, one.verdict))
    return Side(taken.verdict, taken.path, good, taken.records)


def _belongs(taken: Generations, verdict: Verdict) -> bool:
    same = (verdict.station, verdict.line) == (taken.verdict.station, taken.verdict.line)
    return verdict.ok and same and verdict.origin != taken.verdict.origin


def passed_over(*sides: Generations) -> bool:
    """Return whether all verify and some stored heads of them were not judged."""
    verdicts = [side.verdict for side in sides]
    verdicts += [one.verdict for side in sides for one in side.earlier]
    return all(verdict.ok for verdict in verdicts) and any(
        verdict.examined.passed_over for verdict in verdicts
    )


def _check_pair(ours: Verdict, theirs: Verdict) -> None:
    if (ours.line, ours.realm) != (theirs.line, theirs.realm):
        raise OperatorError(_OTHER_LINE, hint=_NAME_THE_PEER)
    if ours.station == theirs.station:
        raise OperatorError(f"both ledgers are of {ours.station}", hint=_NAME_THE_PEER)


def read_since(path: Path) -> Checkpoint:
    """Return the head that a saved `verify --json` or a checkpoint note names.

    Raises:
        OperatorError: the file is neither, or tells of a ledger that did not verify.
    """
    content = read_bounded(path, MAX_SINCE_BYTES)
    checkpoint = _of_note(content) or _of_findings(content, path)
    if checkpoint is None:
        raise OperatorError(
            f"{shown(path)} names no head",
            hint="give what `verify --json` printed, or a checkpoint with its signature",
        )
    return checkpoint


def _of_note(content: bytes) -> Checkpoint | None:
    try:
        return parse_note(content).checkpoint
    except PeerError:
        return None


def _of_findings(content: bytes, path: Path) -> Checkpoint | None:
    try:
        found: Any = json.loads(content)
        ledger = found["ledger"]
        origin, size, root = str(ledger["origin"]), ledger["entries"], bytes.fromhex(ledger["root"])
        good = found["ok"] is True and ledger["ok"] is True
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(size, int) or size < 0 or len(root) != DIGEST_BYTES:
        return None
    if not good:
        raise OperatorError(
            f"{shown(path)} tells of a ledger that did not verify",
            hint="verify it whole, without --since",
        )
    return Checkpoint(origin, size, Digest(root))
