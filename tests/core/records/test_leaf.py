"""The leaf's bytes, frozen: docs/ledger.md §2."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.leaf import (
    ENCLOSURE,
    ENCLOSURE_KIND,
    LEAF_BYTES,
    MAX_INDEX,
    MAX_KIND,
    PUBLIC,
    Leaf,
    commitment,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    sealed_digest,
)
from hotline.core.times import MAX_TIME_MS
from hotline.core.values import ZERO_DIGEST, Digest

GOLDEN = Leaf(
    kind=3,
    flags=ENCLOSURE,
    index=258,
    recorded_at_ms=1_795_357_886_000,
    prev=Digest(b"\x11" * 32),
    subject=Digest(b"\x22" * 32),
    commitment=Digest(b"\x33" * 32),
    sealed_digest=Digest(b"\x44" * 32),
)
GOLDEN_HEX = (
    "01" "03" "0001" "0000000000000102" "000001a203ab4630"
    + "11" * 32 + "22" * 32 + "33" * 32 + "44" * 32
)  # fmt: skip

digests = st.binary(min_size=32, max_size=32).map(Digest)
leaves = st.builds(
    Leaf,
    kind=st.integers(1, MAX_KIND),
    flags=st.integers(0, ENCLOSURE | PUBLIC),
    index=st.integers(1, MAX_INDEX),
    recorded_at_ms=st.integers(0, MAX_TIME_MS),
    prev=digests,
    subject=digests,
    commitment=digests,
    sealed_digest=digests,
)


def test_leaf_encoded_is_the_frozen_bytes() -> None:
    assert encode_leaf(GOLDEN).hex() == GOLDEN_HEX
    assert len(encode_leaf(GOLDEN)) == LEAF_BYTES == 148


def test_leaf_hash_is_the_frozen_one() -> None:
    leaf = bytes.fromhex(GOLDEN_HEX)
    assert leaf_hash(leaf) == hashlib.sha256(b"\x00" + leaf).digest()
    assert (
        leaf_hash(leaf).hex() == "68f1b50d7e8519d22c9066e0fe8a2aa1446d7f4b89789a7fbbc0fc63703f82e7"
    )


def test_commitment_is_the_frozen_one() -> None:
    salt, content = b"s" * 32, b'{"v":1}'
    by_hand = hashlib.sha256(b"hotline content v1" + salt + content).digest()
    assert commitment(salt, content) == by_hand
    assert by_hand.hex() == "92760e108124332bdd69c6da97e1821d09417baf6ad27823b923f4939ca4c77e"


def test_sealed_digest_covers_blob_and_enclosure() -> None:
    blob, enclosure = hashlib.sha256(b"blob").digest(), hashlib.sha256(b"enclosure").digest()
    assert sealed_digest(b"blob") == blob
    assert sealed_digest(b"blob", b"enclosure") == hashlib.sha256(blob + enclosure).digest()
    assert sealed_digest(b"blob", b"") != sealed_digest(b"blob")


def test_enclosure_kind_is_no_kind_of_an_entry() -> None:
    assert ENCLOSURE_KIND == MAX_KIND + 1


@given(leaves)
def test_leaf_decoded_is_the_one_encoded(leaf: Leaf) -> None:
    assert decode_leaf(encode_leaf(leaf)) == leaf


@given(st.binary(min_size=LEAF_BYTES, max_size=LEAF_BYTES) | st.binary(max_size=200))
def test_junk_decodes_to_its_own_bytes_or_is_refused(junk: bytes) -> None:
    try:
        leaf = decode_leaf(junk)
    except PeerError:
        return
    assert encode_leaf(leaf) == junk


@pytest.mark.parametrize(
    "spoiled",
    [
        GOLDEN_HEX[:-2],
        GOLDEN_HEX + "00",
        "",
        "00" + GOLDEN_HEX[2:],
        "02" + GOLDEN_HEX[2:],
        "0100" + GOLDEN_HEX[4:],
        "01030004" + GOLDEN_HEX[8:],
        "01038001" + GOLDEN_HEX[8:],
        GOLDEN_HEX[:8] + "ff" * 8 + GOLDEN_HEX[24:],
        GOLDEN_HEX[:24] + "ff" * 8 + GOLDEN_HEX[40:],
        GOLDEN_HEX[:8] + "00" * 8 + GOLDEN_HEX[24:],
    ],
)
def test_leaf_of_another_shape_is_refused(spoiled: str) -> None:
    with pytest.raises(PeerError):
        decode_leaf(bytes.fromhex(spoiled))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": 0},
        {"kind": 256},
        {"flags": 4},
        {"flags": -1},
        {"index": -1},
        {"index": 0},
        {"recorded_at_ms": MAX_TIME_MS + 1},
        {"subject": b"short"},
    ],
)
def test_leaf_out_of_bounds_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(InvariantError):
        encode_leaf(replace(GOLDEN, **change))  # type: ignore[arg-type]


def test_first_leaf_has_zeros_before_it() -> None:
    first = replace(GOLDEN, index=0, prev=ZERO_DIGEST)
    assert decode_leaf(encode_leaf(first)) == first


def test_leaf_hash_and_commitment_of_another_length_are_bugs() -> None:
    with pytest.raises(InvariantError):
        leaf_hash(b"short")
    with pytest.raises(InvariantError):
        commitment(b"short", b"content")
