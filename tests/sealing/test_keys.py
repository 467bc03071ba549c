"""Keys: points, halves, sealing keys, and that nothing secret prints."""

from __future__ import annotations

import hashlib

import nacl.bindings as sodium
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hotline.core.errors import InvariantError, PeerError
from hotline.core.values import Realm
from hotline.host.keyfile import KeyFile
from hotline.sealing.ed25519 import Ed25519Signer, check_point, verify_ed25519
from hotline.sealing.epoch import EpochSealer
from hotline.sealing.hybrid import (
    HybridPublicKey,
    HybridSeeds,
    HybridSignature,
    HybridSigner,
)
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.prekey import Prekey, PrekeyPublic, prekey_id
from hotline.sealing.tls_identity import make_tls_identity

SECRET = b"hush" * 8


def test_ed25519_signer_gives_the_first_vector_of_rfc_8032() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = Ed25519Signer(seed)
    assert signer.public_key.hex().startswith("d75a980182b10ab7d54bfed3c964073a")
    assert signer.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")
    assert verify_ed25519(signer.public_key, b"", signer.sign(b""))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_ed25519_verify_key_of_another_length_is_refused(size: int) -> None:
    signature = Ed25519Signer(SECRET).sign(b"m")
    assert not verify_ed25519(bytes(size), b"m", signature)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_ed25519_verify_signature_of_another_length_is_refused(size: int) -> None:
    signer = Ed25519Signer(SECRET)
    assert not verify_ed25519(signer.public_key, b"m", signer.sign(b"m").ljust(65, b"\0")[:size])


def test_small_order_key_with_universal_signature_is_refused() -> None:
    """The identity "signs" every message; the other library says yes to it."""
    point = b"\1" + bytes(31)
    signature = point + bytes(32)
    Ed25519PublicKey.from_public_bytes(point).verify(signature, b"anything")
    assert not verify_ed25519(point, b"anything", signature)


def test_small_order_key_at_certification_is_refused(
    small_order_points: tuple[bytes, ...],
) -> None:
    mldsa = HybridSigner(HybridSeeds(SECRET, SECRET)).public_key.mldsa65
    for point in small_order_points:
        with pytest.raises(PeerError, match="prime-order"):
            HybridPublicKey(point, mldsa)


def test_mixed_order_key_at_certification_is_refused(
    small_order_points: tuple[bytes, ...],
) -> None:
    mixed = sodium.crypto_core_ed25519_add(Ed25519Signer(SECRET).public_key, small_order_points[-1])
    with pytest.raises(PeerError, match="prime-order"):
        check_point(mixed)


def test_hybrid_key_with_malformed_mldsa_half_is_refused() -> None:
    with pytest.raises(PeerError, match="ML-DSA-65"):
        HybridPublicKey(Ed25519Signer(SECRET).public_key, bytes(1951))


@pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
def test_hybrid_verify_with_one_half_of_another_message_is_refused(half: str) -> None:
    signer = HybridSigner(HybridSeeds(SECRET, SECRET))
    good, other = signer.sign(b"hold fire"), signer.sign(b"open fire")
    halves = {"ed25519": good.ed25519, "mldsa65": good.mldsa65, half: getattr(other, half)}
    assert signer.public_key.verify(b"hold fire", good)
    assert not signer.public_key.verify(b"hold fire", HybridSignature(**halves))


@pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
def test_hybrid_verify_with_one_half_by_another_signer_is_refused(half: str) -> None:
    ours = HybridSigner(HybridSeeds(SECRET, SECRET))
    theirs = HybridSigner(HybridSeeds(bytes(32), bytes(32)))
    good, other = ours.sign(b"m"), theirs.sign(b"m")
    halves = {"ed25519": good.ed25519, "mldsa65": good.mldsa65, half: getattr(other, half)}
    assert not ours.public_key.verify(b"m", HybridSignature(**halves))


def test_prekey_from_seed_expands_as_documented() -> None:
    prekey = Prekey(SECRET)
    expanded = hashlib.shake_256(SECRET).digest(96)
    assert len(prekey.public.encoded) == 1216
    assert prekey.public.encoded[1184:] == sodium.crypto_scalarmult_base(expanded[64:])
    assert prekey.key_id == hashlib.sha256(b"kid1" + prekey.public.encoded).digest()[:16]
    assert prekey.key_id == prekey_id(prekey.public.encoded)


@pytest.mark.parametrize(
    "encoded",
    [b"", bytes(1215), b"\xff" * 1184 + b"\x09" + bytes(31)],
    ids=["empty", "short", "coefficients out of range"],
)
def test_prekey_public_malformed_is_refused(encoded: bytes) -> None:
    with pytest.raises(PeerError):
        PrekeyPublic(encoded)


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        b"\1" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
)
def test_prekey_public_with_small_order_point_is_refused(point: bytes) -> None:
    with pytest.raises(PeerError):
        PrekeyPublic(Prekey(SECRET).public.encoded[:1184] + point)


@pytest.mark.parametrize("kind", [Ed25519Signer, Prekey])
def test_key_from_seed_of_another_length_is_our_bug(kind: type) -> None:
    with pytest.raises(InvariantError):
        kind(bytes(31))


def test_secret_holders_in_repr_show_nothing() -> None:
    seeds = HybridSeeds(SECRET, SECRET)
    tls = make_tls_identity(station="NORTH", at_ms=10**12, entropy=lambda size: SECRET[:size])
    holders: list[object] = [
        Ed25519Signer(SECRET),
        seeds,
        HybridSigner(seeds),
        Prekey(SECRET),
        LineSecret(SECRET, 20_000),
        EpochSealer({202611: SECRET}, bytes),
        KeyFile("NORTH", Realm.EXERCISE, {"console": SECRET}),
        tls,
    ]
    for holder in holders:
        shown = repr(holder) + str(holder) + repr([holder])
        assert "hush" not in shown
        assert SECRET.hex() not in shown
        assert "PRIVATE" not in shown
