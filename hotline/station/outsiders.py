"""Where a line's outside witnesses are: witnesses.json, beside the ledger.

The file says where to ask and whom TLS may trust; which keys may be asked at
all the ledger's public records say. A witness that stands in one of the two
only is not asked.
Spec: docs/ledger.md §16.9
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.core.errors import IntegrityError, OperatorError, PeerError, StorageError
from hotline.core.messages.statement import HexDigest, first_fault
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.sealing.naming import Naming, standing_namings
from hotline.sealing.roster import Roster
from hotline.transport.posting import MAX_URL_CHARACTERS, Destination, Trust, parse_url

WITNESSES = "witnesses.json"
MAX_WITNESSES = 8
MAX_WITNESSES_BYTES = 1_048_576


class WitnessPlace(BaseModel):
    """Where one outside witness is asked.

    Attributes:
        vkey: Its key, as it publishes it.
        authority: PEM certificates that TLS trusts instead of the system's, or "".
        pins: SHA-256 of TLS keys that it may have, in hex; none for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vkey: Annotated[str, Field(max_length=200)]
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)]
    authority: Annotated[str, Field(max_length=65_536)] = ""
    pins: Annotated[tuple[HexDigest, ...], Field(max_length=4)] = ()


class WitnessPlaces(BaseModel):
    """What witnesses.json holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    witnesses: Annotated[tuple[WitnessPlace, ...], Field(max_length=MAX_WITNESSES)] = ()


@dataclass(frozen=True, slots=True)
class Outsider:
    """An outside witness that this station asks."""

    key: WitnessKey
    destination: Destination
    trust: Trust


def place_of(vkey: str, url: str, authority: Path | None, pins: Sequence[str]) -> WitnessPlace:
    """Return the place that an operator describes.

    Raises:
        OperatorError: something in it is malformed, or the authority's file does not read.
    """
    try:
        pem = authority.read_text(encoding="ascii") if authority else ""
        return WitnessPlace(vkey=vkey, url=url, authority=pem, pins=tuple(pins))
    except (OSError, UnicodeError) as error:
        raise OperatorError("the file after --ca is no PEM certificate that can be read") from error
    except ValidationError as error:
        raise OperatorError(f"the witness is not well described: {first_fault(error)}") from error


def read_places(directory: Path) -> WitnessPlaces:
    """Read a line's witnesses.json; without one there is none.

    Raises:
        OperatorError: it is not such a file.
        StorageError: the disk refused.
    """
    try:
        with (directory / WITNESSES).open("rb") as file:
            return WitnessPlaces.model_validate_json(file.read(MAX_WITNESSES_BYTES))
    except FileNotFoundError:
        return WitnessPlaces()
    except ValidationError as error:
        raise OperatorError(
            f"{WITNESSES}: {first_fault(error)}",
            hint="remove the file and give each witness again with `hotline ledger witness`",
        ) from error
    except OSError as error:
        raise StorageError(f"{WITNESSES} cannot be read") from error


def named_here(roster: Roster, station: str, records: Sequence[bytes]) -> dict[str, Naming]:
    """Return by vkey the witnesses that the station's record names today.

    Args:
        records: The public records of its ledger.
    Raises:
        IntegrityError: an authorisation among them does not verify.
    """
    try:
        return standing_namings(roster, records, station)
    except PeerError as error:
        raise IntegrityError(f"a public record of the ledger does not verify: {error}") from error


def open_outsiders(
    directory: Path, roster: Roster, station: str, records: Sequence[bytes]
) -> tuple[Outsider, ...]:
    """Return the witnesses to ask: those of the file that the record names, too.

    Raises:
        OperatorError: witnesses.json is malformed.
        IntegrityError: an authorisation in the ledger does not verify.
        StorageError: the disk refused.
    """
    places = read_places(directory).witnesses
    if not places:
        return ()
    named = named_here(roster, station, records)
    return tuple(outsider_of(one, named[one.vkey].key) for one in places if one.vkey in named)


def outsider_of(place: WitnessPlace, key: WitnessKey) -> Outsider:
    """Return a witness ready to be asked.

    Raises:
        OperatorError: its address is none.
    """
    pins = tuple(bytes.fromhex(one) for one in place.pins)
    return Outsider(key, parse_url(place.url), Trust(place.authority, pins))
