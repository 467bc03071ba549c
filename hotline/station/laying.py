"""What a home and a line are made of on disk: a drill lays them at once, enrolment in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.messages.catalogue import Catalogue
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import build_origin
from hotline.core.seams import Clock, Entropy
from hotline.core.times import format_time
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.ledger.store import Ledger
from hotline.sealing.card import Route
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.enrol import StationKeys
from hotline.sealing.epoch import EPOCH_KEY_BYTES, epoch_of
from hotline.sealing.hybrid import HybridSeeds
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.mailboxes import SharedSecrets
from hotline.sealing.roster import Roster
from hotline.sealing.tls_identity import TlsIdentity
from hotline.sealing.turns import StoredPrekey
from hotline.station.drafts import draft_of, record_draft
from hotline.station.home import (
    ED25519,
    MLDSA65,
    Home,
    LineCard,
    content_sealer,
    write_json,
)
from hotline.station.identity import Identity, Listening, write_identity
from hotline.station.journal import JournalOwner, open_journal
from hotline.station.line_keys import FIRST_ASEQ, LINE_KEY, PairSecrets, pair_seeds
from hotline.station.months import CONTENT_KEY, seed_name
from hotline.station.shelf import write_durably

ROOT_KEY, SUCCESSOR_KEY, CONSOLE_KEY = "root.key", "successor.key", "console.key"


@dataclass(frozen=True, slots=True)
class Passphrases:
    """Of a home's key files; None only for EXERCISE."""

    root: str | None = field(default=None, repr=False)
    successor: str | None = field(default=None, repr=False)
    console: str | None = field(default=None, repr=False)
    officers: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewHome:
    """What a home is made of.

    Attributes:
        successor_apart: Whether the root's successor gets a key file of its own, to be
            kept elsewhere; the root of a drill has no second place.
    """

    keys: StationKeys
    tls: TlsIdentity
    passphrases: Passphrases
    route: Route | None = None
    listening: Listening | None = None
    successor_apart: bool = True


@dataclass(frozen=True, slots=True)
class NewLine:
    """What one side of a line is made of.

    Attributes:
        secrets: What is shared with each peer from the UTC day `day` on, by station.
        prekey: Seed of our first prekey, which is on our card.
        ledger: The station's ledger key.
        passphrase: Of its key files.
        beside: Small files that lie in the line's directory, by name.
    """

    card: LineCard
    roster: Roster
    secrets: Mapping[str, SharedSecrets] = field(repr=False)
    day: int
    prekey: bytes = field(repr=False)
    ledger: Ed25519Signer = field(repr=False)
    passphrase: str | None = field(repr=False)
    beside: Mapping[str, bytes] = field(default_factory=dict)


def seeds_of(name: str, seeds: HybridSeeds) -> dict[str, bytes]:
    """Return a pair of seeds as a key file names them."""
    return {f"{name}/{ED25519}": seeds.ed25519, f"{name}/{MLDSA65}": seeds.mldsa65}


def lay_home(
    home: Home, new: NewHome, catalogue: Catalogue, clock: Clock, entropy: Entropy
) -> None:
    """Make a station's home: keys, TLS identity, journal; station.json last.

    Raises:
        OperatorError: a LIVE key without a passphrase.
        StorageError: the disk refused.
    """
    root = new.keys.root
    lay_tls(home, new.tls)
    _lay_keys(home, new, entropy)
    owner = JournalOwner(
        station=root.station,
        realm=root.realm,
        root=root.digest,
        records=new.keys.records,
        packs={one.name: one.digest.hex() for one in catalogue.packs},
        signer=Ed25519Signer(new.keys.ledger.signer.seeds.ed25519),
        passphrase=new.passphrases.console,
    )
    # Spec: docs/ledger.md §18.6
    open_journal(home.path, owner, clock, entropy).close()
    identity = Identity(
        station=root.station,
        realm=root.realm,
        records=tuple(record.decode() for record in new.keys.records),
        prekey_not_after=format_time(clock() + MAX_VALIDITY_MS),
        route=new.route,
        listening=new.listening,
    )
    write_identity(home, identity)


def lay_tls(home: Home, tls: TlsIdentity) -> None:
    """Make a home's directories, and what its links show.

    Raises:
        StorageError: the disk refused.
    """
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.keys.mkdir(mode=0o700)
        (home.path / "tls").mkdir(mode=0o700)
        (home.path / "tls" / "cert.pem").write_bytes(tls.certificate_pem)
        key = home.path / "tls" / "key.pem"
        key.touch(mode=0o600)
        key.write_bytes(tls.key_pem)
    except OSError as error:
        raise StorageError(f"the home {home.path.name} cannot be made") from error


def _lay_keys(home: Home, new: NewHome, entropy: Entropy) -> None:
    keys, passphrases = new.keys, new.passphrases
    root = keys.root

    def write(path: Path, seeds: Mapping[str, bytes], passphrase: str | None) -> None:
        held = KeyFile(root.station, root.realm, seeds)
        write_key_file(path, held, passphrase, entropy=entropy)

    seeds = seeds_of("root", root.signer.seeds)
    successor = seeds_of("next", root.next_seeds) if root.next_seeds is not None else {}
    if new.successor_apart:
        write(home.keys / SUCCESSOR_KEY, successor, passphrases.successor)
        successor = {}
    write(home.keys / ROOT_KEY, {**seeds, **successor}, passphrases.root)
    console = {
        **seeds_of("console", keys.console.signer.seeds),
        **seeds_of("ledger", keys.ledger.signer.seeds),
        "recovery": keys.recovery.seed,
    }
    write(home.keys / CONSOLE_KEY, console, passphrases.console)
    for person, key_of in keys.officers.items():
        seeds = seeds_of("officer", key_of.signer.seeds)
        write(home.officer(person), seeds, passphrases.officers)


def lay_line(
    directory: Path, new: NewLine, catalogue: Catalogue, now_ms: int, entropy: Entropy
) -> None:
    """Make one side of a line: secrets, ledger, what lies beside it; line.json last.

    Raises:
        OperatorError: a LIVE key without a passphrase.
        StorageError: the disk refused.
    """
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StorageError(f"{directory.name} cannot be made") from error
    card = new.card
    first = StoredPrekey(FIRST_ASEQ, new.prekey, now_ms)
    line_key: dict[str, bytes] = {}
    for peer, shared in new.secrets.items():
        secret = LineSecret(shared.line, new.day)
        line_key |= pair_seeds(peer, PairSecrets(secret, (first,), shared.mailboxes))
    for name, seeds in (
        (LINE_KEY, line_key),
        (CONTENT_KEY, {seed_name(epoch_of(now_ms)): entropy(EPOCH_KEY_BYTES)}),
    ):
        held = KeyFile(card.station, new.roster.realm, seeds)
        write_key_file(directory / name, held, new.passphrase, entropy=entropy)
    _begin_ledger(directory, new, catalogue, now_ms, entropy)
    for name, content in new.beside.items():
        write_durably(directory / name, content)
    write_json(directory / "line.json", card)


def _begin_ledger(
    directory: Path, new: NewLine, catalogue: Catalogue, now_ms: int, entropy: Entropy
) -> None:
    """Write entry 0, the public records and the packs in use, in one transaction."""
    station, roster = new.card.station, new.roster
    ledger = Ledger.create(
        directory,
        origin=build_origin(roster.realm, roster.line, station, FIRST_GENERATION),
        signer=new.ledger,
        sealer=content_sealer(directory, new.passphrase, entropy),
        verifier=verify_ed25519,
        entropy=entropy,
    )
    opened = ev.LedgerOpened(
        realm=roster.realm.value,
        line=roster.line.hex(),
        station=station,
        generation=FIRST_GENERATION,
    )
    records: Sequence[str] = new.card.records
    packs = [ev.PackLoaded(pack=one.name, digest=one.digest.hex()) for one in catalogue.packs]
    drafts = [draft_of(Planned(opened), now_ms)]
    drafts += [record_draft(record.encode(), now_ms) for record in records]
    drafts += [draft_of(Planned(pack), now_ms) for pack in packs]
    try:
        ledger.append(drafts)
    finally:
        ledger.close()
