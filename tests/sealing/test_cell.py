"""Cells: every flipped bit, cut or lie ends in the same words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hotline.core.errors import InvariantError, PeerError
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing import cell as cells
from hotline.sealing.aead import expand, extract, mac, open_xchacha, seal_xchacha
from hotline.sealing.cell import (
    MAX_CELL_BYTES,
    MAX_PACKET_BYTES,
    OpenedCell,
    UnknownKeyError,
    open_cell,
    seal_cell,
)
from hotline.sealing.line_secret import (
    DAY_MS,
    LineSecret,
    combine_halves,
    day_number,
)

if TYPE_CHECKING:
    from tests.sealing.conftest import World

SIGNATURE = bytes(range(64))
ONE_TEXT = "^a cell does not open$"


def seal(world: World, packet: bytes = b"packet", **changes: Any) -> bytes:
    values: dict[str, Any] = {
        "recipient": world.south.prekey.public,
        "line": world.roster.line,
        "secret": world.secret,
        "day": day_number(world.now_ms),
        "entropy": world.entropy,
    }
    return seal_cell(packet, SIGNATURE, **(values | changes))


def reopen(world: World, cell: bytes, **changes: Any) -> OpenedCell:
    values: dict[str, Any] = {
        "line": world.roster.line,
        "prekeys": {world.south.prekey.key_id: world.south.prekey},
        "secrets": {"NORTH": world.secret},
    }
    return open_cell(cell, **(values | changes))


def refuse(world: World, cell: bytes, **changes: Any) -> None:
    with pytest.raises(PeerError, match=ONE_TEXT) as caught:
        reopen(world, cell, **changes)
    assert type(caught.value) is PeerError


@pytest.mark.parametrize("size", [0, 1, 4028, 4029, 30_000, MAX_PACKET_BYTES])
def test_cell_sealed_and_opened_gives_the_packet(world: World, size: int) -> None:
    packet = bytes(index % 251 for index in range(size))
    cell = seal(world, packet)
    opened = reopen(world, cell)
    assert (opened.packet, opened.signature, opened.peer) == (packet, SIGNATURE, "NORTH")
    assert opened.key_id == world.south.prekey.key_id
    assert len(cell) <= MAX_CELL_BYTES
    assert (len(cell) - 25 - 1120 - 16 - 24 - 16) % 4096 == 0


def test_cell_for_a_packet_too_long_is_our_bug(world: World) -> None:
    with pytest.raises(InvariantError):
        seal(world, bytes(MAX_PACKET_BYTES + 1))


def test_cell_header_stands_as_documented(world: World) -> None:
    header = seal(world)[:25]
    day = day_number(world.now_ms).to_bytes(4)
    assert header == b"HLC1\x01" + world.south.prekey.key_id + day


def test_cell_with_any_header_bit_flipped_is_refused(world: World) -> None:
    cell = seal(world)
    for bit in range(25 * 8):
        flipped = bytearray(cell)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PeerError):
            reopen(world, bytes(flipped))


def test_cell_with_a_flipped_key_id_says_unknown_key(world: World) -> None:
    cell = bytearray(seal(world))
    cell[5] ^= 1
    with pytest.raises(UnknownKeyError):
        reopen(world, bytes(cell))


def test_cell_key_id_changed_to_another_key_of_ours_is_refused(world: World) -> None:
    """The header is bound: a key id cannot be pointed at another key."""
    cell = seal(world)
    moved = cell[:5] + world.east.prekey.key_id + cell[21:]
    prekeys = {key.key_id: key for key in (world.south.prekey, world.east.prekey)}
    refuse(world, moved, prekeys=prekeys)
    refuse(world, moved, prekeys={world.east.prekey.key_id: world.south.prekey})


def test_cell_with_ciphertext_bits_flipped_is_refused(world: World) -> None:
    cell = seal(world)
    for place in [*range(25, 60), *range(1100, 1200), *range(len(cell) - 40, len(cell))]:
        flipped = bytearray(cell)
        flipped[place] ^= 0x80
        refuse(world, bytes(flipped))


@pytest.mark.parametrize("kept", [0, 4, 24, 25, 26, 1144, 1145, 1161, 1200, 1201, 5296])
def test_cell_truncated_is_refused(world: World, kept: int) -> None:
    refuse(world, seal(world)[:kept])


def test_cell_with_trailing_bytes_or_oversized_is_refused(world: World) -> None:
    refuse(world, seal(world) + b"\0")
    refuse(world, seal(world).ljust(MAX_CELL_BYTES + 1, b"\0"))


@pytest.mark.parametrize("suite", [0, 2, 255])
def test_cell_of_an_unknown_suite_is_refused(world: World, suite: int) -> None:
    cell = bytearray(seal(world))
    cell[4] = suite
    refuse(world, bytes(cell))


def test_cell_of_another_line_is_refused(world: World) -> None:
    refuse(world, seal(world), line=ZERO_DIGEST)


def test_cell_under_a_wrong_line_secret_is_refused(world: World) -> None:
    wrong = LineSecret(bytes(32), world.secret.base_day)
    refuse(world, seal(world), secrets={"NORTH": wrong})
    refuse(world, seal(world, secret=wrong))
    refuse(world, seal(world), secrets={})


def test_cell_tells_which_peers_secret_opened_it(world: World) -> None:
    other = LineSecret(bytes(32), world.secret.base_day)
    opened = reopen(world, seal(world), secrets={"WEST": other, "NORTH": world.secret})
    assert opened.peer == "NORTH"


def test_cell_with_another_day_in_its_header_is_refused(world: World) -> None:
    cell = seal(world)
    later = (day_number(world.now_ms) + 1).to_bytes(4)
    refuse(world, cell[:21] + later + cell[25:])


def test_cell_under_a_secret_of_the_past_or_too_far_ahead_is_refused(world: World) -> None:
    day = day_number(world.now_ms)
    earlier = LineSecret(world.secret.secret, day - 1)
    refuse(world, seal(world, secret=earlier, day=day - 1))
    refuse(world, seal(world, secret=LineSecret(bytes(32), day + 401), day=day + 401))


def test_cell_to_a_forgotten_key_says_unknown_key(world: World) -> None:
    with pytest.raises(UnknownKeyError):
        reopen(world, seal(world), prekeys={})


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(4095),
        (1).to_bytes(4) + b"p" + SIGNATURE + bytes(4026) + b"\1",
        (5000).to_bytes(4) + bytes(4092),
        (2**32 - 1).to_bytes(4) + bytes(4092),
        (1).to_bytes(4) + b"p" + SIGNATURE + bytes(4027 + 4096),
    ],
    ids=["empty", "no multiple", "padding not zero", "length past end", "length huge", "overlong"],
)
def test_cell_with_dishonest_padding_is_refused(
    world: World, padded: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a holder of the line secret can make these."""

    def seal_padded(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        assert plaintext
        return seal_xchacha(key, nonce, padded, aad)

    monkeypatch.setattr(cells, "seal_xchacha", seal_padded)
    refuse(world, seal(world))


# --- the line secret


def test_line_secret_is_hashed_forward_by_day() -> None:
    secret = LineSecret(bytes(32), 100)
    assert secret.for_day(100) == bytes(32)
    once = mac(bytes(32), b"hotline psk next")
    assert secret.for_day(101) == once
    assert secret.for_day(102) == mac(once, b"hotline psk next")


@pytest.mark.parametrize("day", [99, 501, -1, 2**32 - 1])
def test_line_secret_outside_its_days_is_refused(day: int) -> None:
    with pytest.raises(PeerError):
        LineSecret(bytes(32), 100).for_day(day)


def test_line_secret_advanced_keeps_three_days_and_forgets_earlier_ones() -> None:
    secret = LineSecret(bytes(32), 100)
    later = secret.advanced(110)
    assert (later.base_day, later.floor_day) == (107, 110)
    assert later.for_day(108) == secret.for_day(108)
    with pytest.raises(PeerError):
        later.for_day(106)
    assert later.advanced(105) == later


def test_line_secret_sealing_day_never_falls() -> None:
    secret = LineSecret(bytes(32), 100)
    assert secret.sealing_day(90 * DAY_MS) == 100
    assert secret.sealing_day(104 * DAY_MS + 5) == 104
    assert secret.advanced(110).sealing_day(104 * DAY_MS) == 110


def test_line_secret_from_halves_depends_on_all_that_names_it(digest: Digest) -> None:
    one = {"NORTH": bytes(32), "SOUTH": b"\1" * 32}
    secrets = [
        combine_halves(digest, one),
        combine_halves(ZERO_DIGEST, one),
        combine_halves(digest, {"NORTH": b"\1" * 32, "SOUTH": bytes(32)}),
        combine_halves(digest, {"NORTH": bytes(32), "WEST": b"\1" * 32}),
    ]
    assert len(set(secrets)) == 4
    assert combine_halves(digest, dict(reversed(one.items()))) == secrets[0]


@pytest.mark.parametrize("halves", [{}, {"A": bytes(32)}, {"A": bytes(32), "B": bytes(31)}])
def test_line_secret_from_other_than_two_halves_is_our_bug(
    digest: Digest, halves: dict[str, bytes]
) -> None:
    with pytest.raises(InvariantError):
        combine_halves(digest, halves)


# --- what they stand on


def test_hkdf_of_one_block_agrees_with_the_library() -> None:
    for number in range(8):
        secret = hashlib.sha256(bytes([number])).digest()
        context = secret[:number]
        theirs = HKDF(SHA256(), 32, salt=None, info=context).derive(secret)
        assert expand(extract(secret), context) == theirs


@pytest.mark.parametrize("kept", [0, 23, 24, 39])
def test_xchacha_cut_short_does_not_open(kept: int) -> None:
    sealed = seal_xchacha(bytes(32), bytes(24), b"text", b"aad")
    assert open_xchacha(bytes(32), sealed, b"aad") == b"text"
    assert open_xchacha(bytes(32), sealed[:kept], b"aad") is None
