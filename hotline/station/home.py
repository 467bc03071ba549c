"""A station's home on disk: where each thing lies, and how it is opened.

DIR/station.json, DIR/cards/<STATION>.card     what this station says of itself, and others
DIR/keys/{root,console,officer-<person>}.key   seeds, sealed (docs/protocol.md §4.13)
DIR/tls/{cert,key}.pem                         what the link shows; content never rests on it
DIR/lines/<handle>/ledger.db, head.db          the record of one line
DIR/lines/<handle>/line.key, content.key       keys of the pairs; keys of the contents
DIR/lines/<handle>/announced.json              the peers' prekeys that are newer than their cards
DIR/lines/<handle>/line.json                   the peers' cards: prekey, TLS certificate, route
DIR/lines/<handle>/listening.json              where we listen now, for stations on this machine
                                               (listening-<PEER>.json for each of several)
DIR/lines/<handle>/successor.json              the line that took over from this one
DIR/lines/<handle>/situation.cache             what is so, to open faster; may be deleted
DIR/opening/, DIR/joining/                     a line opened, or joined, and not complete yet
DIR/journal/                                   the station's own ledger (hotline.station.journal)
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.core.errors import (
    HotlineError,
    IntegrityError,
    OperatorError,
    PeerError,
    StorageError,
)
from hotline.core.messages.statement import StationName, first_fault
from hotline.core.seams import Clock, Entropy
from hotline.core.values import Digest
from hotline.host.keyfile import read_key_file
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import FIRST_ENDPOINT, Certificate, Usage
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.epoch import EpochSealer
from hotline.sealing.hybrid import HybridSeeds, HybridSigner
from hotline.sealing.mldsa import MldsaSigner
from hotline.sealing.prekey import Prekey
from hotline.sealing.roster import Roster
from hotline.station.console_keys import (
    check_in_office,
    own_take_over,
    signing_console,
    to_introduce,
)
from hotline.station.epoch_keys import finish_erasures
from hotline.station.ledger_keys import adopt_key, new_records, signing_name, staged_key
from hotline.station.line import Line
from hotline.station.line_keys import holds_card_prekey, spend_prekey
from hotline.station.lineup import read_lineup
from hotline.station.months import CONTENT_KEY, MonthlyKeys, make_sealer, open_months
from hotline.station.past import RENEW_HINT, Past, check_not_between, newest_generation
from hotline.station.peer_keys import open_peer_keys
from hotline.station.shelf import Shelf, read_peer_view, write_durably

ED25519, MLDSA65 = "ed25519", "mldsa65"


class PeerCard(BaseModel):
    """What we know of a peer besides the public records.

    Attributes:
        prekey, recovery, tls_certificate: Base64, base64 and PEM.
        host, port: Where the peer listens, if it does, `rank` ports after that of its route.
        listen_port: Where we listen for this peer, if we do; 0: at the line's own port.
        home: The peer's home on this machine, relative to ours, when a drill made
            both: its listening.json says where it listens now; else "".
        tls_name: Its name under an authority that vouches for it; "": its key is pinned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: StationName
    prekey: str
    recovery: str
    tls_certificate: str
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    rank: Annotated[int, Field(ge=0, le=15)] = 0
    endpoint: int = FIRST_ENDPOINT
    listen_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    home: str = ""
    tls_name: Annotated[str, Field(max_length=253)] = ""


class LineCard(BaseModel):
    """What lines/<handle>/line.json holds.

    Attributes:
        listens: Whether the only peer dials us.
        follows: Id of the line of this home that this one follows, "" for none.
        endpoint: Which console of the station this is; `leaves`: a spare's, the generation
            of the ledger that it leaves behind when it takes over.
        spares: Other consoles of the peers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: StationName
    line: str
    listens: bool
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    prekey_not_after: str
    records: tuple[str, ...]
    peers: tuple[PeerCard, ...]
    follows: str = ""
    endpoint: int = FIRST_ENDPOINT
    leaves: int = 0
    spares: tuple[PeerCard, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one station's home. `chosen`: handle of a line other than the one worked, or ""."""

    path: Path
    chosen: str = ""

    @property
    def keys(self) -> Path:
        """Directory of the key files."""
        return self.path / "keys"

    @property
    def lines(self) -> Path:
        """Directory of the lines."""
        return self.path / "lines"

    def officer(self, person: str) -> Path:
        """Path of an officer's key file."""
        return self.keys / f"officer-{person}.key"

    def officer_here(self, person: str) -> Path:
        """Return the path of the key file of an officer who has one in this home.

        Raises:
            OperatorError: nobody of that person id has; says who have.
        """
        here = officers_of(self)
        if person not in here:
            raise OperatorError(
                f"no key of an officer {person!r} lies in {self.path.name}",
                hint=f"officers here: {', '.join(here) or 'none'}",
            )
        return self.officer(person)

    def only_line(self) -> Path:
        """Return the directory of the line that is worked, of several the last; or the chosen one.

        Raises:
            OperatorError: there is none, or more than one that nobody has followed.
        Spec: docs/enrolment.md §9.5
        """
        return read_lineup(self.lines).worked(self.path.name, self.chosen).directory


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line ready to be worked: keys, ledger, card, and what lies beside the ledger."""

    directory: Path
    card: LineCard
    line: Line
    ledger: Ledger
    shelf: Shelf
    months: MonthlyKeys


def handle_of(name: str, line: Digest) -> str:
    """Return the directory name of a line: its charter's name and 8 digits of its id."""
    safe = "".join(char if char.isalnum() else "-" for char in name.lower())
    return f"{safe}-{line.hex()[:8]}"


def read_card(directory: Path) -> LineCard:
    """Read lines/<handle>/line.json.

    Raises:
        OperatorError: it is missing or not such a card.
    """
    path = directory / "line.json"
    try:
        return LineCard.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise OperatorError(f"{directory.name} holds no line.json") from error
    except ValidationError as error:
        raise OperatorError(f"line.json: {first_fault(error)}") from error
    except OSError as error:
        raise StorageError("line.json cannot be read") from error


def content_sealer(directory: Path, passphrase: str | None, entropy: Entropy) -> EpochSealer:
    """Open the content keys of a line.

    Raises:
        OperatorError: no such key file, or it does not open.
    """
    return make_sealer(read_key_file(directory / CONTENT_KEY, passphrase), entropy)


def read_line(
    home: Home, passphrase: str | None, clock: Clock, entropy: Entropy
) -> tuple[Path, LineCard, Line]:
    """Open keys and roster of a home's line, but not its ledger.

    Returns:
        The line's directory, its card, and the line in its newest generation.
    Raises:
        OperatorError: a file is missing, or the passphrase is wrong.
        IntegrityError: the records do not verify.
        StorageError: the disk.
    """
    directory = home.only_line()
    card = read_card(directory)
    roster = Roster.read([record.encode() for record in card.records])
    if roster.line.hex() != card.line:
        raise IntegrityError("line.json names another line than its charter")
    console = read_key_file(home.keys / "console.key", passphrase)
    described = (*card.peers, *card.spares)
    found = open_peer_keys(directory, described, card.prekey_not_after, passphrase, entropy)
    in_office = roster.standing.endpoint_of
    signing = signing_name(console.seeds, roster.ledger_keys(card.station))
    ledger_signer = Ed25519Signer(console.seeds[f"{signing}/{ED25519}"])
    if ledger_signer.public_key not in roster.ledger_keys(card.station):
        card, roster = _brought_up(directory, card, roster)
    packets, certificate = signing_console(console.seeds, roster, card.station, clock())
    line = Line(
        station=card.station,
        roster=roster,
        console=packets,
        ledger=ledger_signer,
        lasting=MldsaSigner(console.seeds[f"{signing}/{MLDSA65}"]),
        ledger_certificate=_certificate_of(roster, card.station, ledger_signer.public_key),
        recovery=Prekey(console.seeds["recovery"]),
        peers={name: found[name, in_office(name)] for name in {one for one, _ in found}},
        aside={who: one for who, one in found.items() if who[1] != in_office(who[0])},
        endpoint=card.endpoint,
        clock=clock,
        entropy=entropy,
        generation=max(newest_generation(directory), card.leaves),
        staged=staged_key(console.seeds),
        console_record=to_introduce(certificate, roster, card.records),
        take_over_record=own_take_over(roster, card.station, card.records),
        prekey_unspent=holds_card_prekey(console, [one.held for one in found.values()]),
    )
    return directory, card, line


def _brought_up(directory: Path, card: LineCard, roster: Roster) -> tuple[LineCard, Roster]:
    """Return card and roster with the certificates that only the ledger holds.

    So it is when line.json is older than console.key. A ledger that does not read adds none.
    Spec: docs/ledger.md §20.10
    """
    with (
        contextlib.suppress(HotlineError),
        contextlib.closing(Ledger.open_read_only(directory / LEDGER_NAME)) as reader,
    ):
        roster, records = new_records(card.records, roster, reader.public_records())
        card = card.model_copy(update={"records": records})
    return card, roster


def open_line(home: Home, passphrase: str | None, clock: Clock, entropy: Entropy) -> OpenLine:
    """Open a home's line for work: keys, roster, ledger.

    Raises:
        OperatorError: a file is missing, or the passphrase is wrong.
        IntegrityError: records or ledger do not verify, or the ledger was put back.
        StorageError: the disk, or another process works this line.
    """
    directory, card, line = read_line(home, passphrase, clock, entropy)
    roster = line.roster
    check_not_between(directory)
    check_in_office(roster, card.station, card.endpoint)
    view = read_peer_view(directory, line.origin, roster.ledger_keys(line.station))
    months = open_months(directory, passphrase, entropy)
    sealer = months.sealer
    try:
        ledger = Ledger.open(
            directory,
            origin=line.origin,
            signer=line.ledger,
            sealer=months,
            verifier=verify_ed25519,
            entropy=entropy,
            peer_view=view,
            trusted_keys=(
                *roster.ledger_keys(line.station),
                *([line.staged] if line.staged else []),
            ),
        )
    except IntegrityError as error:
        raise IntegrityError(str(error), hint=RENEW_HINT) from error
    with contextlib.ExitStack() as unless_kept:
        unless_kept.callback(ledger.close)
        past = Past.open(directory, sealer)
        unless_kept.callback(past.close)
        key_file = directory / CONTENT_KEY
        late = finish_erasures(key_file, ledger, past.readers, line, sealer.epochs, passphrase)
        shelf = Shelf(directory, line.station, past, view)
        opened = OpenLine(directory, card, line, ledger, shelf, months)
        late |= _finish_admissions(home, opened, passphrase)
        if line.prekey_unspent:
            # Spec: docs/enrolment.md §4.6
            spend_prekey(home.keys / "console.key", passphrase, entropy)
        if not late:
            unless_kept.pop_all()
            return opened
    # It was opened with a key that must not be used again, or lacked one.
    return open_line(home, passphrase, clock, entropy)


def _finish_admissions(home: Home, opened: OpenLine, passphrase: str | None) -> bool:
    """Take into line.json and console.key what the ledger already binds; return if any was new.

    Spec: docs/ledger.md §20.10
    """
    card, line = opened.card, opened.line
    try:
        roster, records = new_records(card.records, line.roster, opened.ledger.public_records())
    except PeerError as error:
        raise IntegrityError(f"a certificate in the ledger does not verify: {error}") from error
    if records != read_card(opened.directory).records:
        write_json(opened.directory / "line.json", card.model_copy(update={"records": records}))
    # An earlier line has it before the one that is worked: that one brings it into office.
    handed_over = not home.chosen and line.staged in roster.ledger_keys(line.station)
    if handed_over:
        adopt_key(home.keys / "console.key", passphrase, line.entropy)
    return handed_over or records != card.records


def open_officer(
    home: Home, roster: Roster, person: str, passphrase: str | None
) -> tuple[Certificate, HybridSigner]:
    """Unlock an officer's key and find its certificate.

    Raises:
        OperatorError: no such key file, a wrong passphrase, or no certificate.
    """
    opened = read_key_file(home.officer_here(person), passphrase)
    signer = HybridSigner(hybrid_seeds(opened.seeds, "officer"))
    # Of a renewed certificate the newest counts.
    for certificate in reversed(roster.certified(opened.station, Usage.STATEMENT)):
        if certificate.key == signer.public_key:
            return certificate, signer
    raise OperatorError(f"no certificate of this line is for the key of {person}")


def check_trusted(roster: Roster, certificate: Certificate, now_ms: int) -> None:
    """Refuse an officer whose certificate is revoked or suspended: nothing signed would count.

    Raises:
        OperatorError: it is; says why.
    Spec: docs/protocol.md §4.23
    """
    found = roster.standing.withdrawal(certificate)
    if found is not None and found.covers(now_ms):
        raise OperatorError(
            f"the certificate of {certificate.person} is {found.how}: {found.reason}",
            hint="another officer must sign; the root can certify a new key",
        )


def officers_of(home: Home) -> tuple[str, ...]:
    """Return the person ids whose key files lie in the home."""
    files = sorted(home.keys.glob("officer-*.key"))
    return tuple(path.stem.removeprefix("officer-") for path in files)


def hybrid_seeds(seeds: Mapping[str, bytes], name: str) -> HybridSeeds:
    """Return the pair of seeds that a key file keeps under `name`."""
    return HybridSeeds(seeds[f"{name}/{ED25519}"], seeds[f"{name}/{MLDSA65}"])


def _certificate_of(roster: Roster, station: str, public_key: bytes) -> Digest:
    for certificate in roster.certified(station, Usage.LEDGER):
        if certificate.key.ed25519 == public_key:
            return certificate.id
    raise IntegrityError("no certificate of this line is for the station's ledger key")


def write_json(path: Path, value: BaseModel | dict[str, object]) -> None:
    """Write a small JSON file whole, on the disk, or not at all.

    Raises:
        StorageError: the disk refused.
    """
    text = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value)
    write_durably(path, text.encode())
