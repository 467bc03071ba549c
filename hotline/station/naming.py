"""Naming and dropping outside witnesses: `hotline ledger witness`, on two officers' authority.

The record comes first, then witnesses.json: cut short between the two, the same
command again writes the file alone.
Spec: docs/ledger.md §16.9
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.entry import Draft
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.sealing.authorisation import Act
from hotline.sealing.naming import VKEY, Naming, check_witness_key
from hotline.sealing.roster import Roster
from hotline.station.drafts import draft_of
from hotline.station.home import Home, read_card, write_json
from hotline.station.outsiders import (
    MAX_WITNESSES,
    WITNESSES,
    WitnessPlace,
    WitnessPlaces,
    named_here,
    outsider_of,
    read_places,
)
from hotline.station.upkeep import Work
from hotline.transport.posting import trust_context


@dataclass(frozen=True, slots=True)
class Named:
    """What was done. `index`: the entry that records it, None if the record said it already."""

    name: str
    index: int | None


def name_witness(work: Work, place: WitnessPlace, reason: str, persons: Sequence[str]) -> Named:
    """Name an outside witness, or give one that is named another address.

    Args:
        persons: Two officers or more; nobody has to sign for another address.
    Raises:
        OperatorError: no witness's key or address; another key stands under that name; too
            many witnesses; not two persons; a wrong passphrase.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/ledger.md §16.9
    """
    try:
        key = check_witness_key(place.vkey)
    except PeerError as error:
        raise OperatorError(str(error), hint="copy the key as the witness publishes it") from error
    trust_context(outsider_of(place, key).trust)
    standing = _standing(work)
    index = None
    if place.vkey not in standing:
        _check_room(standing, key.name)
        index = _record(work, Act.WITNESS, place.vkey, reason, persons)
    others = [one for one in _places(work) if one.vkey != place.vkey]
    _write(work, [*others, place])
    return Named(key.name, index)


def drop_witness(work: Work, name: str, reason: str, persons: Sequence[str]) -> Named:
    """Stop asking a witness; what it countersigned stays.

    Args:
        name: Its key name, or its whole key.
    Raises:
        OperatorError: no such witness; not two persons; a wrong passphrase.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/ledger.md §16.9
    """
    places, standing = _places(work), _standing(work)
    known = [*standing, *(one.vkey for one in places)]
    vkey = next((one for one in known if name in (one, one.partition("+")[0])), None)
    if vkey is None:
        names = ", ".join(sorted({one.partition("+")[0] for one in known})) or "none"
        raise OperatorError("no such witness is named here", hint=f"those that are: {names}")
    index = _record(work, Act.DROP_WITNESS, vkey, reason, persons) if vkey in standing else None
    _write(work, [one for one in places if one.vkey != vkey])
    return Named(vkey.partition("+")[0], index)


def list_witnesses(home: Home) -> list[str]:
    """Return a line for each witness that is named or has an address; reads only.

    Raises:
        OperatorError: not one line, or witnesses.json is malformed.
        IntegrityError: the ledger or its records do not verify as far as they are read.
        StorageError: the disk.
    """
    directory = home.only_line()
    card = read_card(directory)
    roster = Roster.read([record.encode() for record in card.records])
    places = {one.vkey: one for one in read_places(directory).witnesses}
    with contextlib.closing(Ledger.open_read_only(directory / LEDGER_NAME)) as reader:
        standing = named_here(roster, card.station, reader.public_records())
        lines = [
            f"{vkey}  {places[vkey].url if vkey in places else 'no address: give it with --add'}"
            f"  countersigned {reader.cosigned_size(naming.key.name)} of {reader.size} entries"
            for vkey, naming in standing.items()
        ]
    lines += [f"{vkey}  not named by the record" for vkey in places if vkey not in standing]
    return lines or ["No outside witness is asked."]


def naming_draft(naming: Naming, now_ms: int) -> Draft:
    """Return the draft of the entry that names a witness, or drops it, by its record."""
    kind = ev.WitnessNamed if naming.named else ev.WitnessDropped
    event = kind(
        vkey=naming.vkey,
        authorisation=naming.verified.digest.hex(),
        reason=naming.verified.authorisation.reason,
        officers=naming.verified.names,
    )
    return draft_of(Planned(event, public=naming.record), now_ms)


def _record(work: Work, act: Act, vkey: str, reason: str, persons: Sequence[str]) -> int:
    record, verified = work.authorise(act, {VKEY: vkey}, reason, persons)
    naming = Naming(record, verified, vkey, check_witness_key(vkey))
    ledger = work.opened.ledger
    index = ledger.size
    ledger.append([naming_draft(naming, work.bench.clock())])
    return index


def _standing(work: Work) -> dict[str, Naming]:
    line = work.opened.line
    return named_here(line.roster, line.station, work.opened.ledger.public_records())


def _check_room(standing: dict[str, Naming], name: str) -> None:
    if any(one.key.name == name for one in standing.values()):
        raise OperatorError(
            f"another key of {name} is named already", hint="drop that one first, with --remove"
        )
    if len(standing) >= MAX_WITNESSES:
        raise OperatorError(
            f"a line has at most {MAX_WITNESSES} outside witnesses", hint="drop one first"
        )


def _places(work: Work) -> tuple[WitnessPlace, ...]:
    return read_places(work.opened.directory).witnesses


def _write(work: Work, places: Sequence[WitnessPlace]) -> None:
    path: Path = work.opened.directory / WITNESSES
    standing = _standing(work)
    # What the record does not name is never asked; so it need not stay.
    kept = tuple(one for one in places if one.vkey in standing)
    write_json(path, WitnessPlaces(witnesses=kept))
