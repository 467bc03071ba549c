"""Notes, checkpoints and cosignatures, frozen and hostile: docs/ledger.md §7."""

from __future__ import annotations

import base64
import hashlib

import nacl.exceptions
import nacl.signing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Origin,
    build_origin,
    cosign,
    format_note,
    key_id,
    parse_cosignature,
    parse_note,
    parse_origin,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from hotline.core.records.merkle import EMPTY_ROOT
from hotline.core.values import Realm, sha256


class Key:
    def __init__(self, seed: int) -> None:
        self._key = nacl.signing.SigningKey(bytes([seed]) * 32)
        self.public_key = bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature


def verifier(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(public_key).verify(message, signature)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


LINE = sha256(b"line")
NORTH, SOUTH = Key(1), Key(2)
ORIGIN = build_origin(Realm.LIVE, LINE, "NORTH")
WITNESS = witness_name(Realm.LIVE, LINE, "SOUTH")
HEAD = Checkpoint(ORIGIN, 42, sha256(b"root"))
NOTE = sign_checkpoint(ORIGIN, 42, HEAD.root, NORTH)
COSIGNED = cosign(HEAD, WITNESS, SOUTH, 1_795_357_886)

GOLDEN_NOTE = (
    "hotline/LIVE/38a9c1e721584da284b90ceea4ed7eb8db15ac4ea86c2c75ec925d5f8799fcf0/NORTH/1"
    "\n"
    "42\n"
    "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
    "\n"
    "— hotline/LIVE/38a9c1e721584da284b90ceea4ed7eb8db15ac4ea86c2c75ec925d5f8799fcf0/NORTH"
    "/1 9TLN5slouEKWRwTj5dj8MICQzUuhdNNl+ENml1kwkeecD+NX0W/9qrOA5SjKd7TciUVkqywogjCtWQCC/r"
    "GidU5BVQM=\n"
)
GOLDEN_COSIGNED = (
    "hotline/LIVE/38a9c1e721584da284b90ceea4ed7eb8db15ac4ea86c2c75ec925d5f8799fcf0/NORTH/1"
    "\n"
    "42\n"
    "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
    "\n"
    "— hotline/LIVE/38a9c1e721584da284b90ceea4ed7eb8db15ac4ea86c2c75ec925d5f8799fcf0/SOUTH"
    " QG6PnwAAAABrAvy+Zu4Wcb+GMNRXEff2m44u1wIEkMdICbMeZ+FvD9QvWwwD5WGCHNgICJt8+NLKi3Q3B0yA"
    "w98AwAO4bndWPVzECg==\n"
)


def test_note_is_the_frozen_bytes() -> None:
    assert NOTE.decode() == GOLDEN_NOTE


def test_cosignature_is_the_frozen_bytes() -> None:
    assert COSIGNED.decode() == GOLDEN_COSIGNED


def test_note_is_signed_as_the_published_format_says() -> None:
    body, _, line = NOTE.decode().partition("\n\n")
    dash, name, blob = line.removesuffix("\n").split(" ")
    raw = base64.b64decode(blob)
    assert (dash, name) == ("—", ORIGIN)
    named = ORIGIN.encode() + b"\n\x01" + NORTH.public_key
    assert raw[:4] == hashlib.sha256(named).digest()[:4]
    assert verifier(NORTH.public_key, body.encode() + b"\n", raw[4:])


def test_cosignature_is_signed_as_the_published_format_says() -> None:
    line = COSIGNED.decode().splitlines()[-1]
    raw = base64.b64decode(line.split(" ")[2])
    named = WITNESS.encode() + b"\n\x04" + SOUTH.public_key
    assert raw[:4] == hashlib.sha256(named).digest()[:4]
    assert int.from_bytes(raw[4:12], "big") == 1_795_357_886
    message = b"cosignature/v1\ntime 1795357886\n" + HEAD.body()
    assert verifier(SOUTH.public_key, message, raw[12:])


def test_checkpoint_verified_is_the_one_signed() -> None:
    assert verify_checkpoint(NOTE, [SOUTH.public_key, NORTH.public_key], verifier) == HEAD


def test_cosignature_verified_tells_who_when_and_what() -> None:
    found = verify_cosignature(COSIGNED, WITNESS, [SOUTH.public_key], verifier)
    assert (found.checkpoint, found.signer, found.at_s) == (HEAD, WITNESS, 1_795_357_886)
    assert parse_cosignature(COSIGNED) == found


def test_checkpoint_by_another_key_is_refused() -> None:
    with pytest.raises(PeerError):
        verify_checkpoint(NOTE, [SOUTH.public_key], verifier)
    with pytest.raises(PeerError):
        verify_checkpoint(NOTE, [], verifier)


def test_cosignature_by_another_key_or_name_is_refused() -> None:
    with pytest.raises(PeerError):
        verify_cosignature(COSIGNED, WITNESS, [NORTH.public_key], verifier)
    other = witness_name(Realm.LIVE, LINE, "EAST")
    with pytest.raises(PeerError):
        verify_cosignature(COSIGNED, other, [SOUTH.public_key], verifier)


def test_checkpoint_does_not_pass_for_a_cosignature_nor_the_reverse() -> None:
    with pytest.raises(PeerError):
        verify_cosignature(NOTE, ORIGIN, [NORTH.public_key], verifier)
    with pytest.raises(PeerError):
        verify_checkpoint(COSIGNED, [SOUTH.public_key], verifier)


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_note_with_any_flipped_bit_is_refused(bit: int) -> None:
    spoiled = bytearray(NOTE)
    spoiled[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PeerError):
        verify_checkpoint(bytes(spoiled), [NORTH.public_key], verifier)


@given(st.integers(0, len(COSIGNED) * 8 - 1))
def test_cosignature_with_any_flipped_bit_is_refused(bit: int) -> None:
    spoiled = bytearray(COSIGNED)
    spoiled[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PeerError):
        verify_cosignature(bytes(spoiled), WITNESS, [SOUTH.public_key], verifier)


@given(st.binary(max_size=400))
def test_junk_is_refused_or_formats_back_to_itself(junk: bytes) -> None:
    try:
        note = parse_note(junk)
    except PeerError:
        return
    assert format_note(note.checkpoint, note.signatures) == junk


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_note_parsed_formats_back_to_its_bytes(size: int, root: bytes) -> None:
    note = sign_checkpoint(ORIGIN, size, sha256(root) if size else EMPTY_ROOT, NORTH)
    parsed = parse_note(note)
    assert format_note(parsed.checkpoint, parsed.signatures) == note


ROOT_LINE = base64.b64encode(HEAD.root)
STRAY = ROOT_LINE[:-2] + bytes([ROOT_LINE[-2] + 1]) + b"="


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n42\n", b"\n042\n"),
        (b"\n42\n", b"\n+42\n"),
        (b"\n42\n", b"\n4_2\n"),
        (b"\n42\n", b"\n 42\n"),
        (b"\n42\n", b"\n-42\n"),
        (b"\n42\n", b"\n\n"),
        (b"\n42\n", "\n٤٢\n".encode()),
        (b"\n42\n", b"\n9223372036854775808\n"),
        (b"\n42\n", b"\n99999999999999999999\n"),
        (b"\n42\n", b"\n0\n"),
        (b"\n42\n", b"\r\n42\r\n"),
        (b"\n42\n", "\u202842\u2028".encode()),
        (ROOT_LINE, ROOT_LINE.rstrip(b"=")),
        (ROOT_LINE, STRAY),
        (ROOT_LINE, ROOT_LINE + b"="),
        (ROOT_LINE, ROOT_LINE.replace(b"=", b" =")),
        (ROOT_LINE, base64.b64encode(HEAD.root[:31])),
        (ROOT_LINE, base64.b64encode(HEAD.root + b"x")),
        (ROOT_LINE, ROOT_LINE + b"\nextension"),
        (b"\n\n", b"\n\n\n"),
        (b"\n\n", b"\n"),
        (b"\xe2\x80\x94 ", b"- "),
        (b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        (b"\xe2\x80\x94 ", b"\xe2\x80\x94\t"),
        (b"hotline/", b"hot line/"),
        (b"hotline/", b"hot+line/"),
        (b"hotline/", "hötline/".encode()),
    ],
)
def test_note_spelled_otherwise_is_refused(old: bytes, new: bytes) -> None:
    assert old in NOTE
    with pytest.raises(PeerError):
        parse_note(NOTE.replace(old, new, 1))


@pytest.mark.parametrize("tail", [b"\n", b"x", b" ", b"\x00", b"junk\n"])
def test_note_with_trailing_bytes_is_refused(tail: bytes) -> None:
    with pytest.raises(PeerError):
        parse_note(NOTE + tail)


def test_note_without_its_last_newline_or_signature_is_refused() -> None:
    for spoiled in (NOTE[:-1], HEAD.body(), HEAD.body() + b"\n", b""):
        with pytest.raises(PeerError):
            parse_note(spoiled)


def test_note_over_its_bound_is_refused() -> None:
    line = NOTE.split(b"\n\n")[1]
    with pytest.raises(PeerError, match="bound"):
        parse_note(NOTE + line * (MAX_NOTE_BYTES // len(line)))


def test_note_with_a_second_signature_is_refused_by_verification() -> None:
    both = NOTE + COSIGNED.split(b"\n\n")[1]
    assert len(parse_note(both).signatures) == 2
    with pytest.raises(PeerError):
        verify_checkpoint(both, [NORTH.public_key], verifier)
    with pytest.raises(PeerError):
        parse_note(NOTE + NOTE.split(b"\n\n")[1])


def test_key_id_depends_on_name_algorithm_and_key() -> None:
    ids = {
        key_id(ORIGIN, NORTH.public_key),
        key_id(WITNESS, NORTH.public_key),
        key_id(ORIGIN, SOUTH.public_key),
        key_id(ORIGIN, NORTH.public_key, 4),
    }
    assert len(ids) == 4


def test_origin_is_read_back() -> None:
    origin = parse_origin(build_origin(Realm.EXERCISE, LINE, "SOUTH-2", 17))
    assert origin == Origin(Realm.EXERCISE, LINE.hex(), "SOUTH-2", 17)
    assert origin.witness_name == witness_name(Realm.EXERCISE, LINE, "SOUTH-2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH",
        "hotline/live/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/1",
        "hotline/LIVE/0123456789ABCDEF/NORTH/1",
        "hotline/LIVE/0123456789abcde/NORTH/1",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/north/1",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/-NORTH/1",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/0",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/01",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/1/",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/1\n",
        "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/١",
    ],
)
def test_origin_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        parse_origin(text)


def test_origin_of_a_bad_name_or_generation_is_not_built() -> None:
    with pytest.raises(PeerError):
        build_origin(Realm.LIVE, LINE, "north")
    with pytest.raises(InvariantError):
        build_origin(Realm.LIVE, LINE, "NORTH", 0)


def test_cosignature_without_a_time_is_refused() -> None:
    with pytest.raises(InvariantError):
        cosign(HEAD, WITNESS, SOUTH, 0)
