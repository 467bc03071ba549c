"""XChaCha20-Poly1305 and one-block HKDF, with the lengths checked that bindings do not check."""

from __future__ import annotations

import hmac

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16


def seal_xchacha(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return nonce ‖ ciphertext ‖ tag; `nonce` is NONCE_BYTES of fresh entropy."""
    sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)
    return nonce + sealed


def open_xchacha(key: bytes, sealed: bytes, aad: bytes) -> bytes | None:
    """Return what `seal_xchacha` sealed, or None when anything was altered."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        return None
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(body, aad, nonce, key)
    except CryptoError:
        return None


def mac(key: bytes, message: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA256 of `message`."""
    return hmac.digest(key, message, "sha256")


def extract(secret: bytes, salt: bytes = bytes(32)) -> bytes:
    """Return HKDF-SHA256's pseudo-random key (RFC 5869 §2.2)."""
    return mac(salt, secret)


def expand(pseudo_random_key: bytes, context: bytes) -> bytes:
    """Return the first 32 bytes of HKDF-SHA256's output (RFC 5869 §2.3, one block)."""
    return mac(pseudo_random_key, context + b"\x01")
