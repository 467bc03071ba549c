"""The station journal: a ledger of what belongs to no line, which no peer sees.

HOME/journal/ledger.db, head.db    the record, in the format of every ledger
HOME/journal/content.key           keys of its contents
HOME/journal-<n>                   a journal that was left behind, moved there by hand
HOME/steps/                        steps that it records when it is next used

Its origin has the digest of the station's root record in the place of a line
id, its public records are that root and the station's certificates: so it
verifies like any ledger. Lines anchor its head (hotline.station.keeping).
Spec: docs/ledger.md §18.3 to §18.6, §23
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import PeerError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint, build_origin
from hotline.core.records.entry import Draft
from hotline.core.seams import Clock, Entropy, Signer
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.ledger.public import record_digest
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.epoch import EPOCH_KEY_BYTES, epoch_of
from hotline.station.anchors import JOURNAL, check_anchored, journal_generation
from hotline.station.drafts import draft_of, record_draft
from hotline.station.months import CONTENT_KEY, MonthlyKeys, open_months, seed_name
from hotline.station.steps import forget_notes, unrecorded, waiting_steps


@dataclass(frozen=True, slots=True)
class JournalOwner:
    """Whose journal it is and what it must hold.

    Attributes:
        root: Digest of the station's root record.
        records: That record and the station's certificates, as envelopes.
        packs: Digest (hex) of each pack of templates in use, by name.
        signer: The station's ledger key; `trusted_keys`: earlier ones.
        passphrase: Of the content keys; None only for EXERCISE.
    """

    station: str
    realm: Realm
    root: Digest
    records: Sequence[bytes]
    packs: Mapping[str, str]
    signer: Signer
    trusted_keys: Sequence[bytes] = ()
    passphrase: str | None = field(default=None, repr=False)

    def origin(self, generation: int) -> str:
        """Return the origin of the journal's heads."""
        return build_origin(self.realm, self.root, self.station, generation)


class Journal:
    """A station's open journal. Calls block for one sync; any thread may make them.

    Attributes:
        unanchored: Whether something was recorded since `head` was asked for last.
    """

    def __init__(self, home: Path, ledger: Ledger, months: MonthlyKeys, clock: Clock) -> None:
        """Take over an open ledger; callers use `open_journal`."""
        self._home, self._ledger, self._months, self._clock = home, ledger, months, clock
        self.unanchored = False

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._ledger.size

    def record(self, *events: ev.Event) -> None:
        """Make events durable, behind the steps that were noted before them.

        Raises:
            IntegrityError: an entry does not read.
            StorageError: nobody knows whether they are; the journal is unusable.
        Spec: docs/ledger.md §23.3
        """
        now_ms, notes = self._clock(), waiting_steps(self._home)
        noted = unrecorded(notes, self._ledger) if notes.steps else ()
        drafts = [draft_of(Planned(event), now_ms) for event in (*noted, *events)]
        if drafts:
            self._append(drafts, now_ms)
        forget_notes(notes)

    def head(self) -> Checkpoint:
        """Return the newest head; head.db holds it, so that an anchor may name it.

        Raises:
            StorageError, IntegrityError: head.db cannot be brought forward.
        """
        # First, so that what another thread records meanwhile is not forgotten.
        self.unanchored = False
        try:
            head = self._ledger.release()
        except BaseException:
            self.unanchored = True
            raise
        return Checkpoint(self._ledger.origin, head.size, head.root)

    def close(self) -> None:
        """Let go of the files."""
        self._ledger.close()

    def catch_up(self, owner: JournalOwner) -> None:
        """Record what the journal does not say yet of the station: records and packs.

        Raises:
            StorageError: it could not be made durable.
        """
        now_ms = self._clock()
        known = {record_digest(record) for record in self._ledger.public_records()}
        opened = Planned(_opened(self._ledger.origin, owner))
        drafts = [] if self.size else [draft_of(opened, now_ms)]
        drafts += [
            record_draft(record, now_ms)
            for record in owner.records
            if record_digest(record) not in known
        ]
        packs = self._packs()
        drafts += [
            draft_of(Planned(ev.PackLoaded(pack=name, digest=digest)), now_ms)
            for name, digest in owner.packs.items()
            if packs.get(name) != digest
        ]
        if drafts:
            self._append(drafts, now_ms)

    def _packs(self) -> dict[str, str]:
        packs: dict[str, str] = {}
        for entry in self._ledger.of_kind(ev.PackLoaded.kind):
            event = ev.decode_event(entry.kind, entry.content) if entry.content else None
            if isinstance(event, ev.PackLoaded):
                packs[event.pack] = event.digest
        return packs

    def _append(self, drafts: Sequence[Draft], now_ms: int) -> None:
        made = self._months.turn(now_ms) if self._months.due(now_ms) else None
        first = [draft_of(Planned(made), now_ms)] if made else []
        self._ledger.append([*first, *drafts])
        self.unanchored = True


def open_journal(
    home: Path,
    owner: JournalOwner,
    clock: Clock,
    entropy: Entropy,
    anchored: Checkpoint | None = None,
) -> Journal:
    """Open the journal of the station whose home is `home`; make it where there is none.

    Args:
        anchored: The head of it that a line's ledger anchored last, None if none did.
    Raises:
        OperatorError: its key file does not open, or the journal is another station's.
        IntegrityError: it was altered, put back, or lost while its head.db is there or a
            line anchors it.
        StorageError: the disk, or another process has it open.
    Spec: docs/ledger.md §18.6
    """
    directory = home / JOURNAL
    origin = owner.origin(journal_generation(home))
    if not (directory / LEDGER_NAME).exists():
        check_anchored(anchored, origin, None)
        _lay(directory, owner, origin, clock(), entropy)
    months = open_months(directory, owner.passphrase, entropy)
    ledger = Ledger.open(
        directory,
        origin=origin,
        signer=owner.signer,
        sealer=months,
        verifier=verify_ed25519,
        entropy=entropy,
        trusted_keys=owner.trusted_keys,
    )
    journal = Journal(home, ledger, months, clock)
    try:
        check_anchored(anchored, origin, ledger)
        journal.catch_up(owner)
        journal.record()
    except BaseException:
        journal.close()
        raise
    return journal


def _lay(directory: Path, owner: JournalOwner, origin: str, now_ms: int, entropy: Entropy) -> None:
    """Make an empty journal; its key file first, so that what is sealed can be opened."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError("the station journal cannot be made") from error
    if not (directory / CONTENT_KEY).exists():
        seeds = {seed_name(epoch_of(now_ms)): entropy(EPOCH_KEY_BYTES)}
        held = KeyFile(owner.station, owner.realm, seeds)
        write_key_file(directory / CONTENT_KEY, held, owner.passphrase, entropy=entropy)
    Ledger.create(
        directory,
        origin=origin,
        signer=owner.signer,
        sealer=open_months(directory, owner.passphrase, entropy),
        verifier=verify_ed25519,
        entropy=entropy,
    ).close()


def own_records(records: Sequence[bytes], digests: frozenset[Digest]) -> tuple[bytes, ...]:
    """Return those of a line's public records whose digests are among `digests`."""
    return tuple(record for record in records if _digest(record) in digests)


def _digest(record: bytes) -> Digest:
    try:
        return record_digest(record)
    except PeerError:
        return ZERO_DIGEST


def _opened(origin: str, owner: JournalOwner) -> ev.LedgerOpened:
    return ev.LedgerOpened(
        realm=owner.realm.value,
        line=owner.root.hex(),
        station=owner.station,
        generation=int(origin.rpartition("/")[2]),
    )
