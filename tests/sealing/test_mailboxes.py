"""Mailboxes of a pair: one derivation at both stations, frozen; nothing else gives the same."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from hotline.core.errors import InvariantError
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.line_secret import combine_halves
from hotline.sealing.mailboxes import mailbox_of, share

LINE = Digest(bytes(range(32)))
HALVES = {"NORTH": b"\x11" * 32, "SOUTH": b"\x22" * 32}
RELAY = b"\x33" * 32
CASE: dict[str, Any] = {"relay": RELAY, "recipient": "SOUTH", "endpoint": 1, "number": 0}


def test_mailbox_vector_stays_frozen() -> None:
    """Spec: docs/transport.md §10.1"""
    shared = share(LINE, HALVES)
    assert shared.mailboxes.hex() == (
        "a24264b629ddc39920dd7e47f8144b1f262232a1fec7b57d8a358b8795bf3bba"
    )
    box = mailbox_of(shared.mailboxes, **CASE)
    assert box.id.hex() == "49ac8e84683e14265daf6fc3f4b0bf09"
    assert Ed25519Signer(box.put_seed).public_key.hex() == (
        "a3412ed6b45fcc10ece85c8e0077f6622fc03cada6c1ef425622d0c3d4889667"
    )


def test_mailbox_by_hand_agrees_with_the_module() -> None:
    def pae(kind: bytes, body: bytes) -> bytes:
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)

    def hkdf(key: bytes, kind: bytes, body: bytes) -> bytes:
        return hmac.digest(key, pae(kind, body) + b"\x01", hashlib.sha256)

    key = hmac.digest(bytes(32), HALVES["NORTH"] + HALVES["SOUTH"], hashlib.sha256)
    names = bytes(LINE) + b'["NORTH","SOUTH"]'
    secret = hkdf(key, b"application/vnd.hotline.mailboxes.v1", names)
    context = b'[1,0,"SOUTH","' + RELAY.hex().encode() + b'"]'
    box = mailbox_of(secret, **CASE)
    assert box.id == hkdf(secret, b"application/vnd.hotline.mailbox-id.v1", context)[:16]
    assert box.put_seed == hkdf(secret, b"application/vnd.hotline.mailbox-put-key.v1", context)


def test_mailbox_differs_with_all_that_names_it() -> None:
    secret = share(LINE, HALVES).mailboxes
    others = {"relay": b"\x34" * 32, "recipient": "NORTH", "endpoint": 2, "number": 1}
    cases = [CASE, *({**CASE, name: value} for name, value in others.items())]
    boxes = [mailbox_of(secret, **case) for case in cases]
    boxes += [mailbox_of(share(ZERO_DIGEST, HALVES).mailboxes, **CASE)]
    assert len({one.id for one in boxes}) == len({one.put_seed for one in boxes}) == 6


def test_shared_secrets_are_independent_of_each_other() -> None:
    shared = share(LINE, dict(reversed(HALVES.items())))
    assert shared == share(LINE, HALVES)
    assert shared.line == combine_halves(LINE, HALVES)
    assert shared.line != shared.mailboxes


@pytest.mark.parametrize("spoilt", [{"relay": bytes(31)}, {"relay": bytes(33)}])
def test_mailbox_of_a_key_of_another_length_is_our_bug(spoilt: dict[str, Any]) -> None:
    with pytest.raises(InvariantError):
        mailbox_of(bytes(32), **{**CASE, **spoilt})
    with pytest.raises(InvariantError):
        mailbox_of(bytes(31), **CASE)


def test_secrets_are_not_shown() -> None:
    shared = share(LINE, HALVES)
    box = mailbox_of(shared.mailboxes, **CASE)
    shown = repr(shared) + repr(box)
    for secret in (shared.line, shared.mailboxes, box.put_seed):
        assert secret.hex()[:8] not in shown
        assert repr(secret) not in shown
