"""The card: what one station hands another before a line joins them (docs/protocol.md §12.1).

A file of public records, one on each line: the root, its certificates, and at the
end what the console says of the station: sealing key, TLS certificate, route.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from hotline.core.errors import PeerError
from hotline.core.records.cards import format_cards
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.certificate import CERTIFICATE_TYPE, Usage
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.enrol import CertifiedKey
from hotline.sealing.prekey import PREKEY_PUBLIC_BYTES, PrekeyPublic
from hotline.sealing.root import ROOT_TYPE, Root
from hotline.sealing.roster import StationRecords, read_station
from hotline.sealing.shapes import (
    DigestHex,
    One,
    RealmName,
    StationName,
    Strict,
    Time,
    base64_field,
    read_shape,
    write_shape,
)
from hotline.sealing.tls_identity import MAX_CERTIFICATE_DER_BYTES, tls_pin

CARD_TYPE = "application/vnd.hotline.card.v1+json"
MAX_CARD_BYTES = 1_048_576
MAX_CARD_LINES = 66
MAX_BODY_BYTES = 32_768
MAX_LINE_BYTES = 65_536

Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\z")]


class Route(Strict):
    """Where a station can be dialled."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)]


class CardBody(Strict):
    """What the console signs at the end of a card.

    Attributes:
        root: Digest of the root record of the same card.
        recovery: Sealing key that lasts, for stations that lost sight of each other.
        tls: The TLS certificate, DER.
        route: None: the station only dials.
    """

    v: One
    station: StationName
    realm: RealmName
    root: DigestHex
    prekey: Annotated[bytes, *base64_field(PREKEY_PUBLIC_BYTES, PREKEY_PUBLIC_BYTES)]
    prekey_not_after: Time
    recovery: Annotated[bytes, *base64_field(PREKEY_PUBLIC_BYTES, PREKEY_PUBLIC_BYTES)]
    tls: Annotated[bytes, *base64_field(1, MAX_CERTIFICATE_DER_BYTES)]
    route: Route | None
    made: Time


@dataclass(frozen=True, slots=True)
class Card:
    """A card that verified. Whose it is the officers say who compared its words.

    Attributes:
        records: The root record and the certificates, as envelopes.
        encoded: The whole file.
    """

    station: StationRecords
    records: tuple[bytes, ...]
    body: CardBody
    prekey: PrekeyPublic
    recovery: PrekeyPublic
    tls_pin: Digest
    encoded: bytes

    @property
    def root(self) -> Root:
        """The station's root."""
        return self.station.root

    @property
    def name(self) -> str:
        """The station's name."""
        return self.root.station

    @property
    def made_ms(self) -> int:
        """When it was written, by its station's clock."""
        return parse_time(self.body.made)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a station is sealed to and reached: what a card adds to the records.

    Attributes:
        tls: The TLS certificate, DER.
        route: None: the station only dials.
    """

    prekey: PrekeyPublic
    prekey_not_after: str
    recovery: PrekeyPublic
    tls: bytes
    route: Route | None


def write_card(
    records: Sequence[bytes], console: CertifiedKey, reach: Reach, *, made_ms: int
) -> bytes:
    """Write a station's card; its console signs.

    Args:
        records: The root record and the certificates, that of `console` among them.
    Raises:
        PeerError: the records do not verify.
    Spec: docs/protocol.md §12.1
    """
    root = read_station(records).root
    body = CardBody(
        v=1,
        station=root.station,
        realm=root.realm,
        root=root.digest,
        prekey=reach.prekey.encoded,
        prekey_not_after=reach.prekey_not_after,
        recovery=reach.recovery.encoded,
        tls=reach.tls,
        route=reach.route,
        made=format_time(made_ms),
    )
    envelope = Envelope(CARD_TYPE, write_shape(body))
    signed = envelope.with_hybrid(console.cert_id, console.signer.sign(envelope.message))
    return format_cards([*records, encode_envelope(signed)])


def read_card(encoded: bytes) -> Card:
    """Read a card from outside and verify everything that can be verified without a person.

    Raises:
        PeerError: not such a file, a record does not verify or is of another station, or
            the last one is not signed by a console of that station.
    Spec: docs/protocol.md §12.1
    """
    lines = card_lines(encoded)
    records, last = tuple(lines[:-1]), lines[-1]
    for record in records:
        decode_envelope(
            record, expect=(ROOT_TYPE, CERTIFICATE_TYPE), what="card", max_bytes=MAX_LINE_BYTES
        )
    station = read_station(records)
    envelope = decode_envelope(last, expect=(CARD_TYPE,), what="card", max_bytes=MAX_LINE_BYTES)
    body = read_shape(CardBody, envelope.payload, what="card", max_bytes=MAX_BODY_BYTES)
    root = station.root
    if (body.root, body.station, body.realm) != (root.digest, root.station, root.realm):
        raise PeerError("card: its end is of another station than its root")
    _check_signature(envelope, station, parse_time(body.made))
    pin = tls_pin(body.tls)
    keys = PrekeyPublic(body.prekey), PrekeyPublic(body.recovery)
    return Card(station, records, body, *keys, pin, encoded)


def card_lines(encoded: bytes) -> list[bytes]:
    """Return the lines of a card, or of a file that ends with one.

    Raises:
        PeerError: too long, too many, or the last one does not end.
    """
    if len(encoded) > MAX_CARD_BYTES:
        raise PeerError(f"card: it is longer than {MAX_CARD_BYTES} bytes")
    lines = encoded.split(b"\n")
    if lines.pop() != b"" or not 2 <= len(lines) <= MAX_CARD_LINES:
        raise PeerError("card: it is not a whole file of public records")
    return lines


def _check_signature(envelope: Envelope, station: StationRecords, made_ms: int) -> None:
    """Refuse a card that no console of its own station signed while it was certified.

    Spec: docs/protocol.md §12.1
    """
    signatures = hybrid_signatures(envelope, what="card")
    if len(signatures) != 1:
        raise PeerError("card: exactly one console must sign it")
    ((signer, signature),) = signatures.items()
    certificate = station.certificates.get(signer)
    if certificate is None or certificate.usage != Usage.TRANSPORT:
        raise PeerError("card: it is not signed by a console of its station")
    if not certificate.covers(made_ms):
        raise PeerError("card: the console's certificate did not cover the time of its making")
    if not certificate.key.verify(envelope.message, signature):
        raise PeerError("card: its signature does not verify")
