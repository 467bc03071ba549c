"""A spare console in its life: kept up to date in the safe, taking over, and what stays behind.

Spec: docs/enrolment.md §11.5 to §11.7
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.fold import apply
from hotline.core.messages.catalogue import Catalogue, PackRef
from hotline.host.keyfile import read_key_file
from hotline.ledger.store import Ledger
from hotline.sealing.authorisation import Act
from hotline.sealing.certificate import FIRST_ENDPOINT, Certificate, Usage, spare_role
from hotline.sealing.enrol import Subject
from hotline.sealing.hybrid import HybridSigner
from hotline.sealing.roster import Roster
from hotline.sealing.standing import CERTIFICATE, ENDPOINT
from hotline.station.happenings import happenings
from hotline.station.home import Home, content_sealer, read_card, read_line, write_json
from hotline.station.identity import read_identity, write_identity
from hotline.station.laying import CONSOLE_KEY
from hotline.station.officers import MAX_DAYS, admit_issued, issue, level_records, unlock_root
from hotline.station.past import Past, newest_generation
from hotline.station.renewing import Renewed, renew_ledger
from hotline.station.spare_homes import carry_along
from hotline.station.staged_keys import key_pair
from hotline.station.upkeep import Bench

ROOM = 8
"""A spare begins so many generations later: the ledger that it follows may have had new ones."""


def number_of(home: Home) -> int:
    """Return which console of its station a home with a line is: 1, or a spare's number."""
    return read_card(home.only_line()).endpoint


# --- in the safe -----------------------------------------------------------------------------


def renew_spare(
    bench: Bench, spare: Home, root_file: Path, catalogue: Catalogue, days: int = MAX_DAYS
) -> Certificate:
    """Certify a spare's console for longer, and bring its home up to date with the first one's.

    Raises:
        OperatorError: it is no spare of this station, or a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §11.5
    """
    number, theirs = number_of(spare), read_card(spare.only_line())
    ours = read_card(bench.home.only_line())
    if number == FIRST_ENDPOINT or (ours.station, ours.line) != (theirs.station, theirs.line):
        raise OperatorError(f"{spare.path.name} is no spare console of this station")
    level_records(bench, catalogue)
    root = unlock_root(bench, root_file)
    console = spare.keys / CONSOLE_KEY
    seeds = read_key_file(console, bench.passphrase(console)).seeds
    subject = Subject(f"console-{number}", f"{root.station} console", role=spare_role(number))
    signer = HybridSigner(key_pair(seeds, "console"))
    issued = issue(bench, root, signer, subject, Usage.TRANSPORT, days=days)
    certificate = admit_issued(bench, issued, catalogue)
    _bring_up(bench.home, spare)
    return certificate


def _bring_up(home: Home, spare: Home) -> None:
    """Give a spare what the first console knows by now: records, generation, the peer's reach."""
    first, directory = read_card(home.only_line()), spare.only_line()
    card = read_card(directory)
    kept = {"host", "port", "tls_certificate"}
    reach = {peer.station: peer.model_dump(include=kept) for peer in first.peers}
    changed = {
        "records": tuple(dict.fromkeys((*card.records, *first.records))),
        "leaves": newest_generation(home.only_line()),
        "peers": tuple(one.model_copy(update=reach[one.station]) for one in card.peers),
    }
    write_json(directory / "line.json", card.model_copy(update=changed))
    records = {"records": read_identity(home).records}
    write_identity(spare, read_identity(spare).model_copy(update=records))
    carry_along(home, spare)


# --- taking over -------------------------------------------------------------------------------


def take_over(
    bench: Bench, persons: Sequence[str], reason: str, packs: Sequence[PackRef]
) -> Renewed:
    """Put a spare console in office on two officers' authority, with a ledger of its own.

    The first console need not know, and must be told to stop by whoever can: the peer takes
    nothing of it from the moment it hears of this. Cut short, the same call goes on.

    Raises:
        OperatorError: this is no spare, or it has taken over; not two persons; a wrong passphrase.
        StorageError: the disk.
    Spec: docs/enrolment.md §11.6, docs/protocol.md §4.36
    """
    passphrase = bench.passphrase(bench.home.keys / CONSOLE_KEY)
    directory, card, line = read_line(bench.home, passphrase, bench.clock, bench.entropy)
    if card.endpoint == FIRST_ENDPOINT:
        raise OperatorError("this is the first console of its station, and no spare")
    in_office = line.roster.standing.endpoint_of(line.station)
    if in_office > card.endpoint:
        raise OperatorError(
            f"spare console {in_office} of {line.station} took over before this one"
        )
    if in_office == card.endpoint and has_ledger(bench.home):
        raise OperatorError("this console is in office already", hint="start it: hotline console")
    if in_office < card.endpoint:
        console = _own_console(line.roster, line.station, line.console.public_key)
        details: dict[str, str | int] = {ENDPOINT: card.endpoint}
        details[CERTIFICATE] = console.id.hex()
        record, _ = bench.authorise(line, Act.TAKE_OVER, details, reason, persons)
        records = (*card.records, record.decode())
        write_json(directory / "line.json", card.model_copy(update={"records": records}))
    return renew_ledger(bench, persons, reason, packs, room=ROOM)


def _own_console(roster: Roster, station: str, key: bytes) -> Certificate:
    for one in reversed(roster.certified(station, Usage.TRANSPORT)):
        if one.key.ed25519 == key:
            return one
    raise OperatorError("no certificate of this line is for this console")


# --- what stays behind -------------------------------------------------------------------------


def undelivered(home: Home, passphrase: str | None, bench: Bench) -> list[StatementState]:
    """Return the statements of this home that no peer has receipted, the oldest first.

    Raises:
        OperatorError: a wrong passphrase.
        IntegrityError: the ledger does not read.
    Spec: docs/enrolment.md §11.7
    """
    directory = home.only_line()
    sealer = content_sealer(directory, passphrase, bench.entropy)
    past = Past.open(directory, sealer)
    with (
        contextlib.closing(past),
        contextlib.closing(Ledger.open_read_only(directory, sealer=sealer)) as reader,
    ):
        situation = past.situation()
        for happening in happenings(reader.entries(0, reader.size), reader.enclosure):
            apply(situation, happening)
    return [situation.statements[digest] for digest in situation.outbox]


def has_ledger(home: Home) -> bool:
    """Return whether a home's line has a ledger: a spare's has none before it takes over."""
    return (home.only_line() / "ledger.db").is_file()


def in_office_of(home: Home) -> int:
    """Return which console of a home's station speaks on its line, as far as this home knows."""
    card = read_card(home.only_line())
    roster = Roster.read([record.encode() for record in card.records])
    return roster.standing.endpoint_of(card.station)
