"""Disclosing single entries of a ledger to somebody who has neither ledger nor key.

Spec: docs/ledger.md §15
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import (
    ErasedContentError,
    IntegrityError,
    InvariantError,
    OperatorError,
    PeerError,
)
from hotline.core.messages.statement import STATEMENT_TYPE
from hotline.core.records.add_checkpoint import MAX_ADD_CHECKPOINT_BYTES, OLD
from hotline.core.records.cards import format_cards, ledger_records
from hotline.core.records.checkpoint import parse_note, parse_origin, witness_name
from hotline.core.records.cosigned import judge_note, merge_notes
from hotline.core.records.disclosed import Disclosed, make_disclosure, read_statement_item
from hotline.core.seams import LedgerIdentity
from hotline.core.values import Digest
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.review.files import make_directory, read_bounded, write_new
from hotline.review.locating import locate, shown
from hotline.review.opening import AskPassphrase, open_content
from hotline.sealing.dsse import decode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import identify_ledger
from hotline.sealing.statements import MAX_STATEMENT_ENVELOPE_BYTES

SUFFIX = ".tlog-proof"
CARDS_SUFFIX = ".cards"
MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be disclosed.

    Attributes:
        entries: Indexes, at most MAX_ENTRIES.
        statement: Whether the enclosed statements are shown, too.
        cards: Whether the public records that name the keys are written beside.
        cosigned: A file with a head of this ledger and the lines of outside witnesses.
    """

    entries: tuple[int, ...]
    statement: bool = False
    cards: bool = False
    cosigned: Path | None = None


@dataclass(slots=True)
class _Source:
    """An open ledger with what its own public records say of it."""

    reader: LedgerReader
    identity: LedgerIdentity = field(init=False)
    records: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.records = self.reader.public_records()
        self.identity = identify_ledger(self.records)


def disclose(path: Path, out: Path, wish: Wish, ask: AskPassphrase) -> list[Path]:
    """Write one file for each entry in `wish`; return the files written.

    Args:
        path: A ledger.db, its directory, or a station's home with one line.
        out: A file for one entry; a directory, made if need be, for several.
        ask: Called only when the content key is protected.
    Raises:
        OperatorError: no such entry, nothing to enclose, a file in the way, no content key.
        IntegrityError: the ledger does not verify as far as it is disclosed, or the
            content was erased.
        StorageError: a disk refused.
    """
    if len(wish.entries) > MAX_ENTRIES:
        raise OperatorError(f"at most {MAX_ENTRIES} entries can be disclosed at once")
    file = locate(path)
    reader = Ledger.open_read_only(file, sealer=open_content(file, ask))
    try:
        source = _Source(reader)
        return _write_all(source, out, wish)
    finally:
        reader.close()


def _write_all(source: _Source, out: Path, wish: Wish) -> list[Path]:
    # With another ledger's key the first entry says so in clearer words than any other.
    next(iter(source.reader.entries(0, 1)), None)
    several = len(set(wish.entries)) > 1 or out.is_dir()
    outsiders = None if wish.cosigned is None else read_cosigned(source.reader, wish.cosigned)
    made = []
    for index in dict.fromkeys(wish.entries):
        target = out / f"entry-{index}{SUFFIX}" if several else out
        encoded, signers = _disclose_one(source, index, wish, outsiders)
        made.append((target, encoded))
        if wish.cards:
            cards = format_cards(ledger_records(source.records, signers))
            made.append((target.with_name(target.name + CARDS_SUFFIX), cards))
    if several:
        make_directory(out)
    for target, content in made:
        write_new(target, content)
    return [target for target, _ in made]


def _disclose_one(
    source: _Source, index: int, wish: Wish, outsiders: bytes | None
) -> tuple[bytes, frozenset[Digest]]:
    """Return the file of one entry, and the certificates of who signed its statement."""
    reader = source.reader
    if not 0 <= index < reader.size:
        raise OperatorError(
            f"the ledger has no entry {index}: it holds {reader.size}, counted from 0",
            hint="name another one after --entry",
        )
    entry = next(iter(reader.entries(index, index + 1)))
    if entry.erased is not None:
        raise ErasedContentError(index, entry.erased.epoch)
    enclosure, signers = None, frozenset[Digest]()
    if wish.statement:
        enclosure, signers = _enclosed(reader, index, has_one=entry.has_enclosure)
    note = source_note(source.reader, source.identity, index, outsiders)
    size = parse_note(note).checkpoint.size
    disclosed = Disclosed(entry.leaf, entry.salt, entry.content, enclosure)
    return make_disclosure(disclosed, reader.prove_inclusion(index, size), note), signers


def _enclosed(
    reader: LedgerReader, index: int, *, has_one: bool
) -> tuple[bytes, frozenset[Digest]]:
    nothing = OperatorError(
        f"entry {index} encloses no statement that its leaf would prove",
        hint="leave --statement out, or name an entry that sends or receives one",
    )
    if not has_one:
        raise nothing
    enclosure = reader.enclosure(index)
    try:
        envelope, _, _ = read_statement_item(enclosure)
        signed = decode_envelope(
            envelope,
            expect=(STATEMENT_TYPE,),
            what="statement",
            max_bytes=MAX_STATEMENT_ENVELOPE_BYTES,
        )
    except PeerError as error:
        raise nothing from error
    return enclosure, frozenset(entry.signer for entry in signed.signatures)


def source_note(
    reader: LedgerReader, identity: LedgerIdentity, index: int = -1, outsiders: bytes | None = None
) -> bytes:
    """Return the best head over entry `index` with every signature line that is known of it.

    The head in `outsiders`, or else the one that most members countersigned, of these
    the one that most outside witnesses did, the newest of these, or else the newest.

    Args:
        index: The entry that it must cover; -1 asks for the newest head.
        outsiders: A note as `read_cosigned` returns it.
    Raises:
        IntegrityError: the ledger's own key did not sign it, or a cosignature is no good.
        OperatorError: the head in `outsiders` does not cover the entry.
    Spec: docs/ledger.md §15.3
    """
    origin = parse_origin(reader.origin)
    keys = identity.ledger_keys.get(origin.station, ())
    witnesses = {
        witness_name(identity.realm, identity.line, name): identity.ledger_keys[name]
        for name in identity.members
        if name != origin.station
    }
    named = identity.outside_keys.get(origin.station, {})
    # A member's name keeps the member's keys, whatever the station named.
    known = {**named, **witnesses}
    size = _best_size(reader, list(witnesses), list(named), index)
    if outsiders is not None:
        size = parse_note(outsiders).checkpoint.size
    if size <= index:
        raise OperatorError(
            f"the head that the witness countersigned does not cover entry {index}",
            hint="show the witness a newer head with `hotline export --add-checkpoint`",
        )
    found = [reader.cosignature(size, name) for name in known]
    notes = [reader.head(size), *(one.note for one in found if one is not None)]
    try:
        merged = merge_notes([*_without(notes, outsiders), *([outsiders] if outsiders else [])])
        judge_note(merged, keys, known, verify_ed25519)
    except PeerError as error:
        raise IntegrityError(f"the ledger's head of {size} entries is no good: {error}") from error
    return merged


def _without(notes: Sequence[bytes], outsiders: bytes | None) -> list[bytes]:
    """Return the notes whose line `outsiders` does not give, too: a witness signs anew each time.

    The head's own note comes first, and stays.
    """
    lines = parse_note(outsiders).signatures if outsiders else ()
    given = {(line.name, line.key_id) for line in lines}
    head, *cosigned = notes
    own = [parse_note(note).signatures[0] for note in cosigned]
    kept = [
        note
        for note, line in zip(cosigned, own, strict=True)
        if (line.name, line.key_id) not in given
    ]
    return [head, *kept]


def _best_size(
    reader: LedgerReader, members: Sequence[str], named: Sequence[str], index: int
) -> int:
    """Return the size of the head to disclose under.

    Most members first, then most outside witnesses, then the newest.
    """
    if index < 0:
        return reader.size
    sizes = {reader.cosigned_size(name) for name in (*members, *named)} | {reader.size}

    def count(size: int, names: Sequence[str]) -> int:
        return sum(reader.cosignature(size, name) is not None for name in names)

    def worth(size: int) -> tuple[int, int, int]:
        return count(size, members), count(size, named), size

    return max((size for size in sizes if size > index), key=worth)


def read_cosigned(reader: LedgerReader, path: Path) -> bytes:
    """Return the note in a file that a witness's answer was appended to.

    Args:
        path: A head of this ledger, or an add-checkpoint body with one, and the answer.
    Raises:
        OperatorError: it is not there, malformed, or not a head of this ledger.
    Spec: docs/ledger.md §16.7
    """
    found = read_bounded(path, MAX_ADD_CHECKPOINT_BYTES)
    note = found.partition(b"\n\n")[2] if found.startswith(OLD) else found
    try:
        checkpoint = parse_note(note).checkpoint
        ours = parse_note(reader.head(checkpoint.size)).checkpoint
    except (PeerError, InvariantError) as error:
        raise OperatorError(
            f"{shown(path)} holds no head of this ledger: {error}",
            hint="give the file written by --add-checkpoint with the answer at its end",
        ) from error
    if checkpoint != ours:
        raise OperatorError(f"{shown(path)} holds a head of another ledger")
    return note
