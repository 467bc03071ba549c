"""Ed25519's curve in plain integers, for keys and signatures that no library would make.

Slow and not constant in time: for made-up keys only. After RFC 8032 §5.1 and §6.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]

IDENTITY: Point = (0, 1)


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    cross = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P)
    return x % P, y % P


def times(scalar: int, point: Point) -> Point:
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _recover(y: int, odd: int) -> Point:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x & 1 == odd else -x % P), y


BASE = _recover(4 * pow(5, -1, P) % P, 0)


def _torsion() -> tuple[Point, ...]:
    """All eight points whose order divides 8: multiples of one of order 8."""
    y = 2
    while True:
        point = times(L, _recover(y, 0)) if _on_curve(y) else IDENTITY
        if times(4, point) != IDENTITY:
            return tuple(times(count, point) for count in range(8))
        y += 1


def _on_curve(y: int) -> bool:
    x, _ = _recover(y, 0)
    return (-x * x + y * y - 1 - D * x * x * y * y) % P == 0


TORSION = _torsion()


def encodings(point: Point) -> list[bytes]:
    """Every 32 bytes that a lenient reader takes for `point`, the canonical one first."""
    x, y = point
    ways = [encode(point)]
    if x == 0:
        ways.append((y | 1 << 255).to_bytes(32, "little"))
    if y < 19:
        ways += [(y + P | sign << 255).to_bytes(32, "little") for sign in {x & 1, int(x == 0)}]
    return ways


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def secret_scalar(seed: bytes) -> int:
    low = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return low & ((1 << 254) - 8) | 1 << 254


def mixed_key(seed: bytes) -> bytes:
    """The public key of `seed` with a point of order 8 added."""
    return encode(add(times(secret_scalar(seed), BASE), TORSION[1]))


def sign_mixed(seed: bytes, message: bytes) -> bytes:
    """A signature that `mixed_key` verifies: its challenge is a multiple of 8."""
    key, nonce = mixed_key(seed), 1
    while True:
        r = encode(times(nonce, BASE))
        k = challenge(r, key, message)
        if k % 8 == 0:
            s = (nonce + k * secret_scalar(seed)) % L
            return r + s.to_bytes(32, "little")
        nonce += 1
