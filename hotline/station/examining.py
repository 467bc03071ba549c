"""Looking at one ledger and what lies beside it, read-only (docs/ledger.md §21.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, PeerError
from hotline.core.records.checkpoint import Checkpoint, parse_origin, verify_checkpoint
from hotline.core.values import Digest
from hotline.host.keyfile import is_protected, read_key_file
from hotline.ledger.heads import Released
from hotline.ledger.health import read_heads, wal_bytes
from hotline.ledger.opening import HEADS_NAME
from hotline.ledger.public import erased_epochs
from hotline.ledger.reader import LedgerReader
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import Roster, identify_ledger
from hotline.station.anchors import JOURNAL, check_anchored, journal_generation, newest_anchor
from hotline.station.endings import Nearness, alarming, endings
from hotline.station.holds import standing_holds
from hotline.station.home import LineCard
from hotline.station.months import CONTENT_KEY, make_sealer
from hotline.station.outsiders import named_here, read_places
from hotline.station.past import Past
from hotline.station.shelf import read_peer_view
from hotline.station.stored_files import missing_files
from hotline.station.timekeeping import look_at_clock

Level = Literal["OK", "WARN", "FAIL"]

MAX_WAL_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Examined:
    """One finding about one ledger: a whole sentence."""

    level: Level
    what: str


def examine(ledger: Path, card: LineCard | None, now_ms: int) -> Iterator[Examined]:
    """Look at a ledger's newest head, head.db, the peer's view, clock and certificates.

    Args:
        card: The line's card; None for the station journal.
    Raises:
        IntegrityError: schema, tree or newest head are not what they must be.
        StorageError: it cannot be copied.
    """
    # head.db first: what it knows must be in the ledger that is read after it.
    heads_file = ledger.parent / HEADS_NAME
    heads = read_heads(heads_file) if heads_file.exists() else None
    reader = Ledger.open_read_only(ledger)
    try:
        keys = identify_ledger(reader.public_records()).ledger_keys
        origin = parse_origin(reader.origin)
        own = keys.get(origin.station, ())
        _check_signed(reader, own)
        yield Examined("OK", f"{reader.size} entries; the newest head is signed and fits the tree.")
        yield from _against_heads(reader, heads)
        yield from _against_peer(reader, read_peer_view(ledger.parent, reader.origin, own))
        yield from (Examined(*said) for said in look_at_clock(reader, now_ms))
        yield from _erased(reader)
        if card is not None:
            yield from _witnesses(ledger.parent, card, reader)
    finally:
        reader.close()
    yield from _log(ledger)
    if card is not None:
        yield from _certificates(card, now_ms)


def _check_signed(reader: LedgerReader, keys: tuple[bytes, ...]) -> None:
    try:
        verify_checkpoint(reader.head(), keys, verify_ed25519)
    except PeerError as error:
        raise IntegrityError("the newest head is not signed by the station's key") from error


def _against_heads(
    reader: LedgerReader, heads: Mapping[str, Released] | None
) -> Iterator[Examined]:
    known = None if heads is None else heads.get(reader.origin)
    if known is None:
        yield Examined(
            "FAIL",
            "No head.db knows it, so nobody can say that it is the newest: the station does not "
            "start; run hotline ledger renew.",
        )
        return
    yield from _covers(reader, "head.db", known.size, known.root)


def _against_peer(reader: LedgerReader, view: Checkpoint | None) -> Iterator[Examined]:
    if view is not None:
        yield from _covers(reader, "The other station", view.size, view.root)


def _covers(reader: LedgerReader, who: str, size: int, root: Digest) -> Iterator[Examined]:
    if size > reader.size:
        yield Examined(
            "FAIL",
            f"{who} knows {size} entries: the ledger was put back; keep it and run "
            "hotline ledger renew.",
        )
    elif reader.root_at(size) != root:
        yield Examined(
            "FAIL",
            f"{who} knows another root of the first {size} entries: the ledger was rewritten; "
            "keep it and call the reviewer.",
        )
    elif size == reader.size:
        yield Examined("OK", f"{who} knows the same head.")
    else:
        yield Examined("OK", f"{who} knows the first {size} entries, and they are the same.")


def _erased(reader: LedgerReader) -> Iterator[Examined]:
    erased = sorted(erased_epochs(reader.public_records()))
    if erased:
        listed = ", ".join(map(str, erased))
        yield Examined("OK", f"Content erased on two officers' authority: epochs {listed}.")


def _witnesses(directory: Path, card: LineCard, reader: LedgerReader) -> Iterator[Examined]:
    """Compare the outside witnesses that the record names with those that have an address."""
    roster = Roster.read([record.encode() for record in card.records])
    places = {place.vkey for place in read_places(directory).witnesses}
    for vkey, naming in named_here(roster, card.station, reader.public_records()).items():
        name, size = naming.key.name, reader.cosigned_size(naming.key.name)
        if vkey not in places:
            words = f"the outside witness {name} is named and has no address, so it is not asked; "
            yield Examined("WARN", f"{words}give it with `hotline ledger witness`.")
        elif not size:
            words = f"the outside witness {name} has countersigned nothing of this ledger yet; "
            yield Examined("WARN", f"{words}let the station run over a full hour.")
        else:
            words = f"the outside witness {name} countersigned {size} of {reader.size} entries."
            yield Examined("OK", words)


def _log(ledger: Path) -> Iterator[Examined]:
    length = wal_bytes(ledger)
    if length > MAX_WAL_BYTES:
        yield Examined(
            "WARN",
            f"Its log has {length // 1_000_000} MB and slows it down: start the station again.",
        )
    else:
        yield Examined("OK", f"Its log has {length} bytes.")


def _certificates(card: LineCard, now_ms: int) -> Iterator[Examined]:
    roster = Roster.read([record.encode() for record in card.records])
    ours = [one for one in roster.certificates.values() if one.station == card.station]
    for one in ours:
        yield from _withdrawn(roster, one, now_ms)
    found = endings(roster, card.station, now_ms)
    alarms = alarming(found)
    for ending in found:
        level: Level = "OK"
        if ending in alarms or (ending.ours and ending.nearness is Nearness.NEAR):
            level = "FAIL" if ending.ours and ending.nearness > Nearness.SOON else "WARN"
        what = ending.what[:1].upper() + ending.what[1:]
        yield Examined(level, f"{what}." if level == "OK" else f"{what}: {ending.remedy}.")


def _withdrawn(roster: Roster, certificate: Certificate, now_ms: int) -> Iterator[Examined]:
    """Say what the other station does not take any more, and what to do about it."""
    found = roster.standing.withdrawal(certificate)
    if found is None or not certificate.covers(now_ms):
        return
    whose = f"The certificate of {certificate.person} for {certificate.usage} is {found.how}"
    unattended = certificate.usage is not Usage.STATEMENT
    yield Examined(
        "FAIL" if unattended else "WARN",
        f"{whose} ({found.reason}): have the root issue a new one.",
    )


def examine_keys(ledger: Path, passphrase: str | None) -> Iterator[Examined]:
    """Look at content keys, holds and the anchored journal, where the key file opens.

    Raises:
        OperatorError: the key file is missing or does not open.
        IntegrityError: an entry does not read.
    """
    path = ledger.parent / CONTENT_KEY
    if not path.is_file():
        raise OperatorError(
            f"there is no {CONTENT_KEY}, and without it nothing can be read",
            hint="put the station's there",
        )
    if is_protected(path) and passphrase is None:
        yield Examined(
            "OK",
            "Its content keys are protected; --unlock looks at epochs, holds and anchors, too.",
        )
        return
    sealer = make_sealer(read_key_file(path, passphrase), _no_chance)
    yield Examined("OK", f"Content keys of epochs {', '.join(map(str, sealer.epochs))}.")
    reader = Ledger.open_read_only(ledger, sealer=sealer)
    try:
        left = erased_epochs(reader.public_records()) & set(sealer.epochs)
        for epoch in sorted(left):
            yield Examined(
                "WARN",
                f"Epoch {epoch} is recorded as erased, its key is still here: start the "
                "station once, that finishes it.",
            )
        past = Past.open(ledger.parent, sealer)
        try:
            for case, reason in standing_holds(reader, past.readers).items():
                yield Examined("OK", f"A legal hold stands on case {case}: {reason}.")
            anchored = newest_anchor(reader, past.readers)
        finally:
            past.close()
        for digest in missing_files(reader, ledger.parent):
            yield Examined(
                "FAIL",
                f"The file {digest[:16]}, which it has recorded, is gone: put it back from a "
                "backup.",
            )
    finally:
        reader.close()
    if anchored is not None:
        yield _journal(ledger.parents[2], anchored)


def _journal(home: Path, anchored: Checkpoint) -> Examined:
    """Hold the station journal against what this line's ledger anchored of it."""
    before = parse_origin(anchored.origin)
    prefix = anchored.origin.rpartition("/")[0]
    origin, journal = f"{prefix}/{journal_generation(home)}", None
    try:
        if (home / JOURNAL / LEDGER_NAME).exists():
            journal = Ledger.open_read_only(home / JOURNAL)
            origin = journal.origin
        check_anchored(anchored, origin, journal)
    except HotlineError as error:
        return Examined("FAIL", f"{str(error)[:1].upper()}{str(error)[1:]}; {error.hint}.")
    finally:
        if journal is not None:
            journal.close()
    if origin != anchored.origin:
        return Examined(
            "WARN",
            f"It anchors {anchored.size} entries of generation {before.generation} of the "
            "station journal, which was moved aside: keep that for the reviewer.",
        )
    return Examined("OK", f"It anchors {anchored.size} entries of the station journal, all there.")


def _no_chance(size: int) -> bytes:
    raise IntegrityError(f"a check-up wanted {size} random bytes")
