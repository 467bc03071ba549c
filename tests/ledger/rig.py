"""Small stand-ins for sealing, built on pynacl, and ledgers made with them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nacl.exceptions
import nacl.signing
from nacl import bindings

from hotline.core import canonical
from hotline.core.errors import IntegrityError
from hotline.core.records.checkpoint import (
    build_origin,
    cosign,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from hotline.core.records.entry import Draft
from hotline.core.records.witness import WitnessedHead, judge_head
from hotline.core.seams import LedgerIdentity
from hotline.core.values import Digest, Realm, sha256
from hotline.ledger.store import Ledger

NOW_MS = 1_795_357_886_000
LINE = sha256(b"the charter of NORTH and SOUTH")
RECORD_TYPE = "application/vnd.hotline.root.v1+json"


class Key:
    """An Ed25519 signer from a seed."""

    def __init__(self, seed: bytes) -> None:
        self._key = nacl.signing.SigningKey(hashlib.sha256(seed).digest())

    @property
    def public_key(self) -> bytes:
        return bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature


def verifier(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(public_key).verify(message, signature)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
        return False
    return True


class Sealer:
    """XChaCha20-Poly1305 under one epoch key; the nonce is derived, so files repeat."""

    key = sha256(b"epoch key")

    def seal(self, origin: str, index: int, kind: int, plaintext: bytes, at_ms: int) -> bytes:
        aad = self._aad(origin, index, kind)
        nonce = hashlib.sha256(aad + plaintext).digest()[:24]
        body = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, self.key)
        return bytes(4) + nonce + body

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        aad = self._aad(origin, index, kind)
        try:
            return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
                blob[28:], aad, blob[4:28], self.key
            )
        except (nacl.exceptions.CryptoError, TypeError, ValueError) as error:
            raise IntegrityError(f"entry {index} does not open") from error

    @staticmethod
    def _aad(origin: str, index: int, kind: int) -> bytes:
        return origin.encode() + index.to_bytes(8, "big") + kind.to_bytes(2, "big")


class Counter:
    """Entropy that repeats from run to run."""

    def __init__(self, seed: bytes = b"salt") -> None:
        self._seed, self._count = seed, 0

    def __call__(self, length: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(self._seed + self._count.to_bytes(8, "big")).digest(length)


def public_record(name: str) -> tuple[Digest, bytes]:
    """Return digest and bytes of a signed thing; the stand-in signature covers it."""
    payload = canonical.encode({"name": name})
    covered = canonical.pae(RECORD_TYPE, payload)
    signature = Key(b"root").sign(covered)
    envelope = {
        "payload": canonical.to_base64(payload),
        "payloadType": RECORD_TYPE,
        "signatures": [{"keyid": "root", "sig": canonical.to_base64(signature)}],
    }
    return sha256(covered), canonical.encode(envelope)


@dataclass
class Station:
    """What one station of a test line needs to keep and show its ledger."""

    name: str
    home: Path
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = Key(self.name.encode())

    @property
    def origin(self) -> str:
        return build_origin(Realm.EXERCISE, LINE, self.name)

    @property
    def witness_name(self) -> str:
        return witness_name(Realm.EXERCISE, LINE, self.name)

    @property
    def keys(self) -> dict[str, Any]:
        return {
            "signer": self.key,
            "sealer": Sealer(),
            "verifier": verifier,
            "entropy": Counter(self.name.encode()),
        }

    @property
    def file(self) -> Path:
        return self.home / "ledger.db"

    def create(self) -> Ledger:
        return Ledger.create(self.home, origin=self.origin, **self.keys)

    def open(self, **more: Any) -> Ledger:
        return Ledger.open(self.home, **{**self.keys, **more})


def identify(records: Sequence[bytes]) -> LedgerIdentity:
    """Accept records signed by the test root; names NORTH and SOUTH with their keys."""
    digests = set()
    for record in records:
        envelope = canonical.decode(record, what="record", max_bytes=10_000)
        payload = canonical.from_base64(envelope["payload"], what="payload")
        covered = canonical.pae(envelope["payloadType"], payload)
        signature = canonical.from_base64(envelope["signatures"][0]["sig"], what="sig")
        if not verifier(Key(b"root").public_key, covered, signature):
            raise IntegrityError("a public record does not verify")
        digests.add(sha256(covered))
    return LedgerIdentity(
        realm=Realm.EXERCISE,
        line=LINE,
        name="TEST",
        members=("NORTH", "SOUTH"),
        ledger_keys={name: (Key(name.encode()).public_key,) for name in ("NORTH", "SOUTH")},
        lasting_keys=dict.fromkeys(("NORTH", "SOUTH"), ()),
        root_words={name: f"{name.lower()} words" for name in ("NORTH", "SOUTH")},
        record_digests=frozenset(digests),
    )


def draft(number: int, **fields: Any) -> Draft:
    """Return a small event; `fields` override."""
    content = canonical.encode({"number": number, "text": "x" * 40})
    return Draft(**{"kind": 18, "content": content, "recorded_at_ms": NOW_MS + number, **fields})


@dataclass(frozen=True)
class Line:
    """Two ledgers that exchanged statements and countersigned each other."""

    north: Station
    south: Station


def admit(ledger: Ledger) -> None:
    """Record the line's public records as entries 0 and 1."""
    for name in ("NORTH root", "SOUTH root"):
        digest, record = public_record(name)
        ledger.append([draft(0, kind=2, subject=digest, public=record, content=b"{}")])


def statement(number: int) -> Digest:
    return sha256(b"statement %d" % number)


def deliver(sender: Station, ours: Ledger, receiver: Station, theirs: Ledger, number: int) -> None:
    """Send one statement: record, record and witness there, cosign, receipt here."""
    subject, item = statement(number), b'{"t":"statement","n":%d}' % number
    held = theirs.witnessed(ours.origin)
    old_size = held.size if held else 0
    head = ours.append([draft(number, kind=3, subject=subject, enclosure=item)])
    checkpoint = verify_checkpoint(head.note, [sender.key.public_key], verifier)
    proof = ours.prove_consistency(old_size, head.size)
    assert judge_head(held, checkpoint, old_size, proof).may_countersign
    seen = WitnessedHead(ours.origin, head.size, head.root, head.note, old_size)
    received = draft(number, kind=4, subject=subject, enclosure=item)
    theirs.append([received], witnessed=[seen])
    note = cosign(checkpoint, receiver.witness_name, receiver.key, NOW_MS // 1000 + number)
    keys = [receiver.key.public_key]
    cosignature = verify_cosignature(note, receiver.witness_name, keys, verifier)
    ours.append([draft(number, kind=6, subject=subject)], cosignatures=[cosignature])


def work(north: Station, south: Station, *, statements: int = 6) -> Line:
    """Create both ledgers, exchange statements both ways, close."""
    ours, theirs = north.create(), south.create()
    admit(ours)
    admit(theirs)
    for number in range(statements):
        if number % 2:
            deliver(south, theirs, north, ours, number)
        else:
            deliver(north, ours, south, theirs, number)
    ours.append([draft(90), draft(91), draft(92)])
    ours.close()
    theirs.close()
    return Line(north, south)


def tamper(file: Path, *statements: str, keep_triggers: bool = False) -> None:
    """Change a closed ledger file as somebody with the file in hand would."""
    connection = sqlite3.connect(file)
    kept = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    triggers = [] if keep_triggers else kept.fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for text in statements:
        connection.execute(text)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()
