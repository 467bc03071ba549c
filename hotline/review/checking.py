"""Checking a disclosed entry or evidence of a fork with cards alone: no ledger, no key, no home.

Spec: docs/ledger.md §15
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.records.add_checkpoint import witness_keys
from hotline.core.records.checkpoint import Origin, parse_note, parse_origin, witness_name
from hotline.core.records.cosigned import JudgedNote, judge_note
from hotline.core.records.disclosed import Disclosure, check_disclosure, read_disclosure
from hotline.core.records.events import decode_event
from hotline.core.records.fork_evidence import (
    MAX_EVIDENCE_BYTES,
    ForkEvidence,
    read_fork_evidence,
    verify_fork_evidence,
)
from hotline.core.records.tlog_proof import PROOF_HEADER, TlogProof
from hotline.core.seams import LedgerIdentity
from hotline.review.answers import DisclosureAnswer, ForkAnswer, Known
from hotline.review.cards import Cards, identify, read_card, records_on, unvouched
from hotline.review.disclosing import CARDS_SUFFIX
from hotline.review.files import read_bounded
from hotline.review.identity import read_vouched
from hotline.review.locating import shown
from hotline.review.outsiders import read_witnesses
from hotline.review.shown_statement import judge_statement
from hotline.sealing.ed25519 import verify_ed25519

Answer = DisclosureAnswer | ForkAnswer


def check(path: Path, cards: Sequence[str], witnesses: Sequence[str]) -> Answer:
    """Check the file at `path` and say what it proves.

    Args:
        path: What `hotline disclose` wrote; records beside it (`.cards`) are read, too.
        cards: Files of public records that the reviewer got by hand, or root words.
        witnesses: C2SP vkeys of outside witnesses.
    Raises:
        OperatorError: the file is neither, or malformed; a card or key is; or no card
            is of its line.
        IntegrityError: it does not verify.
        StorageError: a disk refused.
    Spec: docs/ledger.md §15.6, §15.8
    """
    found = read_bounded(path, MAX_EVIDENCE_BYTES)
    if found.startswith(PROOF_HEADER):
        return _check_disclosed(path, _form(path, found), cards, _outside(witnesses))
    if found.startswith(b"{"):
        return _check_fork(path, found, cards)
    raise OperatorError(
        f"{shown(path)} is neither a disclosed entry nor evidence of a fork",
        hint="name a file that `hotline disclose` wrote",
    )


def _form(path: Path, found: bytes) -> TlogProof:
    """Return the proof in a file whose form is good."""
    try:
        return read_disclosure(found)
    except PeerError as error:
        raise _malformed(path, error) from error


def _malformed(path: Path, error: PeerError) -> OperatorError:
    return OperatorError(
        f"{shown(path)} is malformed: {error}", hint="get the file again, unchanged"
    )


def _outside(texts: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
    read_witnesses(texts)
    return witness_keys(texts)


def _origin(note: bytes) -> Origin:
    try:
        return parse_origin(parse_note(note).checkpoint.origin)
    except PeerError as error:
        raise OperatorError(f"the head is of no ledger of hotline: {error}") from error


def _check_disclosed(
    path: Path, proof: TlogProof, given: Sequence[str], outside: dict[str, tuple[bytes, ...]]
) -> DisclosureAnswer:
    origin = _origin(proof.note)
    try:
        disclosure = check_disclosure(proof)
    except PeerError as error:
        raise IntegrityError(f"{shown(path)} does not verify: {error}") from error
    event = decode_event(disclosure.leaf.kind, disclosure.disclosed.content)
    cards = _gather(given, _beside(path))
    identity, records = identify(cards, origin)
    names = {
        witness_name(identity.realm, identity.line, name): name
        for name in identity.members
        if name != origin.station
    }
    # A member's name keeps the member's keys, whatever --witness says.
    keys = outside | {name: identity.ledger_keys[station] for name, station in names.items()}
    judged = _judge(path, disclosure, identity.ledger_keys[origin.station], keys)
    cosigners = tuple(
        Known(names.get(one.name, one.name), one.at_s, one.name not in names)
        for one in judged.cosigners
    )
    stations = [origin.station, *(one.name for one in cosigners if not one.outside)]
    return DisclosureAnswer(
        origin=origin,
        identity=identity,
        disclosure=disclosure,
        event=event,
        size=judged.checkpoint.size,
        cosigners=cosigners,
        unjudged=judged.unjudged,
        unvouched=tuple(unvouched(cards, identity, stations)),
        statement=judge_statement(disclosure, event, records, _earliest_ms(cosigners)),
    )


def _earliest_ms(cosigners: Sequence[Known]) -> int | None:
    """Return when a member countersigned first, as far as is shown."""
    return min((one.at_s * 1000 for one in cosigners if not one.outside), default=None)


def _judge(
    path: Path,
    disclosure: Disclosure,
    keys: Sequence[bytes],
    witnesses: dict[str, tuple[bytes, ...]],
) -> JudgedNote:
    try:
        return judge_note(disclosure.note, keys, witnesses, verify_ed25519)
    except PeerError as error:
        raise IntegrityError(f"{shown(path)} does not verify: {error}") from error


def _gather(given: Sequence[str], beside: Sequence[bytes]) -> Cards:
    """Return what the cards say, and the records that came with the evidence."""
    vouched = read_vouched(given)
    files = [path for path in map(Path, given) if path.is_file()]
    records = [record for path in files for record in records_on(path)]
    return Cards(tuple(dict.fromkeys([*records, *beside])), vouched)


def _beside(path: Path) -> list[bytes]:
    """Return the records that `disclose --cards` wrote beside the file, if it did."""
    cards = path.with_name(path.name + CARDS_SUFFIX)
    return read_card(cards) if cards.is_file() else []


def _check_fork(path: Path, found: bytes, given: Sequence[str]) -> ForkAnswer:
    try:
        evidence = read_fork_evidence(found)
    except PeerError as error:
        raise _malformed(path, error) from error
    origin = parse_origin(evidence.heads[0].origin)
    cards = _gather(given, evidence.records)
    identity, _ = identify(cards, origin)
    return _fork_answer(path, evidence, origin, identity, cards)


def _fork_answer(
    path: Path, evidence: ForkEvidence, origin: Origin, identity: LedgerIdentity, cards: Cards
) -> ForkAnswer:
    keys = identity.ledger_keys[origin.station]
    try:
        contradiction = verify_fork_evidence(evidence, keys, verify_ed25519)
    except PeerError as error:
        raise IntegrityError(
            f"{shown(path)} does not verify: {error}", hint="it accuses nobody"
        ) from error
    return ForkAnswer(
        origin=origin,
        identity=identity,
        evidence=evidence,
        contradiction=contradiction,
        unvouched=tuple(unvouched(cards, identity, [origin.station])),
    )
