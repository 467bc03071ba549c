"""Envelopes: one spelling only, bounded, and nothing but PeerError out."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.messages.statement import STATEMENT_TYPE
from hotline.core.values import Digest
from hotline.sealing.dsse import (
    ED25519,
    MLDSA65,
    Envelope,
    SignatureEntry,
    decode_envelope,
    encode_envelope,
    envelope_from_json,
    hybrid_signatures,
    single_signature,
)
from tests.fakes.mutate import mutated

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
KIND = "application/vnd.hotline.order.v1+json"


def entry(algorithm: str = ED25519, signer: int = 1) -> SignatureEntry:
    size = 64 if algorithm == ED25519 else 3309
    return SignatureEntry(Digest(bytes([signer]) * 32), algorithm, bytes(size))


def decode(encoded: bytes) -> Envelope:
    return decode_envelope(encoded, expect=(KIND,), what="order", max_bytes=60_000)


def test_envelope_encoded_and_decoded_is_the_same() -> None:
    envelope = Envelope(KIND, b"{}", (entry(), entry(MLDSA65)))
    assert decode(encode_envelope(envelope)) == envelope


def test_envelope_message_is_the_pae_of_dsse() -> None:
    assert Envelope("http://example.com/HelloWorld", b"hello world").message == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_envelope_of_another_type_is_refused() -> None:
    encoded = encode_envelope(Envelope("application/vnd.hotline.root.v1+json", b"{}", (entry(),)))
    with pytest.raises(PeerError, match="another kind"):
        decode(encoded)


def test_envelope_over_its_bound_is_refused() -> None:
    encoded = encode_envelope(Envelope(KIND, bytes(60_000), (entry(),)))
    with pytest.raises(PeerError, match="the bound is"):
        decode(encoded)


def test_envelope_nested_deeply_is_refused() -> None:
    with pytest.raises(PeerError):
        decode(b'{"payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}")


def test_envelope_with_duplicate_json_keys_is_refused() -> None:
    encoded = encode_envelope(Envelope(KIND, b"{}", (entry(),)))
    doubled = encoded.replace(b'"payload":"e30="', b'"payload":"e30=","payload":"e30="')
    assert doubled != encoded
    with pytest.raises(PeerError, match="canonical"):
        decode(doubled)


@pytest.mark.parametrize("count", [0, 33])
def test_envelope_without_or_with_too_many_signatures_is_refused(count: int) -> None:
    signatures = tuple(entry(signer=number) for number in range(count))
    with pytest.raises(PeerError, match="1 to 32"):
        decode(encode_envelope(Envelope(KIND, b"{}", signatures)))


def test_envelope_with_a_key_id_twice_is_refused() -> None:
    with pytest.raises(PeerError, match="twice"):
        decode(encode_envelope(Envelope(KIND, b"{}", (entry(), entry()))))


@pytest.mark.parametrize(
    "change",
    [
        {"keyid": "aa#ed25519"},
        {"keyid": "AA" * 32 + "#ed25519"},
        {"keyid": "aa" * 32 + "#ed448"},
        {"keyid": "aa" * 32 + "#ed25519\n"},
        {"keyid": 7},
        {"sig": "AAAA"},
        {"sig": None},
        {"sig": canonical.to_base64(bytes(64)).replace("=", "")},
        {"extra": ""},
    ],
    ids=lambda change: str(change)[:40],
)
def test_envelope_with_malformed_signature_entry_is_refused(change: dict[str, Any]) -> None:
    body = canonical.decode(
        encode_envelope(Envelope(KIND, b"{}", (entry(),))), what="x", max_bytes=9_999
    )
    body["signatures"][0] |= change
    with pytest.raises(PeerError):
        decode(canonical.encode(body))


@pytest.mark.parametrize(
    "change", [{"payload": "YR=="}, {"payload": 1}, {"payloadType": None}, {"more": 1}], ids=str
)
def test_envelope_with_malformed_field_is_refused(
    change: dict[str, Any], edit_json: Callable[..., bytes]
) -> None:
    encoded = encode_envelope(Envelope(KIND, b"a", (entry(),)))
    with pytest.raises(PeerError):
        decode(edit_json(encoded, **change))


def test_hybrid_signatures_with_one_half_only_is_refused() -> None:
    envelope = Envelope(KIND, b"{}", (entry(), entry(MLDSA65), entry(MLDSA65, signer=2)))
    with pytest.raises(PeerError, match="one half"):
        hybrid_signatures(envelope, what="order")


@pytest.mark.parametrize(
    "entries", [(entry(MLDSA65),), (entry(), entry(signer=2)), (entry(), entry(MLDSA65))]
)
def test_single_signature_with_anything_else_is_refused(
    entries: tuple[SignatureEntry, ...],
) -> None:
    with pytest.raises(PeerError, match="exactly one"):
        single_signature(Envelope(KIND, b"{}", entries), what="order")


def test_envelope_read_at_once_is_what_reading_step_by_step_gives() -> None:
    """The quick way in decode_envelope must take nothing that the slow one refuses."""
    samples = [
        base64.b64decode(json.loads(path.read_text("utf-8"))["input"]["envelope"])
        for path in sorted((VECTORS / "v1" / "statement").glob("*.json"))
    ]
    expect, chance = (STATEMENT_TYPE, KIND), random.Random(7)

    def step_by_step(encoded: bytes) -> object:
        body = canonical.decode(encoded, what="x", max_bytes=60_000)
        return envelope_from_json(body, expect=expect, what="x")

    def at_once(encoded: bytes) -> object:
        return decode_envelope(encoded, expect=expect, what="x", max_bytes=60_000)

    def answer(read: Callable[[bytes], object], encoded: bytes) -> object:
        try:
            return read(encoded)
        except PeerError as error:
            return str(error)

    damaged = [mutated(chance.choice(samples), samples, chance) for _ in range(3_000)]
    answers = [answer(step_by_step, one) for one in (*samples, *damaged)]
    assert [answer(at_once, one) for one in (*samples, *damaged)] == answers
    assert sum(not isinstance(one, str) for one in answers) > 40
