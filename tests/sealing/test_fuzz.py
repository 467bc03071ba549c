"""Any JSON in any place of what is signed or carried: a value or a PeerError, nothing else.

Damage to bytes is tried on every parser in tests/test_parsers.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.items import encode_item, item_from_json
from hotline.sealing.order import ORDER_TYPE, verify_order
from hotline.sealing.packet import encode_packet, read_packet
from hotline.sealing.statements import verify_statement
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


def only_peer_errors(parser: Parser, encoded: bytes) -> None:
    with contextlib.suppress(PeerError):
        parser(encoded)


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
