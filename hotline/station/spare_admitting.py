"""At the peer: a spare console of the other station is made known, and may be tested.

Spec: docs/enrolment.md §11.2
"""

from __future__ import annotations

import ssl
from pathlib import Path

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.trust import admit_record
from hotline.core.records import events as ev
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.sealing.card import Card
from hotline.sealing.enrolment import write_enrolment
from hotline.sealing.line_secret import SECRET_BYTES
from hotline.sealing.roster import Roster
from hotline.station.cards import read_file
from hotline.station.home import PeerCard, read_card, write_json
from hotline.station.identity import own_card
from hotline.station.laying import CONSOLE_KEY
from hotline.station.line_keys import PREKEY, pair_seeds, spare_name, spend_prekey
from hotline.station.newer_cards import new_records_of
from hotline.station.officers import unlock_root
from hotline.station.revoking import take_into_card
from hotline.station.shelf import write_durably
from hotline.station.side import open_console, their_half
from hotline.station.spare_files import (
    JOIN,
    OPEN,
    check_spare_file,
    check_spare_line,
    number_of_spare,
    spare_secrets,
)
from hotline.station.upkeep import Bench, at_work


def admit_spare(bench: Bench, encoded: bytes, root_file: Path) -> bytes:
    """Make a peer's spare console known here; return the answer that goes back.

    It may be tested, and take over, and nothing else of it is taken. One that was made known
    before and has not taken over is forgotten. Run again with one file, it answers the same.

    Raises:
        OperatorError: the file does not fit this line, or a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §11.2
    """
    found = check_spare_file(bench, encoded, OPEN)
    directory = bench.home.only_line()
    roster = Roster.read([record.encode() for record in read_card(directory).records])
    check_spare_line(found, roster)
    number, name = number_of_spare(found.card), found.card.name
    beside = spare_name(name, number)
    kept = directory / f"{beside}.enrol"
    if any((one.station, one.endpoint) == (name, number) for one in read_card(directory).spares):
        return read_file(kept, kept.name)
    if number <= roster.standing.endpoint_of(name):
        raise OperatorError(f"console {number} of {name} was left behind on this line")
    root = unlock_root(bench, root_file)
    keys = open_console(bench)
    console, phrase = keys.held, keys.passphrase
    halves = {root.station: bench.entropy(SECRET_BYTES), name: their_half(found, keys)}
    answer = write_enrolment(
        JOIN,
        charter=found.charter_record,
        halves=[(found.card, halves[root.station])],
        root=root,
        own_card=own_card(bench.home, console, bench.clock),
        made_ms=bench.clock(),
    )
    secrets = spare_secrets(found, halves, console.seeds[PREKEY], bench.clock())
    with at_work(bench) as work:
        held = KeyFile(root.station, root.realm, pair_seeds(name, secrets))
        write_key_file(
            directory / f"{beside}.key", held, phrase, entropy=bench.entropy, replace=True
        )
        write_durably(kept, answer)
        for one in new_records_of(work.opened.line, found.card):
            work.record(*admit_record(one).events)
            take_into_card(work, one.record)
        pin = found.card.tls_pin.hex()
        work.record(Planned(ev.SpareAdmitted(station=name, endpoint=number, pin=pin)))
        _put_aside(directory, name, _described(found.card, number), roster)
    spend_prekey(bench.home.keys / CONSOLE_KEY, phrase, bench.entropy)
    return answer


def _put_aside(directory: Path, name: str, spare: PeerCard, roster: Roster) -> None:
    """Describe the spare in line.json; of one station one that has not taken over is enough."""
    card = read_card(directory)
    in_office = roster.standing.endpoint_of(name)
    others = tuple(one for one in card.spares if one.station != name or one.endpoint <= in_office)
    write_json(directory / "line.json", card.model_copy(update={"spares": (*others, spare)}))
    for one in set(card.spares) - set(others):
        for ending in ("key", "json", "enrol"):
            (directory / f"{spare_name(one.station, one.endpoint)}.{ending}").unlink(
                missing_ok=True
            )


def _described(card: Card, number: int) -> PeerCard:
    described = PeerCard(
        station=card.name,
        prekey=to_base64(card.prekey.encoded),
        recovery=to_base64(card.recovery.encoded),
        tls_certificate=ssl.DER_cert_to_PEM_cert(card.body.tls),
        endpoint=number,
    )
    if card.body.route is None:
        return described
    reached = {"host": card.body.route.host, "port": card.body.route.port}
    return described.model_copy(update=reached)
