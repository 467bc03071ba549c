"""Frames as bytes. Spec: docs/transport.md §2.1, §2.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.frames import (
    MAX_CELL_BYTES,
    MAX_FRAME_BYTES,
    Bye,
    Cell,
    Frame,
    Ping,
    Pong,
    decode,
    encode,
)

NONCES = st.integers(0, 2**64 - 1)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.binary(min_size=1, max_size=200).map(Cell),
    NONCES.map(Ping),
    NONCES.map(Pong),
    st.integers(0, 2**16 - 1).map(Bye),
)


@given(FRAMES)
def test_frame_encoded_and_decoded_is_the_same(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(st.one_of(st.binary(max_size=40), FRAMES.map(encode)))
def test_decode_of_any_bytes_refuses_or_finds_their_one_frame(message: bytes) -> None:
    try:
        frame = decode(message)
    except PeerError:
        return
    assert encode(frame) == message


def test_frames_have_the_documented_bytes() -> None:
    assert encode(Cell(b"\x01\x02")) == b"\x01\x01\x02"
    assert encode(Ping(1)) == b"\x02" + bytes(7) + b"\x01"
    assert encode(Pong(2**64 - 1)) == b"\x03" + b"\xff" * 8
    assert encode(Bye(4409)) == b"\x04\x11\x39"


def test_cell_of_the_longest_length_passes() -> None:
    assert decode(encode(Cell(bytes(MAX_CELL_BYTES)))) == Cell(bytes(MAX_CELL_BYTES))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"\x05body",
        b"\xff" * 9,
        b"\x01",
        b"\x01" + bytes(MAX_CELL_BYTES + 1),
        b"\x01" + bytes(MAX_FRAME_BYTES),
        b"\x02" + bytes(7),
        b"\x03" + bytes(9),
        b"\x04" + bytes(1),
        b"\x04" + bytes(3),
    ],
)
def test_decode_of_a_wrong_length_or_type_refuses(message: bytes) -> None:
    with pytest.raises(PeerError):
        decode(message)


@pytest.mark.parametrize(
    "frame", [Cell(b""), Cell(bytes(MAX_CELL_BYTES + 1)), Ping(-1), Pong(2**64), Bye(2**16)]
)
def test_encode_of_what_does_not_fit_is_our_fault(frame: Frame) -> None:
    with pytest.raises(InvariantError):
        encode(frame)
