"""ML-DSA-65's verification in plain integers, after FIPS 204 (algorithm 8, empty context).

A second implementation where no outside tool knows the algorithm yet; slow, verifies only.
"""

from __future__ import annotations

import hashlib

Q, D, TAU, BETA, OMEGA = 8_380_417, 13, 49, 196, 55
GAMMA1, GAMMA2 = 1 << 19, (8_380_417 - 1) // 32
K, L, CHALLENGE_BYTES = 6, 5, 48
PUBLIC_BYTES, SIGNATURE_BYTES = 1_952, 3_309
Poly = list[int]

ZETAS = [pow(1753, int(f"{place:08b}"[::-1], 2), Q) for place in range(256)]


def shake256(content: bytes, size: int) -> bytes:
    return hashlib.shake_256(content).digest(size)


def ntt(poly: Poly) -> Poly:
    w, m, length = list(poly), 0, 128
    while length:
        for start in range(0, 256, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = ZETAS[m] * w[j + length] % Q
                w[j + length], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        length //= 2
    return w


def inverse_ntt(poly: Poly) -> Poly:
    w, m, length = list(poly), 256, 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j] = (t + w[j + length]) % Q
                w[j + length] = -ZETAS[m] * (t - w[j + length]) % Q
        length *= 2
    return [one * pow(256, -1, Q) % Q for one in w]


def expand(rho: bytes, row: int, column: int) -> Poly:
    """RejNTTPoly: one entry of the matrix, in the transformed domain already."""
    stream = hashlib.shake_128(rho + bytes([column, row])).digest(1_344)
    found = (
        int.from_bytes(stream[at : at + 3], "little") & 0x7FFFFF for at in range(0, len(stream), 3)
    )
    poly = [one for one in found if one < Q][:256]
    assert len(poly) == 256
    return poly


def challenge(seed: bytes) -> Poly:
    """SampleInBall: TAU ones and minus ones."""
    stream = iter(shake256(seed, 1_024))
    signs = int.from_bytes(bytes(next(stream) for _ in range(8)), "little")
    poly = [0] * 256
    for i in range(256 - TAU, 256):
        j = next(one for one in stream if one <= i)
        poly[i], poly[j] = poly[j], -1 if signs & 1 else 1
        signs >>= 1
    return poly


def unpack(content: bytes, bits: int) -> Poly:
    whole = int.from_bytes(content, "little")
    return [whole >> bits * place & (1 << bits) - 1 for place in range(256)]


def hints(content: bytes) -> list[set[int]] | None:
    """HintBitUnpack: None when spelled in another way than the one."""
    found, index = [], 0
    for end in content[OMEGA:]:
        places = list(content[index:end])
        if end < index or end > OMEGA or places != sorted(set(places)):
            return None
        found.append(set(places))
        index = end
    return None if any(content[index:OMEGA]) else found


def use_hint(hint: bool, value: int) -> int:
    low = value % (2 * GAMMA2)
    low -= 2 * GAMMA2 if low > GAMMA2 else 0
    if value - low == Q - 1:
        high, low = 0, low - 1
    else:
        high = (value - low) // (2 * GAMMA2)
    return (high + (1 if low > 0 else -1)) % 16 if hint else high


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    if len(public_key) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    rho, packed = public_key[:32], public_key[32:]
    seed, rest = signature[:CHALLENGE_BYTES], signature[CHALLENGE_BYTES:]
    z = [[GAMMA1 - one for one in unpack(rest[640 * i : 640 * i + 640], 20)] for i in range(L)]
    hinted = hints(rest[640 * L :])
    if hinted is None or any(abs(one) >= GAMMA1 - BETA for poly in z for one in poly):
        return False
    mu = shake256(shake256(public_key, 64) + b"\0\0" + message, 64)
    transformed, c = [ntt(poly) for poly in z], ntt(challenge(seed))
    encoded = b""
    for row in range(K):
        t1 = ntt([one << D for one in unpack(packed[320 * row : 320 * row + 320], 10)])
        matrix = [expand(rho, row, column) for column in range(L)]
        w = inverse_ntt(
            [
                (sum(a[i] * b[i] for a, b in zip(matrix, transformed, strict=True)) - c[i] * t1[i])
                % Q
                for i in range(256)
            ]
        )
        high = [use_hint(i in hinted[row], w[i]) for i in range(256)]
        encoded += bytes(high[i] | high[i + 1] << 4 for i in range(0, 256, 2))
    return shake256(mu + encoded, CHALLENGE_BYTES) == seed
