"""Whatever comes from outside, a parser gives a value or a PeerError and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.card import read_card
from hotline.sealing.cell import OpenedCell, open_cell, seal_cell
from hotline.sealing.certificate import check_body, read_certificate
from hotline.sealing.charter import charter_of, read_charter
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.enrolment import read_enrolment
from hotline.sealing.items import decode_item, encode_item, item_from_json
from hotline.sealing.line_secret import day_number
from hotline.sealing.order import ORDER_TYPE, Order, read_order, sign_order, verify_order
from hotline.sealing.packet import encode_packet, read_packet, sign_packet, verify_packet
from hotline.sealing.prekey import PrekeyPublic
from hotline.sealing.root import verify_root
from hotline.sealing.statements import verify_statement
from hotline.sealing.tls_identity import tls_pin
from tests.sealing.test_card import card_of, enrolment_of
from tests.sealing.test_packet import SIMPLE

if TYPE_CHECKING:
    from tests.sealing.conftest import World

Parser = Callable[[bytes], object]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "NORTH", "5a" * 32, "AAAA", "2026-11-22T14:31:26.000Z", "prekey"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A way to damage bytes: cut, insert, overwrite or repeat a stretch."""
    where, length = draw(st.floats(0, 1)), draw(st.integers(0, 40))
    filler = draw(st.binary(max_size=12) | st.sampled_from([b"[" * 4_000, b'"', b"\xed\xa0\x80"]))
    again = draw(st.booleans())

    def apply(whole: bytes) -> bytes:
        start = int(where * len(whole))
        stretch = whole[start : start + length] if again else b""
        return whole[:start] + stretch + filler + whole[start + length :]

    return apply


@pytest.fixture(scope="session")
def parsers(world: World) -> dict[str, tuple[Parser, bytes]]:
    """Each parser of outside bytes with something that it accepts."""
    ledger, roster = world.north.ledger, world.roster
    order = Order(roster.line, "NORTH", 0, 1, ZERO_DIGEST, Digest(bytes(32)))
    packet = encode_packet(world.packet(*SIMPLE))
    signature = sign_packet(packet, world.north.console.signer.ed25519)
    key_id = world.south.prekey.key_id

    def verify_opened(encoded: bytes) -> object:
        opened = OpenedCell(encoded, signature, "NORTH", key_id, 0)
        return verify_packet(roster, opened, our_station="SOUTH", at_ms=world.now_ms)

    def reopen(cell: bytes) -> object:
        return open_cell(
            cell,
            line=roster.line,
            prekeys={key_id: world.south.prekey},
            secrets={"NORTH": world.secret},
        )

    cell = seal_cell(
        packet,
        signature,
        recipient=world.south.prekey.public,
        line=roster.line,
        secret=world.secret,
        day=day_number(world.now_ms),
        entropy=world.entropy,
    )
    body = canonical.decode(world.n1.certificate, what="x", max_bytes=60_000)["payload"]
    return {
        "root": (verify_root, world.north.root.record),
        "certificate": (read_certificate, world.n1.certificate),
        "certificate body": (check_body, canonical.from_base64(body, what="x")),
        "certificate in roster": (roster.with_certificate, world.n1.certificate),
        "charter": (lambda encoded: charter_of(read_charter(encoded)), world.charter),
        "statement": (
            lambda encoded: verify_statement(roster, encoded, at_ms=world.now_ms),
            world.signed(),
        ),
        "order": (read_order, sign_order(order, ledger.signer.ed25519, ledger.cert_id)),
        "signed order": (
            lambda encoded: verify_order(roster, encoded),
            sign_order(order, ledger.signer.ed25519, ledger.cert_id),
        ),
        "item": (decode_item, encode_item(SIMPLE[2])),
        "packet": (read_packet, packet),
        "verified packet": (verify_opened, packet),
        "cell": (reopen, cell),
        "card": (read_card, card_of(world, world.north)),
        "opening": (lambda encoded: read_enrolment(encoded, "open"), enrolment_of(world)),
        "prekey": (PrekeyPublic, world.south.prekey.public.encoded),
        "tls certificate": (tls_pin, bytes.fromhex("308201") + bytes(300)),
    }


def only_peer_errors(parser: Parser, encoded: bytes) -> None:
    with contextlib.suppress(PeerError):
        parser(encoded)


@given(change=damage())
def test_parsers_given_damaged_bytes_raise_peer_errors_only(
    parsers: dict[str, tuple[Parser, bytes]], change: Callable[[bytes], bytes]
) -> None:
    for parser, sample in parsers.values():
        only_peer_errors(parser, change(sample))


@given(junk=st.binary(max_size=200) | VALUES.map(str).map(str.encode))
def test_parsers_given_junk_raise_peer_errors_only(
    parsers: dict[str, tuple[Parser, bytes]], junk: bytes
) -> None:
    for parser, _ in parsers.values():
        only_peer_errors(parser, junk)


@given(place=st.integers(0, len(SIMPLE) - 1), key=st.integers(0, 9), value=VALUES)
def test_item_with_any_value_in_any_field_raises_peer_errors_only(
    place: int, key: int, value: Any
) -> None:
    body = canonical.decode(encode_item(SIMPLE[place]), what="x", max_bytes=9_999)
    name = sorted(body)[key % len(body)]
    try:
        item_from_json(body | {name: value})
    except PeerError:
        return
    assert name in body


@given(path=st.lists(st.integers(0, 20), min_size=1, max_size=3), value=VALUES)
def test_packet_with_any_value_in_any_place_raises_peer_errors_only(
    world: World, path: list[int], value: Any
) -> None:
    body = canonical.decode(encode_packet(world.packet(*SIMPLE)), what="x", max_bytes=60_000)
    inner: Any = body
    for step in path[:-1]:
        place = sorted(inner)[step % len(inner)] if isinstance(inner, dict) else step % len(inner)
        if not isinstance(inner[place], dict | list) or not inner[place]:
            break
        inner = inner[place]
    last = path[-1] % len(inner)
    inner[sorted(inner)[last] if isinstance(inner, dict) else last] = value
    try:
        encoded = canonical.encode(body)
    except InvariantError:
        return
    only_peer_errors(read_packet, encoded)


@given(payload=VALUES)
def test_statement_signed_over_any_json_raises_peer_errors_only(world: World, payload: Any) -> None:
    try:
        encoded = canonical.encode(payload)
    except InvariantError:
        return
    for kind in (ORDER_TYPE, "application/vnd.hotline.statement.v1+json"):
        envelope = Envelope(kind, encoded)
        signed = envelope.with_hybrid(world.n1.cert_id, world.n1.signer.sign(envelope.message))
        for parser in (
            lambda data: verify_statement(world.roster, data, at_ms=world.now_ms),
            lambda data: verify_order(world.roster, data),
        ):
            with pytest.raises(PeerError):
                parser(encode_envelope(signed))
