"""Frames of the handshake, versions, names, introductions, and what is signed. Pure.

Spec: docs/transport.md §2.5, §4.5, §4.6, §4.7, §4.9
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.transport import frames
from hotline.transport.greeting import (
    MAX_GREETING_BYTES,
    MAX_INTRODUCTION_BYTES,
    NOTHING_BROUGHT,
    Auth,
    Chal,
    Greeting,
    Part,
    Refuse,
    Welcome,
    choose,
    cut,
    decode,
    digest_of,
    encode,
    offer,
    party_id,
)
from hotline.transport.proof import (
    Certificates,
    sign_auth,
    sign_welcome,
    verify_auth,
    verify_welcome,
)

KEY, SIGNATURE = b"k" * 32, b"s" * 64
EVERY: list[tuple[Greeting, int]] = [
    (Chal(offer(1), KEY), 41),
    (Auth(1, KEY, KEY, KEY, KEY, KEY, SIGNATURE), 226),
    (Welcome(b"s" * 16, KEY, KEY, 61_440, 50, 200, SIGNATURE), 153),
    (Refuse(2, 60), 6),
    (Part(0, b"x"), 3),
]
DIALER, LISTENER = Ed25519Signer(b"d" * 32), Ed25519Signer(b"l" * 32)
SEEN = Certificates(b"the listener's", b"the dialer's")
CHAL = Chal(offer(1), b"n" * 32)
AUTH = sign_auth(
    Auth(1, b"a" * 32, b"b" * 32, DIALER.public_key, b"m" * 32, NOTHING_BROUGHT, bytes(64)),
    CHAL,
    SEEN,
    DIALER,
)
WELCOME = sign_welcome(
    Welcome(b"s" * 16, LISTENER.public_key, NOTHING_BROUGHT, 61_440, 50, 200, bytes(64)),
    CHAL,
    AUTH,
    SEEN,
    LISTENER,
)


@pytest.mark.parametrize(("greeting", "size"), EVERY)
def test_greeting_has_its_documented_length_and_comes_back(greeting: Greeting, size: int) -> None:
    encoded = encode(greeting)
    assert len(encoded) == size
    assert decode(encoded) == greeting


def test_types_are_numbered_as_documented_and_are_none_of_a_session() -> None:
    assert [encode(greeting)[0] for greeting, _ in EVERY] == [5, 6, 7, 8, 9]
    for greeting, _ in EVERY:
        with pytest.raises(PeerError):
            frames.decode(encode(greeting))


@pytest.mark.parametrize(("greeting", "size"), EVERY)
def test_greeting_cut_or_prolonged_is_refused(greeting: Greeting, size: int) -> None:
    encoded = encode(greeting)
    for length in range(size):
        with pytest.raises(PeerError):
            decode(encoded[:length])
    if not isinstance(greeting, Part):
        with pytest.raises(PeerError):
            decode(encoded + b"\0")


@given(st.binary(max_size=300))
def test_junk_is_refused_or_is_the_one_encoding_of_a_greeting(junk: bytes) -> None:
    with contextlib.suppress(PeerError):
        assert encode(decode(junk)) == junk


def test_greeting_over_its_bound_is_refused() -> None:
    with pytest.raises(PeerError):
        decode(b"\x09\x00" + bytes(MAX_GREETING_BYTES - 1))
    with pytest.raises(PeerError):
        decode(b"\x09\x00" + bytes(2_001))
    with pytest.raises(InvariantError):
        encode(Part(0, bytes(2_001)))


@pytest.mark.parametrize(
    ("offered", "ours", "chosen"),
    [
        (offer(1), (1,), 1),
        (offer(1, 2), (1,), 1),
        (offer(1, 2, 3), (1, 2), 2),
        (offer(2, 1), (2, 1), 2),
        (offer(2), (1,), 0),
        (offer(), (1,), 0),
        (bytes(8), (0, 1), 0),
    ],
)
def test_version_chosen_is_the_highest_that_both_speak(
    offered: bytes, ours: tuple[int, ...], chosen: int
) -> None:
    assert choose(offered, *ours) == chosen


def test_names_tell_realms_lines_and_stations_apart() -> None:
    line, other = b"l" * 32, b"m" * 32
    names = {
        party_id(realm, one, station)
        for realm in ("LIVE", "EXERCISE")
        for one in (line, other)
        for station in ("NORTH", "SOUTH")
    }
    assert len(names) == 8
    known = "da85f9cd0d27ef4a535e547bb548593df8fcc39b777c4dcd0e60eeff959d92c3"
    assert party_id("LIVE", line, "NORTH").hex() == known


@pytest.mark.parametrize("size", [1, 2_000, 2_001, 9_000, MAX_INTRODUCTION_BYTES])
def test_introduction_comes_in_parts_that_count_down(size: int) -> None:
    introduction = bytes(number % 251 for number in range(size))
    parts = cut(introduction)
    assert [part.left for part in parts] == list(reversed(range(len(parts))))
    assert b"".join(part.piece for part in parts) == introduction
    assert all(len(encode(part)) <= MAX_GREETING_BYTES for part in parts)


def test_introduction_over_its_bound_is_ours_to_refuse() -> None:
    assert cut(b"") == ()
    assert digest_of(b"") == NOTHING_BROUGHT
    with pytest.raises(InvariantError):
        cut(bytes(MAX_INTRODUCTION_BYTES + 1))


def test_signatures_of_an_honest_handshake_verify() -> None:
    assert verify_auth(AUTH, CHAL, SEEN, verify_ed25519)
    assert verify_welcome(WELCOME, CHAL, AUTH, SEEN, verify_ed25519)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"ours": b"A" * 32},
        {"theirs": b"B" * 32},
        {"key": LISTENER.public_key},
        {"nonce": b"M" * 32},
        {"brings": b"i" * 32},
        {"signature": bytes(64)},
    ],
)
def test_auth_with_a_changed_field_does_not_verify(change: dict[str, Any]) -> None:
    assert not verify_auth(replace(AUTH, **change), CHAL, SEEN, verify_ed25519)


@pytest.mark.parametrize(
    ("chal", "seen"),
    [
        (Chal(offer(1), b"N" * 32), SEEN),
        (Chal(offer(1, 2), b"n" * 32), SEEN),
        (CHAL, Certificates(b"a middleman's", SEEN.dialer)),
        (CHAL, Certificates(SEEN.listener, b"a middleman's")),
        (CHAL, Certificates(SEEN.dialer, SEEN.listener)),
    ],
    ids=["nonce", "versions", "listener's certificate", "dialer's certificate", "crossed"],
)
def test_both_signatures_stand_for_one_opening(chal: Chal, seen: Certificates) -> None:
    assert not verify_auth(AUTH, chal, seen, verify_ed25519)
    assert not verify_welcome(WELCOME, chal, AUTH, seen, verify_ed25519)


@pytest.mark.parametrize(
    "change",
    [
        {"session": b"S" * 16},
        {"key": DIALER.public_key},
        {"brings": b"i" * 32},
        {"max_cell_bytes": 1},
        {"frames_per_s": 51},
        {"burst": 201},
    ],
)
def test_welcome_with_a_changed_field_does_not_verify(change: dict[str, Any]) -> None:
    altered = replace(WELCOME, **change)
    assert not verify_welcome(altered, CHAL, AUTH, SEEN, verify_ed25519)


def test_signature_of_one_role_is_none_of_the_other() -> None:
    """A dialer's signature under a listener's frame, and the other way round."""
    turned = replace(WELCOME, key=DIALER.public_key, signature=AUTH.signature)
    assert not verify_welcome(turned, CHAL, AUTH, SEEN, verify_ed25519)
    back = replace(AUTH, key=LISTENER.public_key, signature=WELCOME.signature)
    assert not verify_auth(back, CHAL, SEEN, verify_ed25519)
