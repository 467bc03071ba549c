"""Frames of the relay protocol: what is written can be read, and nothing else can.

Spec: docs/transport.md §9.2
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.transport.frames import MAX_CELL_BYTES, MAX_FRAME_BYTES
from hotline.transport.relay import frames
from hotline.transport.relay.codec import decode, encode
from hotline.transport.relay.frames import (
    Ack,
    Auth,
    Bye,
    Chal,
    Consumed,
    Create,
    Done,
    Drop,
    Frame,
    Nak,
    Ping,
    Pong,
    Push,
    Put,
    Refuse,
    Sub,
    Welcome,
)

BOX, KEY, SIGNATURE = b"b" * 16, b"k" * 32, b"s" * 64
EVERY: list[tuple[Frame, int]] = [
    (Chal(1, KEY), 34),
    (Auth(1, BOX, KEY, KEY, KEY, KEY, SIGNATURE), 210),
    (Welcome(BOX, 64, 1 << 20, 61_440, 9, SIGNATURE), 95),
    (Refuse(2, 60), 6),
    (Create(BOX, KEY, KEY), 81),
    (Drop(BOX), 17),
    (Done(5, BOX), 18),
    (Put(BOX, KEY, 1_793_000_000_000, b"cell"), 61),
    (Ack(1, (KEY,)), 34),
    (Nak(8, KEY, 1, 30), 39),
    (Sub(BOX, 7), 25),
    (Push(BOX, 7, 8, b"cell"), 37),
    (Consumed(BOX, (KEY,)), 49),
    (Ping(1), 9),
    (Pong(1, 1), 10),
    (Bye(1001), 3),
]


@pytest.mark.parametrize(("frame", "size"), EVERY)
def test_frame_has_its_documented_length_and_comes_back(frame: Frame, size: int) -> None:
    encoded = encode(frame)
    assert len(encoded) == size
    assert decode(encoded) == frame


def test_types_are_numbered_as_documented() -> None:
    assert [encode(frame)[0] for frame, _ in EVERY] == list(range(1, 17))


@pytest.mark.parametrize(("frame", "size"), EVERY)
def test_frame_cut_or_prolonged_is_refused(frame: Frame, size: int) -> None:
    encoded = encode(frame)
    open_ended = isinstance(frame, Put | Push)
    for cut in range(size - (len(b"cell") if open_ended else 1)):
        with pytest.raises(PeerError):
            decode(encoded[:cut])
    if not open_ended:
        with pytest.raises(PeerError):
            decode(encoded + b"x")


def test_longest_cell_fits_a_frame_and_a_longer_one_is_not_sent() -> None:
    assert len(encode(Put(BOX, KEY, 0, bytes(MAX_CELL_BYTES)))) <= MAX_FRAME_BYTES
    with pytest.raises(InvariantError):
        encode(Put(BOX, KEY, 0, bytes(MAX_CELL_BYTES + 1)))
    longer = encode(Put(BOX, KEY, 0, b"c")) + bytes(MAX_CELL_BYTES)
    assert isinstance(decode(longer), Put)


def test_too_many_ids_are_refused_both_ways() -> None:
    most = (KEY,) * frames.MAX_IDS
    assert decode(encode(Ack(1, most))) == Ack(1, most)
    with pytest.raises(InvariantError):
        encode(Ack(1, (*most, KEY)))
    with pytest.raises(PeerError):
        decode(encode(Ack(1, most)) + KEY)


@pytest.mark.parametrize(
    "frame",
    [Drop(b"short"), Create(BOX, KEY + b"x", KEY), Ack(1, ()), Ack(1, (b"x",)), Bye(70_000)],
)
def test_frame_with_a_field_of_another_length_is_not_sent(frame: Frame) -> None:
    with pytest.raises(InvariantError):
        encode(frame)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_frame_or_refused(message: bytes) -> None:
    try:
        frame = decode(message)
    except PeerError:
        return
    assert encode(frame) == message


def test_message_over_the_bound_is_refused() -> None:
    with pytest.raises(PeerError):
        decode(bytes((8,)) + bytes(MAX_FRAME_BYTES))
