"""Sealing against the bare library calls that it cannot do without.

Each operation takes turns with its floor: the same primitives on the same bytes with keys
that are parsed already; what comes as JSON and base64 is read once by the library, and what
leaves so is written once; the hashes that name a sealing key and tie a handshake together,
and the HMAC that draws the key of a cell, are in it. Not in the floor: that bytes are
canonical and characters harmless, every field and bound, who may sign what. A noisy machine
slows both.

- sign, verify: a statement of an officer, both halves;
- seal, open: a cell with a packet of one statement;
- rotate: a new sealing key, announced by one station and taken up by the other;
- packet: written, signed, sealed, opened and verified, with a statement;
- handshake: H1, H2 and H3 between two stations: three packets, and every key drawn for them.
  Its floor goes the same way, one packet after the other: a key is drawn, told, taken up and
  sealed to, and stays until the protocol lets it go. Drawn and used in a loop, keys would
  never leave the processor's caches, and no handshake can have that.

    python bench/bench_sealing.py [--samples N] [--json FILE]
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import nacl.bindings as sodium
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from hotline.core import canonical
from hotline.core.messages.statement import STATEMENT_TYPE
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Realm
from hotline.sealing import their_keys, turns
from hotline.sealing.announcement import Announcement
from hotline.sealing.cell import MAGIC, PADDING_BYTES, open_cell, seal_cell
from hotline.sealing.charter import default_policy
from hotline.sealing.enrol import (
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.items import Item, StatementItem
from hotline.sealing.line_secret import DAY_MS, LineSecret, day_number
from hotline.sealing.mldsa import MldsaSigner
from hotline.sealing.order import Order, sign_order
from hotline.sealing.packet import (
    PACKET_TYPE,
    Packet,
    RevocationHead,
    encode_packet,
    sign_packet,
    verify_packet,
)
from hotline.sealing.prekey import Prekey, PrekeyPublic, draw_prekey
from hotline.sealing.roster import Roster
from hotline.sealing.statements import sign_statement, verify_statement
from hotline.sealing.their_keys import TheirPrekey
from hotline.sealing.turns import StoredPrekey
from hotline.station import line as station_line
from hotline.station.courier import Courier
from hotline.station.line import PeerKeys
from hotline.station.line_keys import PairSecrets

GOAL = 1.3
NOW_MS = 1_795_357_886_000
WARM_UP = 20
HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
ANY_KEY = X25519PrivateKey.generate()
ANY_PK = os.urandom(1_216)

Call = Callable[[], object]


class Line:
    """Two stations, a line and a statement; and the same keys as the libraries hold them."""

    def __init__(self) -> None:
        """Draw everything."""
        stations = {
            name: new_station_keys(
                station=name,
                realm=Realm.EXERCISE,
                officers=[Subject("o1", "Officer")],
                at_ms=NOW_MS,
                entropy=os.urandom,
            )
            for name in ("NORTH", "SOUTH")
        }
        self.north, self.south = stations["NORTH"], stations["SOUTH"]
        charter = make_charter(
            self.north.root,
            name="bench",
            members=[(name, keys.root.digest) for name, keys in stations.items()],
            policy=default_policy(),
            at_ms=NOW_MS,
        )
        charter = countersign_charter(charter, self.south.root)
        self.roster = Roster.read([*self.north.records, *self.south.records, charter])
        self.secret = LineSecret(os.urandom(32), day_number(NOW_MS))
        self.officer = self.north.officers["o1"]
        self.payload = self._payload()
        self.envelope = sign_statement(self.payload, self.officer.signer, self.officer.cert_id)

    def _payload(self) -> bytes:
        return canonical.encode(
            {
                "at": format_time(NOW_MS),
                "attachments": [],
                "by": [self.officer.cert_id.hex()],
                "fields": {"bearing": "045", "track": "T4471"},
                "from": "NORTH",
                "incident": "CG-1122-01",
                "info": [],
                "lang": "en",
                "line": self.roster.line.hex(),
                "marking": "",
                "need": 1,
                "precedence": "FLASH",
                "realm": "EXERCISE",
                "refs": [],
                "reply_by": None,
                "salt": "00112233445566778899aabbccddeeff",
                "suite": 1,
                "template": {"digest": "ab" * 32, "id": "sea/contact", "version": 1},
                "text": "EXERCISE EXERCISE EXERCISE: closing fast.",
                "to": ["SOUTH"],
                "v": 1,
            }
        )


class Packets:
    """A packet with a statement and its order, and the calls around it."""

    def __init__(self, line: Line) -> None:
        """Write the packet once."""
        self.line = line
        ledger = line.north.ledger
        first = Order(line.roster.line, "NORTH", 1, 1, ZERO_DIGEST, ZERO_DIGEST)
        order = sign_order(first, ledger.signer.ed25519, ledger.cert_id)
        self.item = StatementItem(envelope=line.envelope, order=order)
        self.announcement = Announcement(
            aseq=1,
            pk=line.north.prekey.public.encoded,
            kind="prekey",
            not_after=format_time(NOW_MS),
        )
        self.signer = line.north.console.signer.ed25519
        self.encoded = self.write()
        self.signature = sign_packet(self.encoded, self.signer)
        self.cell = self.seal(self.encoded, self.signature)

    def write(self) -> bytes:
        """Write the packet anew."""
        return encode_packet(
            Packet(
                line=self.line.roster.line,
                sender="NORTH",
                to="SOUTH",
                to_kid=self.line.south.prekey.key_id,
                counter=1,
                instance="0f" * 16,
                announcement=self.announcement,
                items=(self.item,),
                revocation=RevocationHead(counter=0, digest=ZERO_DIGEST),
                sent_at_ms=NOW_MS,
            )
        )

    def seal(self, encoded: bytes, signature: bytes) -> bytes:
        """Seal it for SOUTH."""
        return seal_cell(
            encoded,
            signature,
            recipient=self.line.south.prekey.public,
            line=self.line.roster.line,
            secret=self.line.secret,
            day=self.line.secret.base_day,
            entropy=os.urandom,
        )

    def open(self, cell: bytes) -> Any:
        """Open a cell at SOUTH."""
        key = self.line.south.prekey
        secrets = {"NORTH": self.line.secret}
        line = self.line.roster.line
        return open_cell(cell, line=line, prekeys={key.key_id: key}, secrets=secrets)

    def there(self) -> None:
        """Take a packet all the way from NORTH's items to SOUTH's."""
        encoded = self.write()
        opened = self.open(self.seal(encoded, sign_packet(encoded, self.signer)))
        verify_packet(self.line.roster, opened, our_station="SOUTH", at_ms=NOW_MS)


def statements(line: Line) -> dict[str, tuple[Call, Call]]:
    """Sign and verify, each with its floor."""
    seeds = line.officer.signer.seeds
    public, secret = sodium.crypto_sign_seed_keypair(seeds.ed25519)
    mldsa = MLDSA65PrivateKey.from_seed_bytes(seeds.mldsa65)
    mldsa_public = mldsa.public_key()
    message = canonical.pae(STATEMENT_TYPE, line.payload)
    signed, lattice = sodium.crypto_sign(message, secret), mldsa.sign(message)

    def bare_sign() -> None:
        signatures = sodium.crypto_sign(message, secret)[:64], mldsa.sign(message)
        written = [base64.b64encode(one).decode() for one in (line.payload, *signatures)]
        json.dumps({"payload": written[0], "signatures": written[1:]})

    def bare_verify() -> None:
        body = json.loads(line.envelope)
        json.loads(base64.b64decode(body["payload"]))
        for one in body["signatures"]:
            base64.b64decode(one["sig"])
        sodium.crypto_sign_open(signed, public)
        mldsa_public.verify(lattice, message)

    def sign() -> None:
        sign_statement(line.payload, line.officer.signer, line.officer.cert_id)

    def verify() -> None:
        verify_statement(line.roster, line.envelope, at_ms=NOW_MS)

    return {"sign": (sign, bare_sign), "verify": (verify, bare_verify)}


def cells(packets: Packets) -> dict[str, tuple[Call, Call]]:
    """Seal, open, and a packet all the way, each with its floor."""
    line = packets.line
    recipient, prekey = line.south.prekey.public, line.south.prekey
    key, info, aad = os.urandom(32), os.urandom(140), os.urandom(25)
    secret_of_line, header = os.urandom(32), os.urandom(25)
    filled = len(packets.encoded) + 68
    padded = bytes(filled + -filled % PADDING_BYTES)
    console, secret = sodium.crypto_sign_seed_keypair(line.north.console.signer.seeds.ed25519)
    message = canonical.pae(PACKET_TYPE, packets.encoded)
    assert packets.cell.startswith(MAGIC)

    def bare_seal() -> bytes:
        hmac.digest(secret_of_line, header, "sha256")
        nonce = os.urandom(24)
        inner = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, aad, nonce, key)
        return HPKE.encrypt(nonce + inner, recipient.handle, info)

    sealed = bare_seal()

    def bare_open(cell: bytes = sealed) -> None:
        inner = HPKE.decrypt(cell, prekey.handle, info)
        hmac.digest(secret_of_line, header, "sha256")
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(inner[24:], aad, inner[:24], key)

    body = json.loads(packets.encoded)

    pk = packets.announcement.pk

    def bare_there() -> None:
        body["announcement"]["pk"] = base64.b64encode(pk).decode()
        json.dumps(body)
        signed = sodium.crypto_sign(message, secret)
        bare_open(bare_seal())
        sodium.crypto_sign_open(signed, console)
        base64.b64decode(json.loads(packets.encoded)["announcement"]["pk"])

    return {
        "seal": (lambda: packets.seal(packets.encoded, packets.signature), bare_seal),
        "open": (lambda: packets.open(packets.cell), bare_open),
        "packet": (packets.there, bare_there),
    }


def rotations() -> dict[str, tuple[Call, Call]]:
    """Draw a key, announce it, take it up; and what the libraries need for that."""

    def rotate() -> None:
        drawn = draw_prekey(os.urandom)
        announced = Announcement(
            aseq=2, pk=drawn.public.encoded, kind="prekey", not_after=format_time(NOW_MS)
        )
        PrekeyPublic(announced.pk)

    return {"rotate": (rotate, lambda: bare_take_up(bare_draw()[1]))}


def bare_draw() -> tuple[MLKEM768X25519PrivateKey, bytes]:
    """Draw a sealing key as the libraries do; return it and its public half."""
    expanded = hashlib.shake_256(os.urandom(32)).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    pk = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    hashlib.sha256(pk).digest()
    return MLKEM768X25519PrivateKey(mlkem, x25519), pk


def bare_take_up(pk: bytes) -> MLKEM768X25519PublicKey:
    """Read a peer's sealing key as the libraries do."""
    other = X25519PublicKey.from_public_bytes(pk[1184:])
    ANY_KEY.exchange(other)  # the library says no to a point of small order only here
    hashlib.sha256(pk).digest()
    return MLKEM768X25519PublicKey(MLKEM768PublicKey.from_public_bytes(pk[:1184]), other)


class Handshakes:
    """Two stations that meet again and again, with nothing on a disk."""

    def __init__(self, line: Line) -> None:
        """Give each station a prekey towards the other one."""
        sides = {"NORTH": line.north, "SOUTH": line.south}
        seeds = {name: os.urandom(32) for name in sides}
        self.ends = {}
        for name, keys in sides.items():
            peer = "SOUTH" if name == "NORTH" else "NORTH"
            public = Prekey(seeds[peer]).public
            held = PairSecrets(line.secret, (StoredPrekey(1, seeds[name], NOW_MS),))
            announced = TheirPrekey(1, public, NOW_MS + DAY_MS)
            opened = station_line.Line(
                station=name,
                roster=line.roster,
                console=keys.console.signer.ed25519,
                ledger=keys.ledger.signer.ed25519,
                ledger_certificate=keys.ledger.cert_id,
                recovery=keys.recovery,
                peers={peer: PeerKeys(announced, sides[peer].recovery.public, held)},
                clock=lambda: NOW_MS,
                entropy=os.urandom,
                lasting=MldsaSigner(keys.ledger.signer.seeds.mldsa65),
            )
            self.ends[name] = Courier(opened)
        self.packets: list[bytes] = []
        self.meet(self.packets)

    def meet(self, told: list[bytes] | None = None) -> None:
        """Let both begin anew and prove themselves; `told`: the packets are added to it."""
        for courier, peer in ((self.ends["NORTH"], "SOUTH"), (self.ends["SOUTH"], "NORTH")):
            courier.pairs[peer].doubt()
        items: Sequence[Item] = [self.ends["NORTH"].pairs["SOUTH"].ask(NOW_MS)]
        for sender, to in (("NORTH", "SOUTH"), ("SOUTH", "NORTH"), ("NORTH", "SOUTH")):
            cell = self.ends[sender].seal(to, items)
            verified = self.ends[to].open(cell)
            items = self.ends[to].pairs[sender].settle(verified, NOW_MS)
            if told is not None:
                told.append(encode_packet(verified.packet))
        assert all(pair.ready for one in self.ends.values() for pair in one.pairs.values())


class BareHandshake:
    """What the libraries need for H1, H2 and H3, in the order that the protocol demands.

    Each packet announces a key that is drawn for it and taken up by the peer; H1 is sealed
    to a key that lasts, each other one to the key that the packet before it announced.
    """

    def __init__(self, line: Line, packets: Sequence[bytes]) -> None:
        """Read `packets` once, so that they can be written."""
        keys = line.north.console.signer.seeds
        self.console, self.secret = sodium.crypto_sign_seed_keypair(keys.ed25519)
        self.lasting = line.south.prekey.public.handle, line.south.prekey.handle
        self.key, self.info, self.aad = os.urandom(32), os.urandom(140), os.urandom(25)
        self.packets = packets
        self.bodies = [json.loads(one) for one in packets]
        self.asked, self.answered = packets[0][-1_900:], packets[1][-2_000:]  # as long as they are

    def write(self, body: Any) -> None:
        """Write a packet: its keys as base64, and JSON."""
        for announced in announcements(body):
            announced["pk"] = base64.b64encode(ANY_PK).decode()
        json.dumps(body)

    def seal(self, encoded: bytes, recipient: MLKEM768X25519PublicKey) -> tuple[bytes, bytes]:
        """Sign and seal it; return the cell and the signature."""
        signed = sodium.crypto_sign(canonical.pae(PACKET_TYPE, encoded), self.secret)
        padded = encoded + signed[:64] + bytes(-(len(encoded) + 68) % PADDING_BYTES + 4)
        hmac.digest(self.key, self.aad, "sha256")
        nonce = os.urandom(24)
        inner = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, self.aad, nonce, self.key)
        return HPKE.encrypt(nonce + inner, recipient, self.info), signed[:64]

    def open(
        self, cell: bytes, prekey: MLKEM768X25519PrivateKey, encoded: bytes, signature: bytes
    ) -> None:
        """Open it, verify and read it."""
        inner = HPKE.decrypt(cell, prekey, self.info)
        hmac.digest(self.key, self.aad, "sha256")
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            inner[24:], self.aad, inner[:24], self.key
        )
        message = canonical.pae(PACKET_TYPE, encoded)
        sodium.crypto_sign_open(signature + message, self.console)
        for announced in announcements(json.loads(encoded)):
            base64.b64decode(announced["pk"])

    def hash(self, *items: bytes) -> None:
        """Tie the handshake together, or find out that it is tied together."""
        hashlib.sha256(b"".join(items)).digest()

    def meet(self) -> None:
        """Take the three packets there, one after the other."""
        recipient, prekey = self.lasting
        os.urandom(32)
        self.hash(self.asked)
        for number, (body, encoded) in enumerate(zip(self.bodies, self.packets, strict=True), 1):
            drawn, pk = bare_draw()
            self.write(body)
            cell, signature = self.seal(encoded, recipient)
            self.open(cell, prekey, encoded, signature)
            recipient, prekey = bare_take_up(pk), drawn
            if number == 1:
                os.urandom(32)
                self.hash(self.asked)
            if number < len(self.packets):
                self.hash(self.asked, self.answered)


def announcements(body: Any) -> list[Any]:
    """Return every announcement of a key in a packet of the handshake."""
    prekeys = [item["prekey"] for item in body["items"] if "prekey" in item]
    return [body["announcement"], *prekeys]


def handshakes(line: Line) -> dict[str, tuple[Call, Call]]:
    """Meet; and what the libraries need for three packets and the keys in them."""
    ours = Handshakes(line)
    each = len(ours.packets)
    assert counted(ours.meet) == (each, each), "the floor draws and takes up one in each packet"
    return {"handshake": (ours.meet, BareHandshake(line, ours.packets).meet)}


def counted(meet: Call) -> tuple[int, int]:
    """Return how many keys a handshake draws and takes up."""
    counts = {"drawn": 0, "taken up": 0}

    def draw(entropy: Entropy) -> Prekey:
        counts["drawn"] += 1
        return draw_prekey(entropy)

    def take_up(pk: bytes) -> PrekeyPublic:
        counts["taken up"] += 1
        return PrekeyPublic(pk)

    with (
        mock.patch.object(turns, "draw_prekey", draw),
        mock.patch.object(their_keys, "PrekeyPublic", take_up),
    ):
        meet()
    return counts["drawn"], counts["taken up"]


def timed(call: Call) -> float:
    began = time.thread_time()  # of the processor: nothing here waits, but a busy machine may
    call()
    return (time.thread_time() - began) * 1e6


def measure(samples: int) -> dict[str, Any]:
    """Take turns; return the medians in microseconds and their ratio."""
    line = Line()
    pairs = statements(line) | cells(Packets(line)) | rotations() | handshakes(line)
    figures: dict[str, Any] = {"samples": samples}
    for name, (ours, bare) in pairs.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(samples + WARM_UP):
            times = timed(ours), timed(bare)
            if number >= WARM_UP:
                for into, one in zip(taken, times, strict=True):
                    into.append(one)
        ours_us, bare_us = map(statistics.median, taken)
        figures[name] = {
            "ours_us": round(ours_us, 1),
            "bare_us": round(bare_us, 1),
            "ratio": round(ours_us / bare_us, 3),
        }
    return figures


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = measure(options.samples)
    print(f"{'operation':<10} {'ours us':>9} {'bare us':>9} {'ratio':>7}   goal <= {GOAL}")
    for name, one in figures.items():
        if isinstance(one, dict):
            print(f"{name:<10} {one['ours_us']:>9} {one['bare_us']:>9} {one['ratio']:>7}")
    text = json.dumps(figures)
    if options.json:
        options.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
