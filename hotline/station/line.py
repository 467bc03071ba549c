"""What a station holds of one line: who is on it and the keys it speaks with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.records.checkpoint import build_origin, witness_name
from hotline.core.seams import Clock, Entropy, Signer
from hotline.core.values import Digest, Realm
from hotline.sealing.certificate import FIRST_ENDPOINT
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.prekey import Prekey, PrekeyPublic
from hotline.sealing.roster import Roster
from hotline.sealing.their_keys import TheirPrekey
from hotline.station.line_keys import LineKeys, PairSecrets


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """What our disk holds of one peer when the line is opened.

    Attributes:
        announced: Its newest prekey; `recovery`: its key that lasts.
        held: The secret of our pair, and our prekeys towards it.
        store: Where these lie; None: nothing is kept.
        endpoint: Which console of the peer has them.
    """

    announced: TheirPrekey
    recovery: PrekeyPublic
    held: PairSecrets
    store: LineKeys | None = field(repr=False, default=None)
    endpoint: int = FIRST_ENDPOINT


@dataclass(slots=True)
class Line:
    """One line as one of its stations holds it. Only `admit` changes it.

    Attributes:
        console: Signs packets; `ledger`: signs heads, orders and cosignatures.
        ledger_certificate: Id of the certificate of `ledger`.
        recovery: Opens announcements, heads and NACKs of a peer that knows no other key.
        endpoint: Which console of the station this is: 1, or a spare's number.
        aside: The keys of a peer's other consoles, by station and number: a spare that may
            not speak yet, or one that was left behind.
        generation: Of our ledger of this line and of our orders.
        lasting: The ML-DSA-65 half of `ledger`; signs heads for long.
        staged: Public half of a ledger key that is made and not handed over to yet, or None.
        console_record: Envelope of the newest certificate of `console` where enrolment did
            not make it known; it goes with every handshake.
        take_over_record: Envelope of the authorisation by which this console, a spare, took
            over; so does that.
        prekey_unspent: Whether console.key still holds a prekey that this line has.
    """

    station: str
    roster: Roster
    console: Ed25519Signer = field(repr=False)
    ledger: Ed25519Signer = field(repr=False)
    ledger_certificate: Digest
    recovery: Prekey = field(repr=False)
    peers: Mapping[str, PeerKeys] = field(repr=False)
    clock: Clock
    entropy: Entropy
    generation: int = FIRST_GENERATION
    staged: bytes | None = None
    prekey_unspent: bool = False
    lasting: Signer = field(repr=False, kw_only=True)
    endpoint: int = FIRST_ENDPOINT
    aside: Mapping[tuple[str, int], PeerKeys] = field(repr=False, default_factory=dict)
    console_record: bytes = field(repr=False, default=b"")
    take_over_record: bytes = field(repr=False, default=b"")

    def admit(self, roster: Roster) -> None:
        """Go on with a roster that has one more certificate; it is decided to record it."""
        self.roster = roster

    @property
    def realm(self) -> Realm:
        """The line's realm."""
        return self.roster.realm

    @property
    def origin(self) -> str:
        """Origin of our ledger's heads."""
        return self.origin_of(self.station, self.generation)

    def origin_of(self, station: str, generation: int = FIRST_GENERATION) -> str:
        """Return the origin of the heads of a member's ledger of one generation."""
        return build_origin(self.realm, self.roster.line, station, generation)

    def witness_of(self, station: str) -> str:
        """Return the key name of a member's cosignatures."""
        return witness_name(self.realm, self.roster.line, station)
