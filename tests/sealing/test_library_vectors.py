"""Published vectors through our own wrappers: HPKE, Ed25519, ML-DSA-65, HKDF, HMAC, XChaCha20.

They come from the package cryptography-vectors, of the same release as the library; the
XChaCha20-Poly1305 one is the draft's own. Nothing is copied in.
"""

from __future__ import annotations

import importlib.resources
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.values import Digest
from hotline.sealing.aead import expand, extract, mac, open_xchacha, seal_xchacha
from hotline.sealing.cell import _HPKE, CELL_TYPE, open_cell
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.mldsa import MldsaSigner, verify_mldsa65
from hotline.sealing.prekey import Prekey, PrekeyPublic
from tests.fakes import fips204

SHELF = importlib.resources.files("cryptography_vectors")
OUR_KEM, OUR_KDF, OUR_AEAD = 0x647A, 1, 3
LINE = Digest(b"\x11" * 32)


def read(*path: str) -> str:
    return SHELF.joinpath(*path).read_text("ascii")


def rows(text: str, first: str = "count") -> Iterator[dict[str, str]]:
    """Yield the records of a file of `name = value` lines, each begun by `first`."""
    record: dict[str, str] = {}
    for line in text.splitlines():
        name, found, value = line.partition("=")
        if not found or line.startswith("#"):
            continue
        if name.strip().lower() == first and record:
            yield record
            record = {}
        record[name.strip().lower()] = value.strip()
    yield record


def hpke_vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(read("HPKE", name))
    return [one for one in found if one["mode"] == 0 and one["kdf_id"] == OUR_KDF]


PUBLISHED = [one for one in hpke_vectors("hpke-pq-test-vectors.json") if one["kem_id"] == OUR_KEM]
ALL_BASE = hpke_vectors("hpke-pq-test-vectors.json") + hpke_vectors("test-vectors.json")


def key_schedule(
    shared: bytes, info: bytes, kem: int, aead: int, size: int = 32
) -> tuple[bytes, bytes, bytes]:
    """RFC 9180 §5.1 in base mode, over our HKDF: key, base nonce, exporter secret."""
    suite = b"HPKE" + struct.pack(">HHH", kem, OUR_KDF, aead)

    def labelled(salt: bytes, label: bytes, material: bytes) -> bytes:
        return extract(b"HPKE-v1" + suite + label + material, salt or bytes(32))

    def part(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        named = struct.pack(">H", length) + b"HPKE-v1" + suite + label + context
        return expand(secret, named)[:length]

    context = b"\0" + labelled(b"", b"psk_id_hash", b"") + labelled(b"", b"info_hash", info)
    secret = labelled(shared, b"secret", b"")
    return (
        part(secret, b"key", context, size),
        part(secret, b"base_nonce", context, 12),
        part(secret, b"exp", context, 32),
    )


def test_published_hpke_vectors_for_our_suite_are_there() -> None:
    assert [one["aead_id"] for one in PUBLISHED] == [OUR_AEAD]
    assert len([one for one in ALL_BASE if one["aead_id"] == OUR_AEAD]) >= 5


@pytest.mark.parametrize("vector", ALL_BASE, ids=lambda one: f"{one['kem_id']}-{one['aead_id']}")
def test_key_schedule_over_our_hkdf_is_the_published_one(vector: dict[str, Any]) -> None:
    shared, info = bytes.fromhex(vector["shared_secret"]), bytes.fromhex(vector["info"])
    size = len(bytes.fromhex(vector["key"]))
    if vector["aead_id"] == 0xFFFF:
        size = 0
    found = key_schedule(shared, info, vector["kem_id"], vector["aead_id"], size)
    assert found[2].hex() == vector["exporter_secret"]
    if size:
        assert [one.hex() for one in found[:2]] == [vector["key"], vector["base_nonce"]]


@pytest.mark.parametrize("vector", PUBLISHED, ids="x".format)
def test_our_prekey_is_the_published_key_pair(vector: dict[str, Any]) -> None:
    prekey = Prekey(bytes.fromhex(vector["skRm"]))
    assert prekey.public.encoded.hex() == vector["pkRm"]
    assert PrekeyPublic(bytes.fromhex(vector["pkRm"])) == prekey.public


@pytest.mark.parametrize("vector", PUBLISHED, ids="x".format)
def test_our_suite_opens_what_the_published_key_sealed(vector: dict[str, Any]) -> None:
    prekey = Prekey(bytes.fromhex(vector["skRm"]))
    enc, info = bytes.fromhex(vector["enc"]), bytes.fromhex(vector["info"])
    cipher = ChaCha20Poly1305(bytes.fromhex(vector["key"]))
    base = int.from_bytes(bytes.fromhex(vector["base_nonce"]))
    for count, one in enumerate(vector["encryptions"]):
        # Its ciphertexts carry associated data, ours never do: open with the published key.
        nonce = (base ^ count).to_bytes(12)
        assert nonce.hex() == one["nonce"]
        plain = cipher.decrypt(nonce, bytes.fromhex(one["ct"]), bytes.fromhex(one["aad"]))
        assert plain == bytes.fromhex(one["pt"])
    sealed = enc + cipher.encrypt(base.to_bytes(12), b"as published", None)
    assert _HPKE.decrypt(sealed, prekey.handle, info) == b"as published"


@pytest.mark.parametrize("vector", PUBLISHED, ids="x".format)
@pytest.mark.parametrize("flip", [None, 0, 25, 1_088 + 25, 1_145, -1])
def test_cell_from_the_published_encapsulation_opens(
    vector: dict[str, Any], flip: int | None
) -> None:
    """A whole cell, written without any HPKE library from the vector's enc and shared secret."""
    prekey, secret, signature = Prekey(bytes.fromhex(vector["skRm"])), bytes(32), b"s" * 64
    header = b"HLC1" + struct.pack(">B16sI", 1, prekey.key_id, 20_779)
    shared = bytes.fromhex(vector["shared_secret"])
    info = canonical.pae(CELL_TYPE, header + LINE)
    key, nonce, _ = key_schedule(shared, info, OUR_KEM, OUR_AEAD)
    padded = (struct.pack(">I", 2) + b"{}" + signature).ljust(4096, b"\0")
    inner = seal_xchacha(mac(secret, header), bytes(24), padded, header)
    cell = bytearray(
        header + bytes.fromhex(vector["enc"]) + ChaCha20Poly1305(key).encrypt(nonce, inner, None)
    )
    assert len(vector["enc"]) == 2 * 1_120

    def opened() -> tuple[bytes, bytes]:
        found = open_cell(
            bytes(cell),
            line=LINE,
            prekeys={prekey.key_id: prekey},
            secrets={"NORTH": LineSecret(secret, 20_779)},
        )
        return found.packet, found.signature

    if flip is None:
        assert opened() == (b"{}", signature)
        return
    cell[flip] ^= 1
    with pytest.raises(PeerError):
        opened()


def test_library_opens_every_published_base_vector_of_x25519() -> None:
    """RFC 9180's own KEM is not in our suite; KDF and AEAD are, and the library's use of them."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    found = [one for one in ALL_BASE if (one["kem_id"], one["aead_id"]) == (0x20, OUR_AEAD)]
    assert found
    for one in found:
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(one["skRm"]))
        cipher = ChaCha20Poly1305(bytes.fromhex(one["key"]))
        sealed = bytes.fromhex(one["enc"]) + cipher.encrypt(
            bytes.fromhex(one["base_nonce"]), b"m", None
        )
        assert suite.decrypt(sealed, private, bytes.fromhex(one["info"])) == b"m"


def test_ed25519_signs_and_verifies_all_published_vectors() -> None:
    lines = read("asymmetric", "Ed25519", "sign.input").splitlines()
    assert len(lines) == 1_024
    for line in lines:
        secret, public, message, signed = (bytes.fromhex(one) for one in line.split(":")[:4])
        signer = Ed25519Signer(secret[:32])
        assert signer.public_key == public
        assert signer.sign(message) == signed[:64]
        assert verify_ed25519(public, message, signed[:64])
        assert not verify_ed25519(public, message + b"\0", signed[:64])


def mldsa_vectors() -> list[dict[str, bytes]]:
    text = read("asymmetric", "MLDSA", "kat_MLDSA_65_det_pure.rsp")
    return [
        {name: bytes.fromhex(row[name]) for name in ("xi", "pk", "msg", "sm", "ctx")}
        for row in rows(text)
    ]


def test_mldsa65_published_keys_are_ours_and_signatures_with_a_context_are_not() -> None:
    """Every published signature has a context; ours has none, so that none of them passes."""
    vectors = mldsa_vectors()
    assert len(vectors) == 100
    for one in vectors:
        signature = one["sm"][: fips204.SIGNATURE_BYTES]
        assert MldsaSigner(one["xi"]).public_key == one["pk"]
        MLDSA65PublicKey.from_public_bytes(one["pk"]).verify(signature, one["msg"], one["ctx"])
        assert verify_mldsa65(one["pk"], one["msg"], signature) == (one["ctx"] == b"")


def test_mldsa65_damaged_signatures_are_refused_by_us_and_by_the_standard() -> None:
    """Ours against FIPS 204 by hand: cut, bent, with hints spelled in another way."""
    signer = MldsaSigner(bytes(range(32)))
    message = b"m"
    drawn = (signer.sign(message) for _ in range(1_000))
    good = next(one for one in drawn if 2 <= one[-6] <= one[-5] < one[-1] < 55)
    spoilt = [good[:-1], good + b"\0", bytes(len(good)), b"\xff" * len(good)]
    spoilt += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in (0, 47, 48, 3_000)]
    ends = good[-6:]
    spoilt.append(good[:-6] + bytes([ends[0], *sorted(ends[1:], reverse=True)]))
    filled = bytearray(good)
    filled[3_248 + ends[-1]] = 200  # behind the last hint only zeros may stand
    spoilt.append(bytes(filled))
    swapped = bytearray(good)
    swapped[3_248], swapped[3_249] = good[3_249], good[3_248]
    spoilt.append(bytes(swapped))
    for signature in (good, *spoilt):
        wanted = fips204.verify(signer.public_key, message, signature)
        assert (
            verify_mldsa65(signer.public_key, message, signature) is wanted is (signature == good)
        )


def test_hkdf_and_hmac_give_the_published_values() -> None:
    seen = 0
    for name in ("rfc-5869-HKDF-SHA256.txt", "hkdf-generated.txt"):
        for row in rows(read("KDF", name)):
            material, salt = bytes.fromhex(row["ikm"]), bytes.fromhex(row["salt"])
            prk = extract(material, salt or bytes(32))
            assert prk.hex() == row.get("prk", prk.hex())
            assert expand(prk, bytes.fromhex(row["info"])).hex() == row["okm"][:64]
            seen += 1
    for row in rows(read("HMAC", "rfc-4231-sha256.txt"), "len"):
        found = mac(bytes.fromhex(row["key"]), bytes.fromhex(row["msg"]))
        assert found.hex().startswith(row["md"])
        seen += 1
    assert seen >= 8


def test_xchacha20_poly1305_gives_the_value_of_the_draft() -> None:
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    aad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    sealed = seal_xchacha(key, nonce, text, aad)
    assert sealed[:24] == nonce
    assert sealed[24:].hex() == (
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f"
        "4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f"
        "76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    )
    assert open_xchacha(key, sealed, aad) == text


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha §2.2, in plain integers."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def turn(a: int, b: int, c: int, d: int) -> None:
        for to, by, mixed, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[to] = (state[to] + state[by]) & 0xFFFFFFFF
            one = state[mixed] ^ state[to]
            state[mixed] = (one << bits | one >> 32 - bits) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            turn(column, 4 + column, 8 + column, 12 + column)
        for row in range(4):
            turn(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 63, 64, 65, 4_096, 61_000])
def test_xchacha20_poly1305_agrees_with_the_other_library(size: int) -> None:
    key, nonce, aad = bytes(range(32)), bytes(range(100, 124)), bytes(size % 31)
    text = bytes(at % 251 for at in range(size))
    other = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    theirs = nonce + other.encrypt(bytes(4) + nonce[16:], text, aad)
    assert seal_xchacha(key, nonce, text, aad) == theirs
    assert open_xchacha(key, theirs, aad) == text
    for at in {0, 23, 24, len(theirs) - 17, len(theirs) - 1}:
        bent = theirs[:at] + bytes([theirs[at] ^ 0x80]) + theirs[at + 1 :]
        assert open_xchacha(key, bent, aad) is None
    assert open_xchacha(key, theirs, aad + b"\0") is None


_SMALL = (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
)
X25519_SMALL = [*_SMALL, *(one[:-2] + f"{int(one[-2:], 16) | 0x80:02x}" for one in _SMALL)]
"""Every u whose exchange gives zeros, over p too, and with the bit that RFC 7748 masks."""


@pytest.mark.parametrize("point", X25519_SMALL)
def test_sealing_key_with_a_point_of_small_order_is_refused(point: str) -> None:
    good = Prekey(bytes(32)).public.encoded
    with pytest.raises(PeerError, match="malformed"):
        PrekeyPublic(good[:1184] + bytes.fromhex(point))
