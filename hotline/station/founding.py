"""Founding a line at once: homes, keys, charter, ledgers.

A drill does at once for all sides what enrolment does at their places, by the
same functions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.seams import Clock, Entropy
from hotline.core.times import format_time
from hotline.core.values import Realm
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.charter import MAX_MEMBERS, MIN_MEMBERS, Policy, default_policy
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import (
    StationKeys,
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.line_secret import SECRET_BYTES, day_number
from hotline.sealing.mailboxes import SharedSecrets, share
from hotline.sealing.roster import Roster
from hotline.sealing.tls_identity import TlsIdentity, make_tls_identity
from hotline.station.home import Home, LineCard, PeerCard, handle_of
from hotline.station.laying import NewHome, NewLine, Passphrases, lay_home, lay_line


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
        founder, others = side.founder, [other for other in sides if other is not side]
        phrases = Passphrases(*[founder.passphrase] * 4)
        new = NewHome(side.keys, side.tls, phrases, successor_apart=False)
        lay_home(founder.home, new, catalogue, clock, entropy)
        stations = [other.founder.station for other in others]
        line = NewLine(
            card=_card(side, others, roster, records, listens=side is sides[0], now_ms=now_ms),
            roster=roster,
            secrets={one: secrets[frozenset((one, founder.station))] for one in stations},
            day=day_number(now_ms),
            prekey=side.keys.prekey.seed,
            ledger=Ed25519Signer(side.keys.ledger.signer.seeds.ed25519),
            passphrase=founder.passphrase,
        )
        directory = founder.home.lines / handle_of(name, roster.line)
        lay_line(directory, line, catalogue, now_ms, entropy)
    return roster


def _secrets(
    sides: Sequence[_Side], roster: Roster, entropy: Entropy
) -> dict[frozenset[str], SharedSecrets]:
    """Return the secrets of each pair, made of halves that no third station gets."""
    pairs = itertools.combinations([side.founder.station for side in sides], 2)
    return {
        frozenset(pair): share(roster.line, {station: entropy(SECRET_BYTES) for station in pair})
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
