"""Officers of a station: whom its root certifies, for how long, and who learns of it.

Spec: docs/enrolment.md §3
"""

from __future__ import annotations

from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger.public import record_digest
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import (
    CLOCK_MARGIN_MS,
    CertifiedKey,
    RootKey,
    Subject,
    issue_certificate,
)
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.roster import Roster
from hotline.station.beginning import AskNew
from hotline.station.drafts import record_draft
from hotline.station.home import hybrid_seeds, read_card, write_json
from hotline.station.identity import read_identity, take_from_line, with_record
from hotline.station.journal import JournalOwner, open_journal
from hotline.station.laying import CONSOLE_KEY, seeds_of
from hotline.station.ledger_keys import open_root
from hotline.station.upkeep import Bench, at_work, station_stopped

DAY_MS = 86_400_000
MAX_DAYS = 92
MAX_OFFICERS = 40
"""A card must hold them all; it is bounded."""


def unlock_root(bench: Bench, root_file: Path) -> RootKey:
    """Unlock the station's root, wherever its key file is now.

    Raises:
        OperatorError: it is not there, the passphrase is wrong, or it is another's.
    """
    if not root_file.is_file():
        raise OperatorError(
            f"{root_file.name} is not there",
            hint="bring it from where it is kept, and name it with --root",
        )
    identity = read_identity(bench.home)
    # Whatever needs the root needs the console, too: so they are always asked for in this order.
    bench.passphrase(bench.home.keys / CONSOLE_KEY)
    return open_root(root_file, bench.passphrase(root_file), identity.envelopes)


def add_officer(
    bench: Bench,
    subject: Subject,
    ask_new: AskNew,
    root_file: Path,
    catalogue: Catalogue,
    days: int = MAX_DAYS,
) -> Certificate:
    """Make an officer's key and have the root certify it.

    A key that was made by a call which was cut short is taken up again.

    Raises:
        OperatorError: certified already, a name that is none, or a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §3.1, §3.3
    """
    level_records(bench, catalogue)
    identity = read_identity(bench.home)
    known = {person.casefold() for person in identity.officers()}
    if subject.person.casefold() in known:
        raise OperatorError(
            f"{subject.person} is an officer here already",
            hint="use hotline officer renew for a new certificate",
        )
    if len(known) >= MAX_OFFICERS:
        raise OperatorError(f"a station has at most {MAX_OFFICERS} officers")
    root = unlock_root(bench, root_file)
    path = bench.home.officer(subject.person)
    made = None if path.exists() else HybridSigner(draw_hybrid_seeds(bench.entropy))
    signer = made or _officer_key(bench, path)
    issued = issue(bench, root, signer, subject, days=days)
    if made is not None:
        held = KeyFile(root.station, root.realm, seeds_of("officer", made.seeds))
        write_key_file(path, held, ask_new(path.name), entropy=bench.entropy)
    return admit_issued(bench, issued, catalogue)


def renew_officer(
    bench: Bench, person: str, root_file: Path, catalogue: Catalogue, days: int = MAX_DAYS
) -> Certificate:
    """Have the root certify an officer's key for longer; name, rank and role stay.

    Raises:
        OperatorError: no such officer, or a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §3.2
    """
    level_records(bench, catalogue)
    identity = read_identity(bench.home)
    before = identity.officers().get(person)
    if before is None:
        raise OperatorError(f"{person} is no officer of this station")
    root = unlock_root(bench, root_file)
    signer = _officer_key(bench, bench.home.officer(person))
    if signer.public_key != before.key:
        raise OperatorError(f"the key file of {person} holds another key than the certificate")
    subject = Subject(person, before.name, before.rank, before.role)
    return admit_issued(bench, issue(bench, root, signer, subject, days=days), catalogue)


def _officer_key(bench: Bench, path: Path) -> HybridSigner:
    return HybridSigner(hybrid_seeds(read_key_file(path, bench.passphrase(path)).seeds, "officer"))


def issue(
    bench: Bench,
    root: RootKey,
    signer: HybridSigner,
    subject: Subject,
    usage: Usage = Usage.STATEMENT,
    *,
    days: int = MAX_DAYS,
) -> CertifiedKey:
    """Have the root certify a key for so many days from now on; nothing counts by that yet.

    Raises:
        OperatorError: more days than a certificate may last, or a name that is none.
    """
    if not 1 <= days <= MAX_DAYS:
        raise OperatorError(f"a certificate lasts 1 to {MAX_DAYS} days")
    begins_ms = max(0, bench.clock() - CLOCK_MARGIN_MS)
    certificates = read_identity(bench.home).verified().certificates.values()
    return issue_certificate(
        root,
        signer,
        subject=subject,
        usage=usage,
        serial=1 + max((one.serial for one in certificates), default=0),
        not_before_ms=begins_ms,
        not_after_ms=begins_ms + days * DAY_MS,
    )


def admit_issued(bench: Bench, issued: CertifiedKey, catalogue: Catalogue) -> Certificate:
    """Let a certificate count: in station.json, then in the records that rest on it.

    Raises:
        OperatorError: a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §3.3
    """
    identity = with_record(bench.home, issued.certificate)
    level_records(bench, catalogue)
    return identity.verified().certificates[issued.cert_id]


def level_records(bench: Bench, catalogue: Catalogue) -> None:
    """Bring line, journal and station.json to the same roots and certificates of this station.

    So what a call left undone that was cut short is done by the next.

    Raises:
        OperatorError: a wrong passphrase.
        IntegrityError: a record does not verify.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §3.3
    """
    home = bench.home
    lines = sorted(home.lines.glob("*/line.json")) if home.lines.is_dir() else []
    if not lines:
        _level_journal(bench, catalogue)
        return
    card = read_card(home.only_line())
    roster = Roster.read([record.encode() for record in card.records])
    take_from_line(home, card, roster)
    missing = [
        record
        for record in read_identity(home).envelopes
        if record_digest(record) not in roster.record_digests
    ]
    # Also when nothing is missing: a station that runs is found out before anything is made.
    _tell_line(bench, missing)


def _tell_line(bench: Bench, records: list[bytes]) -> None:
    """Bind certificates in the line's ledger; the journal has them when the station starts."""
    with at_work(bench) as work:
        opened, now_ms = work.opened, bench.clock()
        known = opened.line.roster.record_digests
        new = [record for record in records if record_digest(record) not in known]
        if not new:
            return
        for record in new:
            opened.line.roster.with_certificate(record)
        opened.ledger.append([record_draft(record, now_ms) for record in new])
        kept = (*opened.card.records, *(record.decode() for record in new))
        write_json(opened.directory / "line.json", opened.card.model_copy(update={"records": kept}))


def _level_journal(bench: Bench, catalogue: Catalogue) -> None:
    identity = read_identity(bench.home)
    path = bench.home.keys / CONSOLE_KEY
    passphrase = bench.passphrase(path)
    console = read_key_file(path, passphrase)
    station = identity.verified()
    owner = JournalOwner(
        station=identity.station,
        realm=identity.realm,
        root=station.root.digest,
        records=identity.envelopes,
        packs={one.name: one.digest.hex() for one in catalogue.packs},
        signer=Ed25519Signer(console.seeds["ledger/ed25519"]),
        passphrase=passphrase,
    )
    with station_stopped():
        open_journal(bench.home.path, owner, bench.clock, bench.entropy).close()
