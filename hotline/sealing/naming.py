"""Outside witnesses that a station's officers named, read from the public records.

A record of naming says that the station will ask this witness. It vouches for
nobody: whose key it is the reviewer has to know from somewhere else.
Spec: docs/ledger.md §16.9
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.records.add_checkpoint import WitnessKey, decode_vkey
from hotline.sealing.authorisation import (
    AUTHORISATION_TYPE,
    Act,
    Authorisation,
    Circle,
    VerifiedAuthorisation,
    verify_authorisation,
)

VKEY = "vkey"
OWN_NAMES = "hotline/"
"""How the key names of stations begin; no outside witness may bear such a name."""

_ACTS = (Act.WITNESS, Act.DROP_WITNESS)


@dataclass(frozen=True, slots=True)
class Naming:
    """An authorisation by which a witness was named, or dropped.

    Attributes:
        record: The authorisation as it was signed.
        vkey: The witness's key as C2SP writes it.
    """

    record: bytes
    verified: VerifiedAuthorisation
    vkey: str
    key: WitnessKey

    @property
    def named(self) -> bool:
        """Whether it was named, not dropped."""
        return self.verified.authorisation.act is Act.WITNESS


def check_witness_key(vkey: str) -> WitnessKey:
    """Read the key of a witness that may be named.

    Raises:
        PeerError: not a vkey of a witness, or its name is one that stations bear.
    Spec: docs/ledger.md §16.9
    """
    key = decode_vkey(vkey)
    if key.name.startswith(OWN_NAMES):
        raise PeerError("a name that begins with hotline/ is a station's, not an outside witness's")
    return key


def namings(circle: Circle, records: Iterable[bytes]) -> list[Naming]:
    """Return the records of naming and dropping among `records`, in their order.

    Raises:
        PeerError: an authorisation does not verify, or names no witness's key.
    """
    found = []
    for record in records:
        if AUTHORISATION_TYPE.encode() not in record:
            continue
        verified = verify_authorisation(circle, record)
        if verified.authorisation.act in _ACTS:
            vkey = _vkey_of(verified.authorisation)
            found.append(Naming(record, verified, vkey, check_witness_key(vkey)))
    return found


def _vkey_of(authorisation: Authorisation) -> str:
    match dict(authorisation.details):
        case {"vkey": str(vkey), **rest} if not rest:
            return vkey
    raise PeerError("naming: the details are not those of a witness")


def standing_namings(circle: Circle, records: Iterable[bytes], station: str) -> dict[str, Naming]:
    """Return by vkey the witnesses that a station named and did not drop, oldest first.

    Raises:
        PeerError: as `namings`.
    """
    standing: dict[str, Naming] = {}
    for one in namings(circle, records):
        if one.verified.authorisation.station == station:
            standing.pop(one.vkey, None)
            if one.named:
                standing[one.vkey] = one
    return standing


def outside_keys(
    circle: Circle, records: Iterable[bytes]
) -> Mapping[str, Mapping[str, tuple[bytes, ...]]]:
    """Return by station and key name the keys of all witnesses that were ever named.

    Raises:
        PeerError: as `namings`.
    """
    found: dict[str, dict[str, tuple[bytes, ...]]] = {}
    for one in namings(circle, records):
        keys = found.setdefault(one.verified.authorisation.station, {})
        known = keys.get(one.key.name, ())
        if one.named and one.key.public_key not in known:
            keys[one.key.name] = (*known, one.key.public_key)
    return found
