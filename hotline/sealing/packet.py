"""The packet: what one station's console sends another (docs/protocol.md §7.2 to §7.4)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from hotline.core import canonical
from hotline.core.errors import HotlineError, InvariantError, PeerError
from hotline.core.seams import Signer
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.announcement import Announcement
from hotline.sealing.cell import MAX_PACKET_BYTES, OpenedCell
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.items import (
    MAX_ITEM_BYTES,
    CertificateItem,
    Item,
    encode_item,
    item_from_json,
)
from hotline.sealing.roster import Roster
from hotline.sealing.shapes import (
    Count,
    DigestHex,
    KeyIdHex,
    One,
    StationName,
    Strict,
    Time,
    shape,
)

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
    """A packet, the console certificate that signed it, and the day of its line secret."""

    packet: Packet
    console: Certificate
    day: int


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
    sent_at: Time


def encode_packet(packet: Packet) -> bytes:
    """Return the packet as canonical JSON.

    Raises:
        InvariantError: over MAX_PACKET_BYTES or MAX_ITEMS; whoever packs must
            spread items over packets (`len(encode_item(item))`).
    Spec: docs/protocol.md §7.2
    """
    before = {
        "announcement": packet.announcement.model_dump(mode="json"),
        "counter": packet.counter,
        "from": packet.sender,
        "instance": packet.instance,
    }
    after = {
        "line": packet.line.hex(),
        "revocation": packet.revocation.model_dump(mode="json"),
        "sent_at": format_time(packet.sent_at_ms),
        "to": packet.to,
        "to_kid": packet.to_kid.hex(),
        "v": 1,
    }
    # Keys are sorted, so "items" stands between "instance" and "line".
    encoded = b'%b,"items":[%b],%b' % (
        canonical.encode(before)[:-1],
        b",".join(map(encode_item, packet.items)),
        canonical.encode(after)[1:],
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
        sent_at_ms=parse_time(outer.sent_at),
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
    roster: Roster, opened: OpenedCell, *, our_station: str, at_ms: int
) -> VerifiedPacket:
    """Check that an opened cell holds a packet of this line, from its sealer, to us.

    Args:
        opened: As `open_cell` gave it.
        our_station: Name of this station.
        at_ms: Our clock.
    Raises:
        PeerError: malformed, of another line, from another station than the one
            whose line secret sealed it, to another station or key (re-sealed),
            or signed by no console key of the sender that is valid now.
    Spec: docs/protocol.md §7.4, §4.34
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
    return VerifiedPacket(packet, _console(roster, packet, opened, at_ms), opened.day)


def _console(roster: Roster, packet: Packet, opened: OpenedCell, at_ms: int) -> Certificate:
    message = canonical.pae(PACKET_TYPE, opened.packet)
    known = roster.certified(packet.sender, Usage.TRANSPORT)
    valid = [one for one in known if roster.trusts(one, at_ms)]
    for certificate in valid:
        if verify_ed25519(certificate.key.ed25519, message, opened.signature):
            return certificate
    brought = _brought(roster, packet, at_ms)
    if brought and verify_ed25519(brought.key.ed25519, message, opened.signature):
        return brought
    if not valid:
        raise PeerError("packet: no console certificate of its sender is valid now")
    raise PeerError("packet: its signature is by no console key of its sender")


def _brought(roster: Roster, packet: Packet, at_ms: int) -> Certificate | None:
    """Return the console certificate that a packet brings and that its sender's root vouches for.

    Nothing is trusted because it came first: the root's signature decides, as for any other.
    Spec: docs/protocol.md §4.34
    """
    found = [item for item in packet.items if isinstance(item, CertificateItem)]
    if len(found) != 1:
        return None
    try:
        grown, certificate = roster.with_certificate(found[0].envelope)
    except PeerError:
        return None
    ours = (certificate.station, certificate.usage) == (packet.sender, Usage.TRANSPORT)
    return certificate if ours and grown.trusts(certificate, at_ms) else None
