"""Setting a line up: homes, keys, charter, ledgers.

A drill does at once for all sides what enrolment does at their places, by the
same functions.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.messages.catalogue import Catalogue
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import build_origin
from hotline.core.seams import Clock, Entropy
from hotline.core.times import format_time
from hotline.core.values import Realm
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.charter import MAX_MEMBERS, MIN_MEMBERS, Policy, default_policy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.enrol import (
    StationKeys,
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.epoch import EPOCH_KEY_BYTES, epoch_of
from hotline.sealing.hybrid import HybridSeeds
from hotline.sealing.line_secret import SECRET_BYTES, LineSecret, combine_halves, day_number
from hotline.sealing.roster import Roster
from hotline.sealing.tls_identity import TlsIdentity, make_tls_identity
from hotline.sealing.turns import StoredPrekey
from hotline.station.drafts import draft_of, record_draft
from hotline.station.home import (
    ED25519,
    MLDSA65,
    Home,
    LineCard,
    PeerCard,
    content_sealer,
    handle_of,
    write_json,
)
from hotline.station.journal import JournalOwner, open_journal
from hotline.station.line_keys import FIRST_ASEQ, LINE_KEY, PairSecrets, pair_seeds
from hotline.station.months import CONTENT_KEY, seed_name


@dataclass(frozen=True, slots=True)
class Founder:
    """One side of a new line.

    Attributes:
        passphrase: Of its key files; None only for EXERCISE.
    """

    home: Home
    station: str
    officers: tuple[Subject, ...]
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Side:
    founder: Founder
    keys: StationKeys
    tls: TlsIdentity


def found_line(
    founders: Sequence[Founder],
    *,
    name: str,
    realm: Realm,
    catalogue: Catalogue,
    clock: Clock,
    entropy: Entropy,
    two_person: Sequence[str] = (),
) -> Roster:
    """Make the homes of two or more stations with one line between them.

    Each pair has a line secret of its own. Of each pair the earlier one listens.

    Args:
        two_person: Ids of the templates that two officers must sign on it.
    Raises:
        OperatorError: not 2 to 16 stations, a home exists, or LIVE without passphrases.
        StorageError: the disk refused.
    Spec: docs/protocol.md §7.6
    """
    if not MIN_MEMBERS <= len(founders) <= MAX_MEMBERS:
        raise OperatorError(f"a line is founded by {MIN_MEMBERS} to {MAX_MEMBERS} stations")
    if realm is Realm.LIVE and any(founder.passphrase is None for founder in founders):
        raise OperatorError("a LIVE home needs a passphrase", hint="give one for each station")
    now_ms = clock()
    sides = [_side(founder, realm, now_ms, entropy) for founder in founders]
    records = _records(sides, name, default_policy(two_person), now_ms)
    roster = Roster.read(records)
    secrets = _secrets(sides, roster, entropy)
    for side in sides:
        others = [other for other in sides if other is not side]
        _make_home(side, realm, entropy)
        directory = side.founder.home.lines / handle_of(name, roster.line)
        _make_line(side, secrets, directory, roster, now_ms, entropy)
        _begin_journal(side, realm, catalogue, clock, entropy)
        _begin_ledger(side, directory, roster, records, catalogue, now_ms, entropy)
        card = _card(side, others, roster, records, listens=side is sides[0], now_ms=now_ms)
        write_json(directory / "line.json", card)
    return roster


def _secrets(
    sides: Sequence[_Side], roster: Roster, entropy: Entropy
) -> dict[frozenset[str], bytes]:
    """Return the line secret of each pair, made of halves that no third station gets."""
    pairs = itertools.combinations([side.founder.station for side in sides], 2)
    return {
        frozenset(pair): combine_halves(
            roster.line, {station: entropy(SECRET_BYTES) for station in pair}
        )
        for pair in pairs
    }


def _side(founder: Founder, realm: Realm, now_ms: int, entropy: Entropy) -> _Side:
    if founder.home.path.exists() and any(founder.home.path.iterdir()):
        raise OperatorError(
            f"{founder.home.path.name} exists already", hint="choose an empty directory"
        )
    keys = new_station_keys(
        station=founder.station,
        realm=realm,
        officers=founder.officers,
        at_ms=now_ms,
        entropy=entropy,
    )
    tls = make_tls_identity(station=founder.station, at_ms=now_ms, entropy=entropy)
    return _Side(founder, keys, tls)


def _records(sides: Sequence[_Side], name: str, policy: Policy, now_ms: int) -> list[bytes]:
    members = [(side.founder.station, side.keys.root.digest) for side in sides]
    charter = make_charter(
        sides[0].keys.root, name=name, members=members, policy=policy, at_ms=now_ms
    )
    for side in sides[1:]:
        charter = countersign_charter(charter, side.keys.root)
    return [charter, *(record for side in sides for record in side.keys.records)]


def _seeds(name: str, seeds: HybridSeeds) -> dict[str, bytes]:
    return {f"{name}/{ED25519}": seeds.ed25519, f"{name}/{MLDSA65}": seeds.mldsa65}


def _make_home(side: _Side, realm: Realm, entropy: Entropy) -> None:
    home, keys, passphrase = side.founder.home, side.keys, side.founder.passphrase
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.keys.mkdir(mode=0o700)
        (home.path / "tls").mkdir(mode=0o700)
        (home.path / "tls" / "cert.pem").write_bytes(side.tls.certificate_pem)
        key = home.path / "tls" / "key.pem"
        key.touch(mode=0o600)
        key.write_bytes(side.tls.key_pem)
    except OSError as error:
        raise StorageError(f"the home {home.path.name} cannot be made") from error

    def write(path: Path, seeds: Mapping[str, bytes]) -> None:
        held = KeyFile(side.founder.station, realm, seeds)
        write_key_file(path, held, passphrase, entropy=entropy)

    root = keys.root
    write(
        home.keys / "root.key",
        {**_seeds("root", root.signer.seeds), **_seeds("next", root.next_seeds)},
    )
    write(
        home.keys / "console.key",
        {
            **_seeds("console", keys.console.signer.seeds),
            **_seeds("ledger", keys.ledger.signer.seeds),
            "recovery": keys.recovery.seed,
        },
    )
    for person, key_of in keys.officers.items():
        write(home.officer(person), _seeds("officer", key_of.signer.seeds))


def _make_line(
    side: _Side,
    secrets: Mapping[frozenset[str], bytes],
    directory: Path,
    roster: Roster,
    now_ms: int,
    entropy: Entropy,
) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StorageError(f"{directory.name} cannot be made") from error
    station, day = side.founder.station, day_number(now_ms)
    first = StoredPrekey(FIRST_ASEQ, side.keys.prekey.seed, now_ms)
    line_key: dict[str, bytes] = {}
    for pair, secret in secrets.items():
        for peer in pair - {station} if station in pair else ():
            line_key |= pair_seeds(peer, PairSecrets(LineSecret(secret, day), (first,)))
    for name, seeds in (
        (LINE_KEY, line_key),
        (CONTENT_KEY, {seed_name(epoch_of(now_ms)): entropy(EPOCH_KEY_BYTES)}),
    ):
        held = KeyFile(station, roster.realm, seeds)
        write_key_file(directory / name, held, side.founder.passphrase, entropy=entropy)


def _begin_journal(
    side: _Side, realm: Realm, catalogue: Catalogue, clock: Clock, entropy: Entropy
) -> None:
    """Make the station's journal, with its root and certificates and the packs in use.

    Spec: docs/ledger.md §18.6
    """
    owner = JournalOwner(
        station=side.founder.station,
        realm=realm,
        root=side.keys.root.digest,
        records=side.keys.records,
        packs={one.name: one.digest.hex() for one in catalogue.packs},
        signer=Ed25519Signer(side.keys.ledger.signer.seeds.ed25519),
        passphrase=side.founder.passphrase,
    )
    open_journal(side.founder.home.path, owner, clock, entropy).close()


def _begin_ledger(
    side: _Side,
    directory: Path,
    roster: Roster,
    records: Sequence[bytes],
    catalogue: Catalogue,
    now_ms: int,
    entropy: Entropy,
) -> None:
    """Write entry 0, the public records and the packs in use, in one transaction."""
    station = side.founder.station
    ledger = Ledger.create(
        directory,
        origin=build_origin(roster.realm, roster.line, station, FIRST_GENERATION),
        signer=Ed25519Signer(side.keys.ledger.signer.seeds.ed25519),
        sealer=content_sealer(directory, side.founder.passphrase, entropy),
        verifier=verify_ed25519,
        entropy=entropy,
    )
    opened = ev.LedgerOpened(
        realm=roster.realm.value,
        line=roster.line.hex(),
        station=station,
        generation=FIRST_GENERATION,
    )
    packs = [ev.PackLoaded(pack=one.name, digest=one.digest.hex()) for one in catalogue.packs]
    drafts = [draft_of(Planned(opened), now_ms)]
    drafts += [record_draft(record, now_ms) for record in records]
    drafts += [draft_of(Planned(pack), now_ms) for pack in packs]
    try:
        ledger.append(drafts)
    finally:
        ledger.close()


def _card(
    side: _Side,
    others: Sequence[_Side],
    roster: Roster,
    records: Sequence[bytes],
    *,
    listens: bool,
    now_ms: int,
) -> LineCard:
    peers = [
        PeerCard(
            station=other.founder.station,
            prekey=to_base64(other.keys.prekey.public.encoded),
            recovery=to_base64(other.keys.recovery.public.encoded),
            tls_certificate=other.tls.certificate_pem.decode(),
            home=f"../{other.founder.home.path.name}",
        )
        for other in others
    ]
    return LineCard(
        station=side.founder.station,
        line=roster.line.hex(),
        listens=listens,
        prekey_not_after=format_time(now_ms + MAX_VALIDITY_MS),
        records=tuple(record.decode() for record in records),
        peers=tuple(peers),
    )
