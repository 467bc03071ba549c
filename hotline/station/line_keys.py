"""The sealing keys of one line on the disk: line.key, and what peers announced.

line.key        for each peer the line secret with its days, the secret of its mailboxes, and
                our prekeys; for each relay what opens our mailboxes there (sealed)
announced.json  for each peer its newest prekey: public, and found again if it is lost
spare-<STATION>-<N>.key, .json  the same towards another console of a peer
Spec: docs/protocol.md §7.6, §7.24
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.canonical import from_base64, to_base64
from hotline.core.errors import OperatorError, PeerError
from hotline.core.seams import Entropy
from hotline.host.keyfile import (
    KeyFile,
    OpenKeyFile,
    open_key_file,
    read_key_file,
    write_key_file,
)
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.prekey import PrekeyPublic
from hotline.sealing.their_keys import TheirPrekey
from hotline.sealing.turns import StoredPrekey
from hotline.station.shelf import write_durably

LINE_KEY = "line.key"
ANNOUNCED = "announced.json"
FIRST_ASEQ = 1
"""The announcement number of the prekey on a station's card."""
RELAY = "relay"
"""Begins the names of what opens our mailboxes; no relay has the name of a station."""
PREKEY = "prekey"
"""The seed of that prekey in console.key, until a line has it."""


@dataclass(frozen=True, slots=True)
class PairSecrets:
    """What line.key holds for one peer.

    Attributes:
        prekeys: Oldest first; none while the line was never worked.
        mailboxes: Names the pair's mailboxes at relays; empty on a line that was set up
            before there were any.
    """

    secret: LineSecret = field(repr=False)
    prekeys: tuple[StoredPrekey, ...] = field(repr=False)
    mailboxes: bytes = field(repr=False, default=b"")


def pair_seeds(peer: str, held: PairSecrets) -> dict[str, bytes]:
    """Return what stands in line.key for a peer."""
    secret = held.secret
    seeds = {
        f"secret/{peer}": secret.secret,
        f"day/{peer}": secret.base_day.to_bytes(4),
        f"floor/{peer}": secret.floor_day.to_bytes(4),
    }
    if held.mailboxes:
        seeds[f"mailboxes/{peer}"] = held.mailboxes
    for one in held.prekeys:
        seeds[f"prekey/{peer}/{one.aseq}"] = one.seed
        seeds[f"times/{peer}/{one.aseq}"] = one.made_ms.to_bytes(6) + one.replaced_ms.to_bytes(6)
    return seeds


def read_pair(seeds: Mapping[str, bytes], peer: str) -> PairSecrets:
    """Return what line.key holds for a peer.

    Raises:
        OperatorError: it holds no secret for it.
    """
    prefix = f"prekey/{peer}/"
    prekeys = []
    for name in seeds:
        if name.startswith(prefix):
            aseq = name.removeprefix(prefix)
            times = seeds[f"times/{peer}/{aseq}"]
            made_ms, replaced_ms = int.from_bytes(times[:6]), int.from_bytes(times[6:])
            prekeys.append(StoredPrekey(int(aseq), seeds[name], made_ms, replaced_ms))
    try:
        base_day = int.from_bytes(seeds[f"day/{peer}"])
        floor_day = int.from_bytes(seeds.get(f"floor/{peer}", b""))
        secret = LineSecret(seeds[f"secret/{peer}"], base_day, floor_day)
    except KeyError as error:
        raise OperatorError(
            f"line.key holds no secret for {peer}", hint="put back the whole directory of the line"
        ) from error
    found = tuple(sorted(prekeys, key=lambda one: one.aseq))
    return PairSecrets(secret, found, seeds.get(f"mailboxes/{peer}", b""))


class LineKeys:
    """line.key and announced.json of one line, opened once and written when a day turns."""

    def __init__(self, announced: Path, held: OpenKeyFile, entropy: Entropy) -> None:
        """Take over what was opened; callers use `open_line_keys`."""
        self._path, self._held, self._entropy = announced, held, entropy
        self._announced = _read_announced(self._path)

    def pair(self, peer: str) -> PairSecrets:
        """Return what line.key holds for a peer.

        Raises:
            OperatorError: nothing.
        """
        return read_pair(self._held.keys.seeds, peer)

    def keep(self, peer: str, held: PairSecrets) -> None:
        """Put a peer's secrets on the disk; what was there before is overwritten.

        Raises:
            StorageError: the disk refused; the file is as it was.
        """
        others = {
            name: seed
            for name, seed in self._held.keys.seeds.items()
            if name.split("/")[1:2] != [peer]
        }
        self._held.rewrite({**others, **pair_seeds(peer, held)}, self._entropy)

    def opening(self, relay: str, peer: str) -> bytes:
        """Return what opens our mailbox at a relay for what `peer` sends; b"" for none."""
        return self._held.keys.seeds.get(f"{RELAY}/{relay}/{peer}", b"")

    def keep_openings(self, relay: str, openings: Mapping[str, bytes]) -> None:
        """Put on the disk what opens our mailboxes at a relay, by peer; none: forget them.

        Raises:
            StorageError: the disk refused; the file is as it was.
        Spec: docs/transport.md §10.2
        """
        ours = {f"{RELAY}/{relay}/{peer}": opening for peer, opening in openings.items()}
        others = {
            name: seed
            for name, seed in self._held.keys.seeds.items()
            if not name.startswith(f"{RELAY}/{relay}/")
        }
        if {**others, **ours} != self._held.keys.seeds:
            self._held.rewrite({**others, **ours}, self._entropy)

    def announced(self, peer: str, card: PrekeyPublic, not_after_ms: int) -> TheirPrekey:
        """Return the newest prekey of a peer: as announced, or as its card says."""
        return self._announced.get(peer) or TheirPrekey(FIRST_ASEQ, card, not_after_ms)

    def keep_announced(self, peer: str, prekey: TheirPrekey) -> None:
        """Put a peer's newest prekey on the disk.

        Raises:
            StorageError: the disk refused.
        """
        announced = {**self._announced, peer: prekey}
        text = {
            name: [one.aseq, to_base64(one.key.encoded), one.not_after_ms]
            for name, one in announced.items()
        }
        write_durably(self._path, json.dumps(text).encode())
        self._announced = announced


def spare_name(station: str, endpoint: int) -> str:
    """Return how files about another console of a peer are named in a line's directory."""
    return f"spare-{station}-{endpoint}"


def open_line_keys(
    directory: Path, passphrase: str | None, entropy: Entropy, spare: str = ""
) -> LineKeys:
    """Open the sealing keys of the line in `directory`.

    Args:
        spare: Name of those towards another console of a peer.
    Raises:
        OperatorError: no such key file, or it does not open.
        StorageError: the disk refused.
    """
    announced = directory / (f"{spare}.json" if spare else ANNOUNCED)
    held = open_key_file(directory / (f"{spare}.key" if spare else LINE_KEY), passphrase)
    return LineKeys(announced, held, entropy)


def holds_card_prekey(console: KeyFile, pairs: Iterable[PairSecrets]) -> bool:
    """Return whether console.key still holds a prekey that the line has, too."""
    held = (one.seed for pair in pairs for one in pair.prekeys)
    return PREKEY in console.seeds and console.seeds[PREKEY] in held


def spend_prekey(path: Path, passphrase: str | None, entropy: Entropy) -> None:
    """Take the card's prekey out of console.key: a line has it now, and will destroy it.

    Raises:
        OperatorError: no such key file, or a wrong passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §4.6
    """
    held = read_key_file(path, passphrase)
    if PREKEY in held.seeds:
        seeds = {name: seed for name, seed in held.seeds.items() if name != PREKEY}
        left = KeyFile(held.station, held.realm, seeds)
        write_key_file(path, left, passphrase, entropy=entropy, replace=True, wipe=True)


def _read_announced(path: Path) -> dict[str, TheirPrekey]:
    """Read announced.json; one that does not read is as good as none: the handshake mends it."""
    try:
        told = json.loads(path.read_bytes())
        return {
            str(peer): TheirPrekey(
                int(aseq), PrekeyPublic(from_base64(text, what="prekey")), int(not_after_ms)
            )
            for peer, (aseq, text, not_after_ms) in told.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, PeerError):
        return {}
