"""Packets: strict around the items, patient with single items, bound to sender and recipient."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.announcement import Announcement
from hotline.sealing.cell import MAX_PACKET_BYTES, OpenedCell
from hotline.sealing.enrol import CertifiedKey
from hotline.sealing.hellos import HelloAnswerItem, HelloEndItem, HelloItem
from hotline.sealing.items import (
    CertificateItem,
    CosignatureItem,
    DisplayedItem,
    HeadConflictItem,
    HeadItem,
    Item,
    LineTestItem,
    NackItem,
    RecordItem,
    RejectedItem,
    StatementItem,
    decode_item,
    encode_item,
    item_from_json,
)
from hotline.sealing.order import Order, sign_order
from hotline.sealing.packet import (
    Packet,
    encode_packet,
    read_packet,
    sign_packet,
    verify_packet,
)

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DIGEST = Digest(b"\x5a" * 32)
AT = "2026-11-22T14:31:26.000Z"
DAY_MS = 86_400_000
PREKEY = Announcement(aseq=3, pk=bytes(1216), kind="prekey", not_after=AT)
SIMPLE: list[Item] = [
    HeadItem(checkpoint="origin\n7\nroot\n\n\u2014 key sig\n", old_size=3, proof=(DIGEST,)),
    CosignatureItem(size=7, note="\u2014 key sig"),
    RecordItem(
        digest=DIGEST,
        leaf=bytes(148),
        salt=bytes(32),
        content=b"{}",
        index=3,
        size=7,
        proof=(DIGEST, DIGEST),
    ),
    DisplayedItem(digest=DIGEST, at=AT),
    RejectedItem(digest=DIGEST, reason="its signature does not verify"),
    NackItem(code="gap", detail="NORTH/0 3-4", ranges=((1, 3, 4),)),
    NackItem(code="unknown-key", detail="seal to a newer key", kid=bytes(16)),
    HelloItem(nonce=bytes(32), prekey=PREKEY, known=7, holds=1),
    HelloAnswerItem(answers=DIGEST, nonce=bytes(32), prekey=PREKEY, known=0, holds=2**52),
    HelloEndItem(answers=DIGEST, known=7, holds=1),
    HeadConflictItem(origin="hotline/EXERCISE/0011223344556677/NORTH/0", size=7),
    LineTestItem(serial=4, phrase="the quick brown fox"),
]


def opened(world: World, packet: Packet | bytes, **changes: Any) -> OpenedCell:
    encoded = packet if isinstance(packet, bytes) else encode_packet(packet)
    key: CertifiedKey = changes.pop("key", world.north.console)
    values: dict[str, Any] = {
        "packet": encoded,
        "signature": sign_packet(encoded, key.signer.ed25519),
        "peer": "NORTH",
        "key_id": world.south.prekey.key_id,
        "day": world.secret.base_day,
    }
    return OpenedCell(**(values | changes))


def refuse(world: World, cell: OpenedCell, reason: str, **changes: Any) -> None:
    values: dict[str, Any] = {"our_station": "SOUTH", "at_ms": world.now_ms} | changes
    with pytest.raises(PeerError, match=reason):
        verify_packet(world.roster, cell, **values)


def statement_item(world: World) -> StatementItem:
    order = Order(world.roster.line, "NORTH", 0, 1, ZERO_DIGEST, DIGEST)
    ledger = world.north.ledger
    return StatementItem(
        envelope=world.signed(), order=sign_order(order, ledger.signer.ed25519, ledger.cert_id)
    )


@pytest.mark.parametrize("item", SIMPLE, ids=lambda item: item.t)
def test_item_encoded_and_decoded_is_the_same(item: Item) -> None:
    assert decode_item(encode_item(item)) == item


def test_item_statement_carries_its_envelopes_to_the_byte(world: World) -> None:
    item = statement_item(world)
    encoded = encode_item(item)
    body = canonical.decode(encoded, what="x", max_bytes=60_000)
    assert set(body) == {"t", "envelope", "order"}
    assert canonical.encode(body["envelope"]) == item.envelope
    assert decode_item(encoded) == item


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "unknown-key"},
        {"ranges": [[1, 4, 3]]},
        {"ranges": [[1, 0, 3]]},
        {"ranges": [[1, 3]]},
        {"ranges": [[1, 3, 2**53]]},
        {"ranges": [[1, -1, 3]]},
        {"ranges": [[1, 3, 4]] * 33},
        {"ranges": [[1, "3", 4]]},
    ],
    ids=str,
)
def test_nack_that_names_what_is_no_numbers_of_a_gap_is_refused(changes: dict[str, Any]) -> None:
    good = {"t": "nack", "code": "gap", "detail": "missing", "ranges": [[1, 3, 4]]}
    assert item_from_json(good)
    with pytest.raises(PeerError):
        item_from_json(good | changes)


@pytest.mark.parametrize("value", [None, 1, [], {}, {"t": 1}, {"t": "bomb"}, {"t": []}], ids=str)
def test_item_of_no_known_kind_is_refused(value: Any) -> None:
    with pytest.raises(PeerError):
        item_from_json(value)


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, {"proof": ["5a" * 32] * 129}),
        (0, {"checkpoint": "x" * 16_385}),
        (0, {"old_size": -1}),
        (0, {"old_size": True}),
        (1, {"note": "two\nlines"}),
        (2, {"index": 7}),
        (2, {"leaf": canonical.to_base64(bytes(147))}),
        (2, {"salt": "0" * 63}),
        (2, {"content": canonical.to_base64(bytes(4_097))}),
        (3, {"at": "2026-02-30T00:00:00.000Z"}),
        (3, {"digest": "5A" * 32}),
        (4, {"reason": "x" * 241}),
        (4, {"reason": "a\u202eb"}),
        (5, {"code": "other"}),
        (6, {"origin": "a b"}),
        (7, {"serial": 1, "more": 1}),
    ],
    ids=str,
)
def test_item_with_a_field_out_of_bounds_is_refused(place: int, change: dict[str, Any]) -> None:
    body = canonical.decode(encode_item(SIMPLE[place]), what="x", max_bytes=60_000) | change
    with pytest.raises(PeerError):
        item_from_json(body)


def test_packet_encoded_and_read_is_the_same(world: World) -> None:
    certificate = CertificateItem(envelope=world.n1.certificate)
    packet = world.packet(*SIMPLE, statement_item(world), certificate)
    assert read_packet(encode_packet(packet)) == packet


@pytest.mark.parametrize("item", SIMPLE, ids=lambda item: item.t)
def test_item_written_by_hand_is_what_the_shape_says(item: Item) -> None:
    """The handshake's items and announcements are written without the JSON writer."""
    assert encode_item(item) == canonical.encode(item.model_dump(mode="json"))


@pytest.mark.parametrize("item", SIMPLE[-5:-2], ids=lambda item: item.t)
def test_changed_copy_of_an_item_is_written_anew(item: Item) -> None:
    written = encode_item(item)
    changed = item.model_copy(update={"known": 2**40})
    assert encode_item(changed) == canonical.encode(changed.model_dump(mode="json")) != written
    assert encode_item(item) == written


def test_packet_written_by_hand_is_canonical_and_says_every_field(world: World) -> None:
    packet = world.packet(*SIMPLE, statement_item(world), counter=7)
    encoded = encode_packet(packet)
    body = json.loads(encoded)
    assert canonical.encode(body) == encoded
    assert canonical.encode(body["announcement"]) == packet.announcement.written
    head = {"counter": 0, "digest": "00" * 32}
    assert body == {
        "announcement": packet.announcement.model_dump(mode="json"),
        "counter": 7,
        "from": "NORTH",
        "instance": "0f" * 16,
        "items": [json.loads(encode_item(item)) for item in packet.items],
        "line": world.roster.line.hex(),
        "revocation": head,
        "sent_at": format_time(world.now_ms),
        "to": "SOUTH",
        "to_kid": world.south.prekey.key_id.hex(),
        "v": 1,
    }


def crafted(world: World, **changes: Any) -> bytes:
    body = canonical.decode(encode_packet(world.packet()), what="x", max_bytes=60_000)
    return canonical.encode(body | changes)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {"t": "bomb"},
        {"t": "test", "serial": 1, "phrase": "hidden\u200b"},
        {"t": "test", "serial": 2**53, "phrase": ""},
        {"t": "test", "serial": 1.5, "phrase": ""},
        {"t": "statement", "envelope": [], "order": {}},
        {"t": [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]},
    ],
    ids=str,
)
def test_crafted_item_in_a_packet_does_not_stop_the_others(world: World, bad: Any) -> None:
    good = [canonical.decode(encode_item(item), what="x", max_bytes=9_999) for item in SIMPLE[3:5]]
    packet = read_packet(crafted(world, items=[good[0], bad, good[1]]))
    assert packet.items == tuple(SIMPLE[3:5])
    assert [place for place, _ in packet.refused] == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"counter": -1},
        {"to_kid": "00"},
        {"instance": "0F" * 16},
        {"from": "north"},
        {"sent_at": "now"},
        {"announcement": None},
        {"revocation": {"counter": 0}},
        {"more": 1},
        {"items": {}},
        {"items": [None] * 65},
        {"to": "SOUTH\u200b"},
        {"counter": 1.5},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_packet_malformed_around_its_items_is_refused(
    world: World, changes: dict[str, Any]
) -> None:
    with pytest.raises(PeerError):
        read_packet(crafted(world, **changes))


def test_packet_with_duplicate_json_keys_is_refused(world: World) -> None:
    encoded = encode_packet(world.packet()).replace(b'"counter":1', b'"counter":1,"counter":1')
    with pytest.raises(PeerError, match="canonical"):
        read_packet(encoded)


@pytest.mark.parametrize("junk", [b"[" * 50_000, b'{"items":' * 9_000, b"[" * 10 + b"]" * 10])
def test_packet_nested_deeply_is_refused(junk: bytes) -> None:
    with pytest.raises(PeerError):
        read_packet(junk)


def test_packet_over_its_bound_is_refused_and_never_written(world: World) -> None:
    with pytest.raises(PeerError, match="bound"):
        read_packet(b" " * (MAX_PACKET_BYTES + 1))
    head = HeadItem(checkpoint="x" * 16_000, old_size=0, proof=())
    with pytest.raises(InvariantError):
        encode_packet(world.packet(head, head, head, head))


def test_packet_of_the_sealing_station_to_us_is_verified(world: World) -> None:
    packet = world.packet(*SIMPLE)
    found = verify_packet(
        world.roster, opened(world, packet), our_station="SOUTH", at_ms=world.now_ms
    )
    assert found.packet == packet
    assert found.console.id == world.north.console.cert_id


def test_packet_of_another_line_is_refused(world: World) -> None:
    refuse(world, opened(world, world.packet(line=ZERO_DIGEST)), "another line")


def test_packet_resealed_to_a_third_station_is_refused(world: World) -> None:
    """SOUTH opens NORTH's packet and seals it on for somebody else."""
    refuse(world, opened(world, world.packet()), "another station", our_station="EAST")
    third_key = opened(world, world.packet(), key_id=world.east.prekey.key_id)
    refuse(world, third_key, "another station or key")


def test_packet_from_another_member_than_its_sealer_is_refused(world: World) -> None:
    """In a line of three, no member can speak as another."""
    refuse(world, opened(world, world.packet(), peer="EAST"), "not from the station")


def test_packet_from_outside_the_charter_is_refused(world: World) -> None:
    stranger = opened(world, world.packet(sender="EAST"), peer="EAST", key=world.east.console)
    refuse(world, stranger, "not from the station")


def test_packet_reflected_to_its_sender_is_refused(world: World) -> None:
    packet = world.packet(to="NORTH", to_kid=world.north.prekey.key_id)
    cell = opened(world, packet, key_id=world.north.prekey.key_id)
    refuse(world, cell, "our own", our_station="NORTH")


@pytest.mark.parametrize("key", ["n1", "ledger", "south"])
def test_packet_signed_by_another_key_than_the_console_is_refused(world: World, key: str) -> None:
    keys = {"n1": world.n1, "ledger": world.north.ledger, "south": world.south.console}
    refuse(world, opened(world, world.packet(), key=keys[key]), "no console key")


def test_packet_altered_after_signing_is_refused(world: World) -> None:
    cell = opened(world, world.packet())
    altered = encode_packet(world.packet(counter=2))
    refuse(world, replace(cell, packet=altered), "no console key")


@pytest.mark.parametrize("days", [-1, 93])
def test_packet_signed_by_a_console_key_out_of_date_is_refused(world: World, days: int) -> None:
    at_ms = world.now_ms + days * DAY_MS
    refuse(world, opened(world, world.packet()), "valid now", at_ms=at_ms)


def test_packet_signature_over_the_bare_bytes_is_refused(world: World) -> None:
    encoded = encode_packet(world.packet())
    bare = world.north.console.signer.ed25519.sign(encoded)
    refuse(world, opened(world, encoded, signature=bare), "no console key")


def test_announcement_says_until_when_it_may_be_used(world: World) -> None:
    announcement = world.packet().announcement
    assert announcement.not_after == format_time(announcement.not_after_ms)
