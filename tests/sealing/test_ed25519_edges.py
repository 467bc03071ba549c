"""Ed25519's edges: our verifier says what libsodium says, and no more.

Keys and signatures that no library makes (small order, mixed order, non-canonical spellings,
S + L), in all combinations, with messages for which the lenient equations hold.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from hotline.core.errors import PeerError
from hotline.sealing.ed25519 import check_point, verify_ed25519
from tests.fakes import curve

SEED = hashlib.sha256(b"edges").digest()
SECRET = curve.secret_scalar(SEED)
NONCE = 0x1234567890ABCDEF1234567890ABCDEF
MESSAGES = 24


@dataclass(frozen=True)
class Named:
    """32 bytes of a point, its discrete logarithm, and whether an honest signer writes it."""

    encoded: bytes
    scalar: int
    honest: bool


def points(scalar: int) -> list[Named]:
    """A point, the same with every torsion point added, and every torsion point alone."""
    plain = curve.times(scalar, curve.BASE)
    mixed = [curve.add(plain, torsion) for torsion in curve.TORSION]
    found = [Named(curve.encode(one), scalar, place == 0) for place, one in enumerate(mixed)]
    alone = [encoded for one in curve.TORSION for encoded in curve.encodings(one)]
    return found + [Named(encoded, 0, False) for encoded in alone]


def cases() -> Iterator[tuple[Named, Named, bytes, bytes, bool]]:
    """Yield (key, R, message, signature, honest)."""
    for key, r in itertools.product(points(SECRET), points(NONCE)):
        for number in range(MESSAGES):
            message = b"edge %d" % number
            s = (r.scalar + curve.challenge(r.encoded, key.encoded, message) * key.scalar) % curve.L
            for spelled in (s, s + curve.L):
                signature = r.encoded + spelled.to_bytes(32, "little")
                yield key, r, message, signature, key.honest and r.honest and spelled == s


def libsodium_accepts(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def openssl_accepts(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.fixture(scope="module")
def counted() -> Counter[str]:
    """Try every case once; every disagreement is an assertion of its own."""
    found: Counter[str] = Counter()
    for key, r, message, signature, honest in cases():
        ours = verify_ed25519(key.encoded, message, signature)
        assert ours == libsodium_accepts(key.encoded, message, signature)
        found["tried"] += 1
        found["accepted"] += ours
        found["honest"] += honest
        assert ours or not honest
        if ours and not honest:
            # Such a key gets no certificate: it is not of the prime-order group.
            assert not key.honest
            assert r.honest or r.scalar
            with pytest.raises(PeerError, match="prime-order"):
                check_point(key.encoded)
            found["mixed key"] += 1
        found["openssl only"] += not ours and openssl_accepts(key.encoded, message, signature)
    return found


def test_verifier_accepts_nothing_that_libsodium_refuses(counted: Counter[str]) -> None:
    assert counted["tried"] == 23 * 23 * MESSAGES * 2
    assert counted["honest"] == MESSAGES
    assert counted["accepted"] == counted["honest"] + counted["mixed key"]


def test_other_library_accepts_what_ours_refuses(counted: Counter[str]) -> None:
    """Why the verifier is libsodium's: signatures that fit under keys of small order."""
    assert counted["openssl only"] > 100


def test_key_that_may_be_certified_is_the_honest_one_alone() -> None:
    passed = []
    for one in points(SECRET):
        try:
            passed.append(check_point(one.encoded))
        except PeerError:
            assert not one.honest
    assert passed == [curve.encode(curve.times(SECRET, curve.BASE))]


def test_mixed_order_key_verifies_and_is_never_certified() -> None:
    key = curve.mixed_key(SEED)
    assert verify_ed25519(key, b"m", curve.sign_mixed(SEED, b"m"))
    with pytest.raises(PeerError, match="prime-order"):
        check_point(key)
