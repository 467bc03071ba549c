"""Whose keys an outsider knows: cards given by hand, and records that came with a file.

Records that came with the evidence name keys, but say nothing of who holds them:
only a root that the reviewer got on another way does.
Spec: docs/ledger.md §15.7
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records.cards import MAX_CARD_BYTES, parse_cards
from hotline.core.records.checkpoint import Origin
from hotline.core.seams import LedgerIdentity
from hotline.core.values import Digest
from hotline.review.files import read_bounded
from hotline.review.locating import shown
from hotline.sealing.certificate import CERTIFICATE_TYPE
from hotline.sealing.charter import CHARTER_TYPE, MAX_CHARTER_ENVELOPE_BYTES, CharterBody
from hotline.sealing.dsse import Envelope, decode_envelope
from hotline.sealing.fingerprint import root_words
from hotline.sealing.lineage import succeeds
from hotline.sealing.revocation import PREPARED, REVOCATION_TYPE, place_of
from hotline.sealing.root import ROOT_TYPE, read_root, verify_root
from hotline.sealing.roster import identify_ledger
from hotline.sealing.shapes import read_shape

_TYPES = (ROOT_TYPE, CHARTER_TYPE, CERTIFICATE_TYPE, REVOCATION_TYPE)


@dataclass(frozen=True, slots=True)
class Cards:
    """Public records for a check.

    Attributes:
        records: All of them, from cards and from beside the evidence.
        vouched: Root words of the roots that stand on cards given by hand.
    """

    records: tuple[bytes, ...]
    vouched: frozenset[str]


def vouched_by(roots: Sequence[bytes]) -> set[str]:
    """Return the root words of the root records on a card.

    Raises:
        OperatorError: one of them does not verify.
    """
    try:
        # One that follows another is proven by that one, which the charter names.
        firsts = [root for root in roots if not succeeds(read_root(root))]
        return {root_words(verify_root(root).digest) for root in firsts}
    except PeerError as error:
        raise OperatorError(f"a card is no good: {error}", hint="ask for the card again") from error


def read_card(path: Path) -> list[bytes]:
    """Return the public records in one card file.

    Raises:
        OperatorError: it is not there, or holds something else.
    """
    try:
        return parse_cards(read_bounded(path, MAX_CARD_BYTES))
    except PeerError as error:
        raise OperatorError(
            f"{shown(path)} is not a card: {error}",
            hint="a card holds public records, one on each line",
        ) from error


def records_on(path: Path) -> list[bytes]:
    """Return the public records in a card file; none if it holds a root's words only.

    Raises:
        OperatorError: it is not there.
    """
    try:
        return parse_cards(read_bounded(path, MAX_CARD_BYTES))
    except PeerError:
        return []


def identify(cards: Cards, origin: Origin) -> tuple[LedgerIdentity, list[bytes]]:
    """Say who may sign heads of `origin`, and by which of the records.

    Records of other lines are passed over.
    Raises:
        OperatorError: the records of that line are not all there, or do not name its station.
        IntegrityError: they do not verify.
    """
    records = list(_of_line(cards.records, bytes.fromhex(origin.line)))
    if not records:
        raise OperatorError(
            "no card names the line of this file, so no signature in it can be checked",
            hint="give the stations' cards of that line with --card",
        )
    identity = identify_ledger(records)
    if identity.realm != origin.realm or origin.station not in identity.members:
        raise OperatorError(
            "the cards do not name the station and realm that the file is of",
            hint="give the cards of that line with --card",
        )
    return identity, records


def unvouched(cards: Cards, identity: LedgerIdentity, stations: Sequence[str]) -> list[str]:
    """Return those of `stations` whose root stands on no card given by hand."""
    return [name for name in stations if identity.root_words[name] not in cards.vouched]


def _of_line(records: Sequence[bytes], line: bytes) -> Iterator[bytes]:
    """Yield the charter of `line`, the roots that it names, and what they signed.

    A station journal has no charter: its line is its one root. Of a chain of
    revocations what has no gap before it is taken.
    """
    envelopes = {record: found for record in records if (found := _decode(record)) is not None}
    known = {Digest(line)}
    for record, envelope in _of_kind(envelopes, CHARTER_TYPE):
        if envelope.digest in known:
            yield record
            known |= _members(envelope)
            break
    yield from _roots(envelopes, known)
    for kind in (CERTIFICATE_TYPE, REVOCATION_TYPE):
        signed = [one for one in _of_kind(envelopes, kind) if _issued_by(one[1], known)]
        yield from (
            record for record, _ in (signed if kind == CERTIFICATE_TYPE else _chain(signed))
        )


def _of_kind(envelopes: Mapping[bytes, Envelope], kind: str) -> Iterator[tuple[bytes, Envelope]]:
    yield from ((record, one) for record, one in envelopes.items() if one.payload_type == kind)


def _roots(envelopes: Mapping[bytes, Envelope], known: set[Digest]) -> Iterator[bytes]:
    """Yield the roots that are known, those before them and those that follow them.

    All of them are known then: a charter names one of a succession (docs/protocol.md §4.31).
    """
    left = dict(_of_kind(envelopes, ROOT_TYPE))
    while left:
        found = [
            record
            for record, one in left.items()
            if one.digest in known or (succeeds(one) and _issued_by(one, known))
        ]
        if not found:
            return
        for record in found:
            envelope = left.pop(record)
            known |= {envelope.digest, *(entry.signer for entry in envelope.signatures)}
            yield record


def _chain(signed: Sequence[tuple[bytes, Envelope]]) -> Iterator[tuple[bytes, Envelope]]:
    lengths: dict[str, int] = {}
    for (station, counter), record, envelope in sorted(_placed(signed), key=lambda one: one[0]):
        if counter == PREPARED or counter - lengths.get(station, 0) in (0, 1):
            lengths[station] = max(counter, lengths.get(station, 0))
            yield record, envelope


def _placed(
    signed: Sequence[tuple[bytes, Envelope]],
) -> Iterator[tuple[tuple[str, int], bytes, Envelope]]:
    for record, envelope in signed:
        with contextlib.suppress(PeerError):
            yield place_of(envelope), record, envelope


def _decode(record: bytes) -> Envelope | None:
    """Return the envelope of a record that names keys, None of any other."""
    try:
        return decode_envelope(
            record, expect=_TYPES, what="record", max_bytes=MAX_CHARTER_ENVELOPE_BYTES
        )
    except PeerError:
        return None


def _members(charter: Envelope) -> set[Digest]:
    try:
        body = read_shape(
            CharterBody, charter.payload, what="charter", max_bytes=MAX_CHARTER_ENVELOPE_BYTES
        )
    except PeerError:
        return set()
    return {member.root for member in body.members}


def _issued_by(envelope: Envelope, known: set[Digest]) -> bool:
    return any(entry.signer in known for entry in envelope.signatures)
