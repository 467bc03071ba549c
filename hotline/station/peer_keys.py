"""The keys towards every console of every peer, as the disk holds them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from hotline.core.canonical import from_base64
from hotline.core.errors import OperatorError, PeerError
from hotline.core.seams import Entropy
from hotline.core.times import parse_time
from hotline.sealing.certificate import FIRST_ENDPOINT
from hotline.sealing.prekey import PrekeyPublic
from hotline.station.line import PeerKeys
from hotline.station.line_keys import LineKeys, open_line_keys, spare_name


class Described(Protocol):
    """One console of a peer, as line.json describes it."""

    @property
    def station(self) -> str:
        """The peer."""

    @property
    def endpoint(self) -> int:
        """Which of its consoles."""

    @property
    def prekey(self) -> str:
        """Base64 of the prekey on its card."""

    @property
    def recovery(self) -> str:
        """Base64 of its recovery key."""


def open_peer_keys(
    directory: Path,
    described: Iterable[Described],
    prekey_not_after: str,
    passphrase: str | None,
    entropy: Entropy,
) -> dict[tuple[str, int], PeerKeys]:
    """Open the keys towards every console of every peer, by station and number.

    Raises:
        OperatorError: a key file is missing or does not open, or a card holds no good key.
        StorageError: the disk refused.
    """
    keys = {"": open_line_keys(directory, passphrase, entropy)}
    found = {}
    for one in described:
        name = "" if one.endpoint == FIRST_ENDPOINT else spare_name(one.station, one.endpoint)
        if name not in keys:
            keys[name] = open_line_keys(directory, passphrase, entropy, name)
        found[one.station, one.endpoint] = _keys_towards(one, prekey_not_after, keys[name])
    return found


def _keys_towards(one: Described, prekey_not_after: str, keys: LineKeys) -> PeerKeys:
    try:
        prekey, recovery = (
            PrekeyPublic(from_base64(key, what="prekey")) for key in (one.prekey, one.recovery)
        )
        not_after_ms = parse_time(prekey_not_after)
    except PeerError as error:
        raise OperatorError(f"the card of {one.station} holds no good prekey") from error
    announced = keys.announced(one.station, prekey, not_after_ms)
    return PeerKeys(announced, recovery, keys.pair(one.station), keys, one.endpoint)
