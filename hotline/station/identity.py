"""HOME/station.json: what a station says of itself, before and beside every line.

It holds nothing secret: the root record, the certificates, and how the station is reached.
"""

from __future__ import annotations

import ssl
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.core.errors import IntegrityError, OperatorError, PeerError, StorageError
from hotline.core.messages.statement import StationName, first_fault
from hotline.core.seams import Clock, Entropy
from hotline.core.values import Realm
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger.public import record_digest
from hotline.sealing.card import Host, Reach, Route, write_card
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.enrol import CertifiedKey
from hotline.sealing.hybrid import HybridSigner
from hotline.sealing.prekey import Prekey, draw_prekey
from hotline.sealing.roster import Roster, StationRecords, read_station
from hotline.station.home import Home, LineCard, hybrid_seeds, read_card, write_json
from hotline.station.line_keys import PREKEY
from hotline.station.lineup import read_lineup

STATION_FILE = "station.json"


class Listening(BaseModel):
    """Where a station listens on its own machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host
    port: Annotated[int, Field(ge=0, le=65_535)]


class Identity(BaseModel):
    """What HOME/station.json holds.

    Attributes:
        records: The root record and every certificate, oldest first.
        route: Where others dial us; None: we only dial.
        listening: Where we listen for that; None: at the route itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: StationName
    realm: Realm
    records: tuple[str, ...]
    prekey_not_after: str
    route: Route | None = None
    listening: Listening | None = None

    @property
    def envelopes(self) -> list[bytes]:
        """The records as bytes."""
        return [record.encode() for record in self.records]

    def verified(self) -> StationRecords:
        """Return root and certificates, verified.

        Raises:
            IntegrityError: one of them does not verify, or they are of another station.
        """
        try:
            found = read_station(self.envelopes)
        except PeerError as error:
            raise IntegrityError(f"{STATION_FILE}: {error}") from error
        if (found.root.station, found.root.realm) != (self.station, self.realm):
            raise IntegrityError(f"{STATION_FILE} names another station than its root")
        return found

    def officers(self) -> dict[str, Certificate]:
        """Return the newest certificate of each officer, by person id.

        Raises:
            IntegrityError: as `verified`.
        """
        return {one.person: one for one in self.verified().certified(Usage.STATEMENT)}


def read_identity(home: Home) -> Identity:
    """Read HOME/station.json.

    Raises:
        OperatorError: there is none, or it is no such file.
        StorageError: the disk.
    """
    try:
        return Identity.model_validate_json((home.path / STATION_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OperatorError(
            f"{home.path.name} holds no station",
            hint="give a station's home, or make one with hotline init",
        ) from error
    except ValidationError as error:
        raise OperatorError(f"{STATION_FILE}: {first_fault(error)}") from error
    except OSError as error:
        raise StorageError(f"{STATION_FILE} cannot be read") from error


def write_identity(home: Home, identity: Identity) -> None:
    """Write HOME/station.json whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    write_json(home.path / STATION_FILE, identity)


def with_record(home: Home, record: bytes) -> Identity:
    """Add a root or certificate to HOME/station.json, once; return what it holds then.

    Raises:
        StorageError: the disk refused.
    """
    identity = read_identity(home)
    if record.decode() not in identity.records:
        records = (*identity.records, record.decode())
        identity = identity.model_copy(update={"records": records})
        write_identity(home, identity)
    return identity


def take_from_line(home: Home, card: LineCard, roster: Roster) -> None:
    """Add what line.json has of this station's roots and certificates to HOME/station.json.

    Args:
        roster: Of the line, from the records in `card` or more.
    Raises:
        OperatorError: the home has no such file.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §3.3
    """
    ours = {one.id for one in roster.certificates.values() if one.station == card.station}
    ours |= {one.digest for one in roster.lineages[card.station].roots}
    for record in card.records:
        if record_digest(record.encode()) in ours:
            with_record(home, record.encode())


def ready_console(home: Home, passphrase: str | None, entropy: Entropy) -> KeyFile:
    """Open console.key; draw the prekey that stands on the card if there is none in it.

    Raises:
        OperatorError: no such key file, or a wrong passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §4.6
    """
    path = home.keys / "console.key"
    held = read_key_file(path, passphrase)
    if PREKEY in held.seeds:
        return held
    seeds = {**held.seeds, PREKEY: draw_prekey(entropy).seed}
    drawn = KeyFile(held.station, held.realm, seeds)
    write_key_file(path, drawn, passphrase, entropy=entropy, replace=True)
    return drawn


def own_card(home: Home, console: KeyFile, clock: Clock) -> bytes:
    """Write this station's card as of now, with all that the line that is worked has of its keys.

    Args:
        console: What `ready_console` opened; it signs.
    Raises:
        OperatorError: the console's certificate is missing or has ended.
        StorageError: the disk.
    Spec: docs/protocol.md §12.1, docs/enrolment.md §3.3
    """
    current = read_lineup(home.lines).current
    if current is not None:
        # A ledger key that was changed there: a line that follows must know it.
        line = read_card(current.directory)
        take_from_line(home, line, Roster.read([record.encode() for record in line.records]))
    identity = read_identity(home)
    now_ms = clock()
    try:
        der = ssl.PEM_cert_to_DER_cert((home.path / "tls" / "cert.pem").read_text("ascii"))
    except (OSError, ValueError) as error:
        raise OperatorError("tls/cert.pem of this home does not read") from error
    reach = Reach(
        prekey=Prekey(console.seeds[PREKEY]).public,
        prekey_not_after=identity.prekey_not_after,
        recovery=Prekey(console.seeds["recovery"]).public,
        tls=der,
        route=identity.route,
    )
    key = _console_key(identity.verified(), console, now_ms)
    return write_card(identity.envelopes, key, reach, made_ms=now_ms)


def _console_key(station: StationRecords, console: KeyFile, now_ms: int) -> CertifiedKey:
    signer = HybridSigner(hybrid_seeds(console.seeds, "console"))
    for certificate in reversed(station.certified(Usage.TRANSPORT)):
        if certificate.key == signer.public_key and certificate.covers(now_ms):
            return CertifiedKey(signer, b"", certificate.id)
    raise OperatorError(
        "no certificate of the console covers this time",
        hint="set the clock right, or have the root renew it",
    )
