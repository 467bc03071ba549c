"""What a station holds of one line: who is on it and the keys it speaks with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core.exchange.rules import GENERATION
from hotline.core.records.checkpoint import build_origin, witness_name
from hotline.core.seams import Clock, Entropy
from hotline.core.values import Digest, Realm
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.packet import Announcement
from hotline.sealing.prekey import Prekey, PrekeyPublic
from hotline.sealing.roster import Roster


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """What we seal to a peer with: its prekey and the secret of our pair."""

    prekey: PrekeyPublic
    secret: LineSecret


@dataclass(frozen=True, slots=True)
class Line:
    """One line as one of its stations holds it.

    Attributes:
        console: Signs packets; `ledger`: signs heads, orders and cosignatures.
        ledger_certificate: Id of the certificate of `ledger`.
        announcement: Our prekey as every packet carries it.
    """

    station: str
    roster: Roster
    console: Ed25519Signer = field(repr=False)
    ledger: Ed25519Signer = field(repr=False)
    ledger_certificate: Digest
    prekey: Prekey = field(repr=False)
    announcement: Announcement
    peers: Mapping[str, PeerKeys] = field(repr=False)
    clock: Clock
    entropy: Entropy

    @property
    def realm(self) -> Realm:
        """The line's realm."""
        return self.roster.realm

    @property
    def origin(self) -> str:
        """Origin of our ledger's heads."""
        return self.origin_of(self.station)

    def origin_of(self, station: str) -> str:
        """Return the origin of the heads of a member's ledger."""
        return build_origin(self.realm, self.roster.line, station, GENERATION)

    def witness_of(self, station: str) -> str:
        """Return the key name of a member's cosignatures."""
        return witness_name(self.realm, self.roster.line, station)
