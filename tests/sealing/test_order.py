"""Orders: numbered by the station, signed by its ledger key and by no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import ZERO_DIGEST, Digest, sha256
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.order import (
    ORDER_TYPE,
    Order,
    order_digest,
    read_order,
    sign_order,
    verify_order,
)

if TYPE_CHECKING:
    from tests.sealing.conftest import World


def first(world: World, digest: Digest, **changes: Any) -> Order:
    order = Order(world.roster.line, "NORTH", 0, 1, ZERO_DIGEST, digest)
    return replace(order, **changes)


def signed(world: World, order: Order) -> bytes:
    ledger = world.north.ledger
    return sign_order(order, ledger.signer.ed25519, ledger.cert_id)


def test_order_signed_by_the_ledger_key_verifies(world: World, digest: Digest) -> None:
    order = first(world, digest)
    found, certificate = verify_order(world.roster, signed(world, order))
    assert found == order
    assert certificate.id == world.north.ledger.cert_id
    assert read_order(signed(world, order)) == order


def test_order_digest_is_the_identity_of_its_envelope(world: World, digest: Digest) -> None:
    order = first(world, digest)
    payload = canonical.from_base64(
        canonical.decode(signed(world, order), what="x", max_bytes=9_999)["payload"], what="x"
    )
    assert order_digest(order) == sha256(canonical.pae(ORDER_TYPE, payload))
    assert order_digest(replace(order, seq=2)) != order_digest(order)


@pytest.mark.parametrize("usage", ["console", "n1"])
def test_order_signed_by_another_key_is_refused(world: World, digest: Digest, usage: str) -> None:
    key = world.n1 if usage == "n1" else world.north.console
    forged = sign_order(first(world, digest), key.signer.ed25519, key.cert_id)
    with pytest.raises(PeerError, match="ledger key"):
        verify_order(world.roster, forged)


def test_order_signed_by_another_stations_ledger_key_is_refused(
    world: World, digest: Digest
) -> None:
    ledger = world.south.ledger
    forged = sign_order(first(world, digest), ledger.signer.ed25519, ledger.cert_id)
    with pytest.raises(PeerError, match="another station"):
        verify_order(world.roster, forged)


def test_order_under_the_ledger_certificate_but_by_another_key_is_refused(
    world: World, digest: Digest
) -> None:
    forged = sign_order(
        first(world, digest), world.north.console.signer.ed25519, world.north.ledger.cert_id
    )
    with pytest.raises(PeerError, match="does not verify"):
        verify_order(world.roster, forged)


def test_order_with_a_hybrid_signature_is_refused(world: World, digest: Digest) -> None:
    ledger = world.north.ledger
    payload = canonical.from_base64(
        canonical.decode(signed(world, first(world, digest)), what="x", max_bytes=9_999)["payload"],
        what="x",
    )
    envelope = Envelope(ORDER_TYPE, payload)
    envelope = envelope.with_hybrid(ledger.cert_id, ledger.signer.sign(envelope.message))
    with pytest.raises(PeerError):
        verify_order(world.roster, encode_envelope(envelope))


def test_order_of_another_line_is_refused(world: World, digest: Digest) -> None:
    with pytest.raises(PeerError, match="another line"):
        verify_order(world.roster, signed(world, first(world, digest, line=ZERO_DIGEST)))


@pytest.mark.parametrize("changes", [{"seq": 2}, {"seq": 0}, {"prev": Digest(b"\1" * 32)}], ids=str)
def test_order_whose_first_and_only_first_has_no_zeros_before_it_is_refused(
    world: World, digest: Digest, changes: dict[str, Any]
) -> None:
    with pytest.raises(PeerError):
        read_order(signed(world, first(world, digest, **changes)))
