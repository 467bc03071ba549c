"""A second writer of the protocol, after docs/protocol.md: nothing of hotline is imported.

What the frozen vectors hold was written by this and by the libraries. Where hotline and
this disagree, the document decides. It writes whatever it is told: most vectors are
things that must be refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import nacl.bindings as sodium
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PublicKey,
    Suite,
)

Json = dict[str, Any]
Alter = Callable[[bytes], bytes]
CELL = "application/vnd.hotline.cell.v1"


def kind(name: str) -> str:
    """§4.1"""
    return f"application/vnd.hotline.{name}.v1+json"


def canonical(value: Any) -> bytes:
    """§2.1"""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pae(payload_type: str, payload: bytes) -> bytes:
    """§2.4"""
    name = payload_type.encode()
    return b" ".join([b"DSSEv1", b"%d" % len(name), name, b"%d" % len(payload), payload])


def identity(payload_type: str, payload: bytes) -> str:
    """§2.4"""
    return hashlib.sha256(pae(payload_type, payload)).hexdigest()


class Key:
    """A hybrid key from a label: its seeds are SHAKE256 of it."""

    def __init__(self, label: str) -> None:
        self.label = label
        seeds = hashlib.shake_256(f"hotline vectors/{label}".encode()).digest(64)
        self.seeds = seeds[:32], seeds[32:]
        self.public, self._secret = sodium.crypto_sign_seed_keypair(self.seeds[0])
        self._mldsa = MLDSA65PrivateKey.from_seed_bytes(self.seeds[1])

    @property
    def keys(self) -> Json:
        """§4.6"""
        mldsa = self._mldsa.public_key().public_bytes_raw()
        return {"ed25519": b64(self.public), "mldsa65": b64(mldsa)}

    def ed25519(self, message: bytes) -> bytes:
        return sodium.crypto_sign(message, self._secret)[:64]

    def mldsa65(self, message: bytes) -> bytes:
        return self._mldsa.sign(message)

    def entries(self, signer: str, message: bytes, second: bytes | None = None) -> list[Json]:
        """§4.3, §4.4: both halves; `second` is what the ML-DSA half signs if not `message`."""
        halves = {
            "ed25519": self.ed25519(message),
            "mldsa65": self.mldsa65(second or message),
        }
        return [{"keyid": f"{signer}#{name}", "sig": b64(half)} for name, half in halves.items()]


def envelope(payload_type: str, payload: bytes, entries: list[Json]) -> bytes:
    """§4.1"""
    body = {"payload": b64(payload), "payloadType": payload_type, "signatures": entries}
    return canonical(body)


def signed(name: str, payload: bytes, *signers: tuple[str, Key]) -> bytes:
    """An envelope of kind `name` with both halves of every (key id, key)."""
    message = pae(kind(name), payload)
    entries = [entry for signer, key in signers for entry in key.entries(signer, message)]
    return envelope(kind(name), payload, entries)


def root_body(key: Key, successor: Key, **changes: Any) -> Json:
    """§4.6"""
    promised = b"hotline next root v1" + b"".join(map(base64.b64decode, successor.keys.values()))
    return {
        "created": "2026-11-22T14:31:26.000Z",
        "keys": key.keys,
        "next_root_hash": hashlib.sha256(promised).hexdigest(),
        "realm": "EXERCISE",
        "station": "NORTH",
        "v": 1,
    } | changes


def root(key: Key, successor: Key, **changes: Any) -> tuple[str, bytes]:
    """Return (digest, envelope) of a root record signed by itself."""
    payload = canonical(root_body(key, successor, **changes))
    digest = identity(kind("root"), payload)
    return digest, signed("root", payload, (digest, key))


def certificate_body(key: Key, prover: Key | None = None, **changes: Any) -> Json:
    """§4.8; `prover` proves possession in the key's place."""
    body = {
        "keys": key.keys,
        "name": "Officer N1",
        "not_after": "2027-02-22T13:31:26.000Z",
        "not_before": "2026-11-22T13:31:26.000Z",
        "person": "n1",
        "rank": "CDR",
        "realm": "EXERCISE",
        "role": "watch",
        "serial": 3,
        "station": "NORTH",
        "usage": "statement",
        "v": 1,
    } | changes
    message = pae(kind("possession"), canonical(body))
    by = prover or key
    proof = {"ed25519": b64(by.ed25519(message)), "mldsa65": b64(by.mldsa65(message))}
    return body | {"proof": proof}


def sealing_key(label: str) -> tuple[bytes, bytes, MLKEM768X25519PublicKey]:
    """§7.7: seed, public key, and the library's handle of it."""
    seed = hashlib.shake_256(f"hotline vectors/{label}".encode()).digest(32)
    expanded = hashlib.shake_256(seed).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key()
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:]).public_key()
    public = mlkem.public_bytes_raw() + x25519.public_bytes_raw()
    return seed, public, MLKEM768X25519PublicKey(mlkem, x25519)


def key_id(public: bytes) -> bytes:
    """§7.7"""
    return hashlib.sha256(b"kid1" + public).digest()[:16]


def line_secret(line: str, halves: Mapping[str, bytes]) -> bytes:
    """§7.6"""
    names = sorted(halves)
    info = pae("application/vnd.hotline.line-secret.v1", bytes.fromhex(line) + canonical(names))
    extracted = hmac.digest(bytes(32), b"".join(halves[name] for name in names), "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def next_day(secret: bytes) -> bytes:
    """§7.6"""
    return hmac.digest(secret, b"hotline psk next", "sha256")


def padded(packet: bytes, signature: bytes) -> bytes:
    """§7.5"""
    filled = struct.pack(">I", len(packet)) + packet + signature
    return filled + bytes(-len(filled) % 4096)


def seal(
    content: bytes,
    *,
    public: bytes,
    handle: MLKEM768X25519PublicKey,
    line: str,
    secret: bytes,
    day: int,
    suite: int = 1,
    magic: bytes = b"HLC1",
) -> bytes:
    """§7.5: seal what is padded already."""
    header = magic + struct.pack(">B16sI", suite, key_id(public), day)
    nonce = hashlib.sha256(content).digest()[:24]
    inner = nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        content, header, nonce, hmac.digest(secret, header, "sha256")
    )
    hpke = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    return header + hpke.encrypt(inner, handle, pae(CELL, header + bytes.fromhex(line)))
