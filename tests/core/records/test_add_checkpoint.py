"""What outside witnesses get, and the names of their keys: docs/ledger.md §16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.add_checkpoint import (
    AddCheckpoint,
    WitnessKey,
    append_answer,
    decode_add_checkpoint,
    decode_vkey,
    encode_add_checkpoint,
    encode_vkey,
    witness_keys,
)
from hotline.core.records.checkpoint import Checkpoint, NoteSignature, format_note, key_id
from hotline.core.values import sha256

HEAD = Checkpoint("example.com/behind-the-sofa", 20_852_163, sha256(b"root"))
NOTE = format_note(HEAD, [NoteSignature(HEAD.origin, b"\x03\x3d\xe0\xae", bytes(64))])
BODY = AddCheckpoint(20_852_014, (sha256(b"a"), sha256(b"b")), NOTE)
ENCODED = encode_add_checkpoint(BODY)


def test_body_is_written_as_published() -> None:
    lines = ENCODED.decode().split("\n")
    assert lines[0] == "old 20852014"
    assert [len(line) for line in lines[1:3]] == [44, 44]
    assert lines[3:6] == ["", "example.com/behind-the-sofa", "20852163"]
    assert ENCODED.endswith(NOTE)


@given(old=st.integers(0, HEAD.size), count=st.integers(0, 63))
def test_body_reads_back(old: int, count: int) -> None:
    proof = () if old in (0, HEAD.size) else (sha256(b"n"),) * count
    body = AddCheckpoint(old, proof, NOTE)
    assert decode_add_checkpoint(encode_add_checkpoint(body)) == body


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        ENCODED[:-1],
        ENCODED + b"x",
        ENCODED.replace(b"old 2", b"old  2"),
        ENCODED.replace(b"old 2", b"old 02"),
        ENCODED.replace(b"old 2", b"size 2"),
        ENCODED.replace(b"old 20852014", b"old 20852164"),
        ENCODED.replace(b"old 20852014", b"old 0"),
        ENCODED.replace(b"old 20852014", b"old 20852163"),
        ENCODED.replace(b"\n", b"\r\n"),
        b"x" * 30_000,
    ],
)
def test_body_in_another_spelling_is_refused(spoiled: bytes) -> None:
    with pytest.raises(PeerError):
        decode_add_checkpoint(spoiled)


def test_body_that_would_not_read_back_is_not_written() -> None:
    with pytest.raises(InvariantError):
        encode_add_checkpoint(AddCheckpoint(HEAD.size + 1, (), NOTE))
    with pytest.raises(InvariantError):
        encode_add_checkpoint(AddCheckpoint(0, (sha256(b"a"),), NOTE))


def test_answer_makes_a_note_with_the_head() -> None:
    line = format_note(HEAD, [NoteSignature("witness.example", b"abcd", bytes(72))])
    answer = line.partition(b"\n\n")[2]
    assert append_answer(NOTE, answer).count("—".encode()) == 2
    with pytest.raises(PeerError):
        append_answer(NOTE, b"409\n")
    with pytest.raises(PeerError):
        append_answer(NOTE, answer + answer)


KEY = WitnessKey("witness.example/w1", bytes(range(32)))


def test_vkey_reads_back_and_names_its_key() -> None:
    text = encode_vkey(KEY)
    name, known, _ = text.split("+", 2)
    assert (name, bytes.fromhex(known)) == (KEY.name, key_id(KEY.name, KEY.public_key, 4))
    assert decode_vkey(text) == KEY


def test_vkey_of_the_go_library_has_the_key_id_that_ours_computes() -> None:
    """The example key of the note package in Go, of type 1: refused as a witness's."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    public_key = bytes.fromhex("1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6")
    assert key_id("PeterNeumann", public_key).hex() == "c74f20a3"
    with pytest.raises(PeerError, match="type 4"):
        decode_vkey(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "witness",
        encode_vkey(KEY)[:-1],
        encode_vkey(KEY).replace("w1", "w2"),
        encode_vkey(KEY).replace("+", "++", 1),
        " " + encode_vkey(KEY),
        encode_vkey(KEY) + "\n",
        encode_vkey(KEY).upper(),
    ],
)
def test_vkey_misspelled_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        decode_vkey(text)


def test_two_keys_of_one_witness_both_count() -> None:
    other = WitnessKey(KEY.name, bytes(reversed(range(32))))
    found = witness_keys([encode_vkey(KEY), encode_vkey(other)])
    assert found == {KEY.name: (KEY.public_key, other.public_key)}
