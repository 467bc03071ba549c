"""Both signatures stand for this handshake, these keys and this certificate: §9.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hotline.sealing.ed25519 import verify_ed25519
from hotline.transport.relay import handshake
from hotline.transport.relay.frames import Auth, Chal, Welcome
from tests.transport.relay.rig import new_key

DIALER, RELAY = new_key(), new_key()
CHAL = Chal(1, b"n" * 32)
CERTIFICATE = b"the certificate that both ends see"
UNSIGNED = Auth(1, b"b" * 16, DIALER.public_key, RELAY.public_key, b"d" * 32, bytes(32), bytes(64))
AUTH = handshake.sign_auth(UNSIGNED, CHAL, CERTIFICATE, DIALER)
WELCOME = handshake.sign_welcome(
    Welcome(b"s" * 16, 64, 1 << 20, 61_440, 60, bytes(64)), CHAL, AUTH, CERTIFICATE, RELAY
)


def test_signatures_of_an_honest_handshake_verify() -> None:
    assert handshake.verify_auth(AUTH, CHAL, CERTIFICATE, verify_ed25519)
    assert handshake.verify_welcome(WELCOME, CHAL, AUTH, CERTIFICATE, verify_ed25519)


@pytest.mark.parametrize(
    "change",
    [
        {"box": b"B" * 16},
        {"key": new_key().public_key},
        {"relay": new_key().public_key},
        {"nonce": b"D" * 32},
        {"token": b"t" * 32},
        {"version": 2},
        {"signature": bytes(64)},
    ],
)
def test_auth_with_a_changed_field_does_not_verify(change: dict[str, Any]) -> None:
    assert not handshake.verify_auth(replace(AUTH, **change), CHAL, CERTIFICATE, verify_ed25519)


def test_auth_replayed_to_another_challenge_or_certificate_does_not_verify() -> None:
    other = Chal(1, b"N" * 32)
    assert not handshake.verify_auth(AUTH, other, CERTIFICATE, verify_ed25519)
    assert not handshake.verify_auth(AUTH, CHAL, b"a middleman's", verify_ed25519)


@pytest.mark.parametrize("change", [{"keep_s": 61}, {"session": b"S" * 16}, {"window_cells": 65}])
def test_welcome_with_a_changed_bound_does_not_verify(change: dict[str, Any]) -> None:
    altered = replace(WELCOME, **change)
    assert not handshake.verify_welcome(altered, CHAL, AUTH, CERTIFICATE, verify_ed25519)


def test_welcome_of_another_relay_does_not_verify() -> None:
    forged = handshake.sign_welcome(WELCOME, CHAL, AUTH, CERTIFICATE, new_key())
    assert not handshake.verify_welcome(forged, CHAL, AUTH, CERTIFICATE, verify_ed25519)
