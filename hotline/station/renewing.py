"""Opening the next generation of a line's ledger, on two officers' authority (ledger.md §19).

1. lines/<handle>/renewing/ledger.db is made whole: one transaction, closed, released.
2. ledger.db, its log and peer-view.note move to generation-<n>/, as they are.
3. renewing/ledger.db becomes ledger.db; renewing/ goes.

Killed anywhere, the same command goes on: before the transaction of 1 nothing
happened; after it the directory `renewing` says so and no station opens the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.messages.catalogue import PackRef
from hotline.core.records import events as ev
from hotline.core.records.entry import Draft
from hotline.ledger.opening import HEADS_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.authorisation import (
    Act,
    VerifiedAuthorisation,
)
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.epoch import EpochSealer
from hotline.station.admission import Renewal
from hotline.station.drafts import draft_of, record_draft
from hotline.station.home import (
    LineCard,
    content_sealer,
    open_line,
    read_line,
)
from hotline.station.ledger_keys import LedgerKey, issue_ledger_key, open_root, stage_key
from hotline.station.left_behind import (
    describe_kept,
    judge_kept,
    named_by_kept,
    witnessed_by_kept,
)
from hotline.station.line import Line
from hotline.station.naming import naming_draft
from hotline.station.past import RENEWING
from hotline.station.succession import clear, kept_in, made_before, take_place
from hotline.station.upkeep import Bench


@dataclass(frozen=True, slots=True)
class Renewed:
    """What the ceremony did.

    Attributes:
        fault: What is wrong with the ledger that was left behind, as far as it says itself.
        resumed: It was begun before and cut short; this time it was ended.
    """

    generation: int
    kept: Path
    renewal: Renewal | None
    fault: str
    resumed: bool

    def sentence(self) -> str:
        """Say what was done and what comes next."""
        begun = f"Generation {self.generation} of this station's ledger is open"
        if self.renewal is None:
            return f"{begun}: a ceremony that was cut short is ended now."
        known = max(self.renewal.countersigned_size, self.renewal.released_size)
        lost = "" if known <= self.renewal.kept_size else f" of {known} that are known"
        return (
            f"{begun}. The old ledger ({self.fault}) is kept in {self.kept.name} with "
            f"{self.renewal.kept_size} entries{lost}. Start the station: what was lost comes "
            f"back from the other one."
        )


@dataclass(frozen=True, slots=True)
class _Ceremony:
    bench: Bench
    directory: Path
    card: LineCard
    line: Line
    passphrase: str | None = field(repr=False)

    @property
    def sealer(self) -> EpochSealer:
        return content_sealer(self.directory, self.passphrase, self.line.entropy)


def renew_ledger(
    bench: Bench,
    persons: Sequence[str],
    reason: str,
    packs: Sequence[PackRef],
    *,
    new_key: bool = False,
    room: int = 0,
) -> Renewed:
    """Leave a refused ledger behind and begin the next generation, or end a renewal cut short.

    Args:
        persons: Person ids of two officers or more of this station.
        reason: What happened, for the peer and the reviewer.
        packs: The packs of templates in use.
        new_key: The root certifies a new ledger key, which signs the new generation: the
            old one is doubted. A ledger that stands is then left behind, too.
        room: So many numbers are left out before the new generation.
    Raises:
        OperatorError: the ledger stands; not two persons; a wrong passphrase; a
            certificate that expired.
        IntegrityError: the public records do not verify.
        StorageError: the disk, or a station works this line.
    Spec: docs/ledger.md §19.2
    """
    passphrase = bench.passphrase(bench.home.keys / "console.key")
    directory, card, line = read_line(bench.home, passphrase, bench.clock, bench.entropy)
    ceremony = _Ceremony(bench, directory, card, line, passphrase)
    generation = made_before(directory, line, ceremony.sealer)
    if generation:
        kept = take_place(directory, generation)
        return Renewed(generation, kept, None, "", resumed=True)
    begun = clear(directory)
    why = _refused(ceremony)
    if not why and begun:
        kept = kept_in(directory, line.generation)
        return Renewed(line.generation, kept, None, "", resumed=True)
    if not why and not new_key:
        raise OperatorError(
            "the ledger of this line stands, so there is nothing to leave behind",
            hint="if only the peer knows better, start the station: the peer shows what it holds",
        )
    renewal = describe_kept(directory, line, judge_kept(directory, line), room)
    record, verified = bench.authorise(line, Act.GENERATION, renewal.details(), reason, persons)
    key = _new_key(ceremony) if new_key else None
    _make(ceremony, renewal, record, verified, packs, key)
    kept = take_place(directory, renewal.generation)
    if key is not None:
        _adopt(ceremony)
    return Renewed(renewal.generation, kept, renewal, why or "its key is doubted", resumed=False)


# --- what is there -----------------------------------------------------------------------


def _refused(ceremony: _Ceremony) -> str:
    """Return why the ledger at work cannot be worked on, or ""."""
    bench = ceremony.bench
    try:
        opened = open_line(bench.home, ceremony.passphrase, bench.clock, bench.entropy)
    except (IntegrityError, OperatorError) as error:
        return str(error)
    opened.ledger.close()
    opened.shelf.past.close()
    verdict = judge_kept(ceremony.directory, ceremony.line)
    if verdict is not None and verdict.first_fault is not None:
        return verdict.first_fault.sentence()
    return ""


# --- the new ledger ----------------------------------------------------------------------


def _make(
    ceremony: _Ceremony,
    renewal: Renewal,
    record: bytes,
    verified: VerifiedAuthorisation,
    packs: Sequence[PackRef],
    key: LedgerKey | None,
) -> None:
    """Make the next generation's ledger whole, in one transaction."""
    line, now_ms = ceremony.line, ceremony.bench.clock()
    ledger = Ledger.create(
        ceremony.directory / RENEWING,
        origin=line.origin_of(line.station, renewal.generation),
        signer=key.signer if key else line.ledger,
        sealer=ceremony.sealer,
        verifier=verify_ed25519,
        entropy=line.entropy,
        heads=ceremony.directory / HEADS_NAME,
    )
    try:
        drafts = [*_drafts(line, renewal, record, verified, now_ms)]
        drafts += [record_draft(one.encode(), now_ms) for one in ceremony.card.records]
        drafts += [naming_draft(one, now_ms) for one in named_by_kept(ceremony.directory, line)]
        drafts += [] if key is None else list(_changed(line, key, now_ms))
        drafts += [_loaded(pack, now_ms) for pack in packs]
        ledger.append(drafts, witnessed=witnessed_by_kept(ceremony.directory, line))
    finally:
        ledger.close()


def _drafts(
    line: Line, renewal: Renewal, record: bytes, verified: VerifiedAuthorisation, now_ms: int
) -> Iterator[Draft]:
    opened = ev.LedgerOpened(
        realm=line.realm.value,
        line=line.roster.line.hex(),
        station=line.station,
        generation=renewal.generation,
    )
    yield draft_of(Planned(opened), now_ms)
    details = renewal.details()
    del details["generation"]
    follows = ev.GenerationOpened.model_validate(
        {
            **details,
            "authorisation": verified.digest.hex(),
            "reason": verified.authorisation.reason,
            "officers": verified.names,
        }
    )
    yield draft_of(Planned(follows, public=record), now_ms)


def _new_key(ceremony: _Ceremony) -> LedgerKey:
    """Have the root certify a new ledger key, and put it beside the old one in console.key."""
    bench, line = ceremony.bench, ceremony.line
    path = bench.home.keys / "root.key"
    records = [record.encode() for record in ceremony.card.records]
    root = open_root(path, bench.passphrase(path), records)
    key = issue_ledger_key(root, line.roster, bench.clock(), line.entropy)
    stage_key(bench.home.keys / "console.key", key, ceremony.passphrase, line.entropy)
    return key


def _changed(line: Line, key: LedgerKey, now_ms: int) -> Iterator[Draft]:
    yield record_draft(key.certificate, now_ms)
    changed = ev.LedgerKeyChanged(
        station=line.station,
        certificate=key.cert_id.hex(),
        before=line.ledger_certificate.hex(),
    )
    yield draft_of(Planned(changed), now_ms)


def _adopt(ceremony: _Ceremony) -> None:
    """Let the first opening take the new key and its certificate from the ledger."""
    bench = ceremony.bench
    opened = open_line(bench.home, ceremony.passphrase, bench.clock, bench.entropy)
    opened.shelf.past.close()
    opened.ledger.close()


def _loaded(pack: PackRef, now_ms: int) -> Draft:
    loaded = ev.PackLoaded(pack=pack.name, digest=pack.digest.hex())
    return draft_of(Planned(loaded), now_ms)
