"""The packet: what one station's console sends another (docs/protocol.md §7.2 to §7.4)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, PlainValidator, StringConstraints

from hotline.core import canonical
from hotline.core.errors import HotlineError, InvariantError, PeerError
from hotline.core.seams import Signer
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.announcement import Announcement
from hotline.sealing.authorisation import AUTHORISATION_TYPE, Act, act_of
from hotline.sealing.cell import MAX_PACKET_BYTES, OpenedCell
from hotline.sealing.certificate import FIRST_ENDPOINT, Certificate, Usage
from hotline.sealing.dsse import Envelope, decode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.items import (
    MAX_ITEM_BYTES,
    CertificateItem,
    Item,
    RevocationItem,
    encode_item,
    item_from_json,
)
from hotline.sealing.revocation import REVOCATION_TYPE
from hotline.sealing.roster import Roster
from hotline.sealing.shapes import (
    Count,
    DigestHex,
    KeyIdHex,
    One,
    StationName,
    Strict,
    shape,
)
from hotline.sealing.take_over import with_take_over

PACKET_TYPE = "application/vnd.hotline.packet.v1+json"
MAX_ITEMS = 64
InstanceHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}\z")]


class RevocationHead(Strict):
    """Head of the sender's list of revocations: a counter that only rises, and a digest."""

    counter: Count
    digest: DigestHex


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet.

    Attributes:
        to_kid: Key id of the recipient's key that the cell is sealed to.
        counter: Only rises within one `instance` (32 hex digits, one per start), by one
            from each packet to the next for the same station.
        refused: Place and reason of items that could not be read; empty when we write it.
    """

    line: Digest
    sender: str
    to: str
    to_kid: bytes
    counter: int
    instance: str
    announcement: Announcement
    items: tuple[Item, ...]
    revocation: RevocationHead
    sent_at_ms: int
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VerifiedPacket:
    """A packet, the console certificate that signed it, and the day of its line secret.

    Attributes:
        endpoint: Which console of its station it is from.
        in_office: Whether that is the one that may speak, after what the packet brings.
        late: Whether a newer packet of its start came before: it says how things were.
    """

    packet: Packet
    console: Certificate
    day: int
    endpoint: int = FIRST_ENDPOINT
    in_office: bool = True
    late: bool = False


class _PacketBody(Strict):
    v: One
    line: DigestHex
    sender: Annotated[StationName, Field(alias="from")]
    to: StationName
    to_kid: KeyIdHex
    counter: Count
    instance: InstanceHex
    announcement: Announcement
    items: Annotated[tuple[Any, ...], Field(strict=False, max_length=MAX_ITEMS)]
    revocation: RevocationHead
    sent_at: Annotated[int, PlainValidator(parse_time)]


def encode_packet(packet: Packet) -> bytes:
    """Return the packet as canonical JSON.

    Raises:
        InvariantError: over MAX_PACKET_BYTES or MAX_ITEMS; whoever packs must
            spread items over packets (`len(encode_item(item))`).
    Spec: docs/protocol.md §7.2
    """
    head = packet.revocation
    # Keys are sorted, and no value but those of items can hold what JSON escapes.
    before = f'"counter":{packet.counter},"from":"{packet.sender}","instance":"{packet.instance}"'
    after = (
        f'"line":"{packet.line.hex()}",'
        f'"revocation":{{"counter":{head.counter},"digest":"{head.digest.hex()}"}},'
        f'"sent_at":"{format_time(packet.sent_at_ms)}",'
        f'"to":"{packet.to}","to_kid":"{packet.to_kid.hex()}","v":1'
    )
    encoded = b'{"announcement":%b,%b,"items":[%b],%b}' % (
        packet.announcement.written,
        before.encode(),
        b",".join(map(encode_item, packet.items)),
        after.encode(),
    )
    if len(encoded) > MAX_PACKET_BYTES or len(packet.items) > MAX_ITEMS:
        raise InvariantError(f"a packet is over {MAX_PACKET_BYTES} bytes or {MAX_ITEMS} items")
    return encoded


def sign_packet(encoded: bytes, signer: Signer) -> bytes:
    """Return the 64-byte signature of a packet by the console's Ed25519 key.

    Spec: docs/protocol.md §7.4
    """
    return signer.sign(canonical.pae(PACKET_TYPE, encoded))


def read_packet(encoded: bytes) -> Packet:
    """Read a packet; items that cannot be read are set aside with the reason.

    Raises:
        PeerError: what stands around the items is malformed.
    Spec: docs/protocol.md §7.3
    """
    body, refused = _decode(encoded)
    outer = shape(_PacketBody, body, what="packet")
    items: list[Item] = []
    for place, value in enumerate(outer.items):
        if place in refused:
            continue
        try:
            items.append(item_from_json(value))
        except PeerError as error:
            refused[place] = str(error)
    return _packet(outer, tuple(items), tuple(sorted(refused.items())))


def _packet(
    outer: _PacketBody, items: tuple[Item, ...], refused: tuple[tuple[int, str], ...]
) -> Packet:
    return Packet(
        line=outer.line,
        sender=outer.sender,
        to=outer.to,
        to_kid=outer.to_kid,
        counter=outer.counter,
        instance=outer.instance,
        announcement=outer.announcement,
        items=items,
        revocation=outer.revocation,
        sent_at_ms=outer.sent_at,
        refused=refused,
    )


def _decode(encoded: bytes) -> tuple[Any, dict[int, str]]:
    try:
        return canonical.decode(encoded, what="packet", max_bytes=MAX_PACKET_BYTES), {}
    except PeerError as error:
        if len(encoded) > MAX_PACKET_BYTES:
            raise
        return _decode_by_items(encoded, error)


def _decode_by_items(encoded: bytes, reason: PeerError) -> tuple[Any, dict[int, str]]:
    """Read a packet that is canonical but for what single items hold.

    A refused character in one item must not silence the others.
    """
    try:
        body = json.loads(encoded)
        if canonical.encode(body) != encoded or not isinstance(body.get("items"), list):
            raise reason
    except (ValueError, RecursionError, InvariantError, AttributeError) as error:
        raise reason from error
    refused: dict[int, str] = {}
    for place, item in enumerate(body["items"]):
        try:
            canonical.decode(canonical.encode(item), what="item", max_bytes=MAX_ITEM_BYTES)
        except HotlineError as error:
            refused[place] = str(error)
            body["items"][place] = None
    canonical.decode(
        canonical.encode({**body, "items": []}), what="packet", max_bytes=MAX_PACKET_BYTES
    )
    return body, refused


def verify_packet(
    roster: Roster, opened: OpenedCell, *, our_station: str, at_ms: int, endpoint: int = 0
) -> VerifiedPacket:
    """Check that an opened cell holds a packet of this line, from its sealer, to us.

    Args:
        opened: As `open_cell` gave it.
        our_station: Name of this station.
        at_ms: Our clock.
        endpoint: Whose secret sealed it: which console of its station; 0: the one in office.
    Raises:
        PeerError: malformed, of another line, from another station than the one
            whose line secret sealed it, to another station or key (re-sealed),
            or signed by no key of that console of the sender that is valid now.
    Spec: docs/protocol.md §7.4, §4.34, §4.35
    """
    packet = read_packet(opened.packet)
    if packet.line != roster.line:
        raise PeerError("packet: it belongs to another line")
    if packet.sender != opened.peer or packet.sender not in roster.members:
        raise PeerError("packet: it is not from the station that sealed it")
    if packet.sender == our_station:
        raise PeerError("packet: it is our own, sent back")
    if packet.to != our_station or packet.to_kid != opened.key_id:
        raise PeerError("packet: it was written for another station or key")
    sealed_by = endpoint or roster.standing.endpoint_of(packet.sender)
    console, after = _console(roster, packet, opened, at_ms, sealed_by)
    in_office = after.standing.endpoint_of(packet.sender) == sealed_by
    return VerifiedPacket(packet, console, opened.day, sealed_by, in_office)


def _console(
    roster: Roster, packet: Packet, opened: OpenedCell, at_ms: int, endpoint: int
) -> tuple[Certificate, Roster]:
    """Return the certificate that signed, and the roster with what the packet brings of keys."""
    message = canonical.pae(PACKET_TYPE, opened.packet)
    grown, valid = with_brought(roster, packet), False
    for certificate in grown.certified(packet.sender, Usage.TRANSPORT):
        if certificate.endpoint != endpoint or not grown.trusts(certificate, at_ms):
            continue
        valid = True
        if verify_ed25519(certificate.key.ed25519, message, opened.signature):
            return certificate, grown
    if not valid:
        raise PeerError("packet: no console certificate of its sender is valid now")
    raise PeerError("packet: its signature is by no console key of its sender")


def with_brought(roster: Roster, packet: Packet) -> Roster:
    """Return the roster with what a packet brings of its sender's console, where that verifies.

    Nothing is trusted because it came first: the root's signature decides, or that of two
    officers, as for any other record.
    Spec: docs/protocol.md §4.34, §4.36
    """
    for item in packet.items:
        try:
            if isinstance(item, CertificateItem):
                grown, certificate = roster.with_certificate(item.envelope)
                ours = (certificate.station, certificate.usage)
                roster = grown if ours == (packet.sender, Usage.TRANSPORT) else roster
            elif isinstance(item, RevocationItem):
                envelope = _take_over(item.envelope)
                grown, over = with_take_over(roster, envelope) if envelope else (roster, None)
                if over is not None and over.authorisation.station == packet.sender:
                    roster = grown
        except PeerError:
            continue
    return roster


def _take_over(encoded: bytes) -> Envelope | None:
    """Return the envelope of an authorisation to take over, None for any other record."""
    envelope = decode_envelope(
        encoded,
        expect=(REVOCATION_TYPE, AUTHORISATION_TYPE),
        what="take-over",
        max_bytes=MAX_ITEM_BYTES,
    )
    if envelope.payload_type != AUTHORISATION_TYPE or act_of(envelope) is not Act.TAKE_OVER:
        return None
    return envelope
