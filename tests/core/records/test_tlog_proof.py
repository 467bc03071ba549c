"""tlog-proof files, frozen and hostile: docs/ledger.md §15."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import Checkpoint, NoteSignature, format_note
from hotline.core.records.tlog_proof import (
    MAX_EXTRA_BYTES,
    MAX_PATH_NODES,
    MAX_TLOG_PROOF_BYTES,
    TlogProof,
    decode_tlog_proof,
    encode_tlog_proof,
)
from hotline.core.values import sha256

NOTE = format_note(
    Checkpoint("example.com/log", 109_482, sha256(b"root")),
    [NoteSignature("example.com/log", b"\x84\x8d\x83\x27", bytes(64))],
)
PROOF = TlogProof(73_894, (sha256(b"one"), sha256(b"two")), NOTE, b"out of band")
ENCODED = encode_tlog_proof(PROOF)

# As C2SP writes it: name, extra, index, path, an empty line, the checkpoint.
GOLDEN = (
    "c2sp.org/tlog-proof@v1\n"
    "extra b3V0IG9mIGJhbmQ=\n"
    "index 73894\n"
    "dpLDrTVAu4A8Agsz7mbNiIexI08OpuejxVYf40+x1tU=\n"
    "P8QKxnI90YLmnpPM1NdV1VNzhp8fiWbm+wK3LRHfzb0=\n"
    "\n"
    "example.com/log\n"
    "109482\n"
)


def test_proof_is_written_as_published() -> None:
    lines = ENCODED.decode().split("\n")
    assert lines[:3] == GOLDEN.split("\n")[:3]
    assert [base64.b64decode(one) for one in lines[3:5]] == list(PROOF.path)
    assert lines[5:8] == ["", "example.com/log", "109482"]
    assert ENCODED.endswith(b"\n\n" + NOTE)


def test_proof_of_the_public_example_reads() -> None:
    """The example in the public text, its cut signatures replaced by whole ones."""
    text = (
        "c2sp.org/tlog-proof@v1\n"
        "index 73894\n"
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
        "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
        "\n"
        "example.com/fancylog\n"
        "109482\n"
        "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
        "\n"
        f"— example.com/fancylog {base64.b64encode(bytes(68)).decode()}\n"
        f"— witness1.example {base64.b64encode(bytes(76)).decode()}\n"
    )
    proof = decode_tlog_proof(text.encode())
    assert (proof.index, len(proof.path), proof.extra) == (73_894, 2, None)
    assert encode_tlog_proof(proof) == text.encode()


@given(
    index=st.integers(0, 2**62),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PATH_NODES),
    extra=st.none() | st.binary(max_size=300),
)
def test_proof_reads_back(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(map(sha256, path)), NOTE, extra)
    assert decode_tlog_proof(encode_tlog_proof(proof)) == proof


@given(st.data())
def test_proof_with_any_byte_changed_is_refused_or_says_something_else(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ENCODED) - 1))
    spoiled = bytearray(ENCODED)
    spoiled[place] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_tlog_proof(bytes(spoiled))
    except PeerError:
        return
    assert read != PROOF
    assert encode_tlog_proof(read) == bytes(spoiled)


LINES = ENCODED.split(b"\n")


def joined(*lines: bytes) -> bytes:
    return b"\n".join(lines)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"\n\n",
        ENCODED[:-1],
        ENCODED + b"\n",
        ENCODED.replace(b"\n", b"\r\n"),
        ENCODED.replace(b"@v1", b"@v2"),
        ENCODED.replace(b"index 73894", b"index 073894"),
        ENCODED.replace(b"index 73894", b"index +73894"),
        ENCODED.replace(b"index 73894", b"index 73_894"),
        ENCODED.replace(b"index 73894", b"index  73894"),
        ENCODED.replace(b"index 73894", b"index 9999999999999999999"),
        ENCODED.replace(b"index 73894", "index ٧".encode()),
        joined(*LINES[:1], LINES[2], LINES[1], *LINES[3:]),
        joined(*LINES[:2], *LINES[3:]),
        joined(*LINES[:3], LINES[3][:-4], *LINES[4:]),
        joined(*LINES[:3], LINES[3][:-2] + b"V=", *LINES[4:]),
        joined(*LINES[:3], b"YR==", *LINES[4:]),
        joined(*LINES[:3], "ä".encode(), *LINES[4:]),
        joined(*LINES[:3], *[LINES[3]] * (MAX_PATH_NODES + 1), *LINES[4:]),
        joined(LINES[0], b"extra b3V0IG9mIGJhbmR=", *LINES[2:]),
        joined(LINES[0], b"extra !", *LINES[2:]),
        joined(LINES[0], LINES[1], *LINES[1:]),
        b"x" * (MAX_TLOG_PROOF_BYTES + 1),
    ],
)
def test_proof_in_another_spelling_is_refused(spoiled: bytes) -> None:
    with pytest.raises(PeerError):
        decode_tlog_proof(spoiled)


def test_proof_that_would_not_read_back_is_not_written() -> None:
    for bad in (
        TlogProof(-1, (), NOTE),
        TlogProof(2**62 + 1, (), NOTE),
        TlogProof(0, (sha256(b"x"),) * (MAX_PATH_NODES + 1), NOTE),
        TlogProof(0, (), NOTE[:-1]),
        TlogProof(0, (), NOTE, bytes(MAX_EXTRA_BYTES + 1)),
    ):
        with pytest.raises(InvariantError):
            encode_tlog_proof(bad)
