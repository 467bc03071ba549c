"""A small world: NORTH and SOUTH share an exercise line, EAST is on none of theirs."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.messages.statement import STATEMENT_TYPE, Statement, encode_statement
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.sealing.announcement import Announcement
from hotline.sealing.charter import Policy
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.enrol import (
    CertifiedKey,
    StationKeys,
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.items import Item
from hotline.sealing.line_secret import LineSecret, combine_halves, day_number
from hotline.sealing.packet import Packet, RevocationHead
from hotline.sealing.roster import Roster
from hotline.sealing.statements import sign_statement

NOW_MS = 1_795_357_886_000  # 2026-11-22T14:31:26Z
POLICY = Policy(
    suite_floor=1,
    languages=("en", "fr"),
    authentic="en",
    test_period_s=86_400,
    two_person=("sea/commitment",),
    presence=False,
)


def entropy_from(seed: str) -> Entropy:
    """Return an entropy source that gives the same bytes in every run."""
    calls = iter(range(1 << 30))

    def draw(size: int) -> bytes:
        return hashlib.shake_256(f"{seed}/{next(calls)}".encode()).digest(size)

    return draw


@dataclass
class World:
    """Stations, their line, and short ways to a statement, a packet and a cell."""

    north: StationKeys
    south: StationKeys
    east: StationKeys
    charter: bytes
    roster: Roster
    secret: LineSecret
    entropy: Entropy = field(default_factory=lambda: entropy_from("world"))
    now_ms: int = NOW_MS

    @property
    def records(self) -> tuple[bytes, ...]:
        return (*self.north.records, *self.south.records, self.charter)

    @property
    def n1(self) -> CertifiedKey:
        return self.north.officers["n1"]

    @property
    def n2(self) -> CertifiedKey:
        return self.north.officers["n2"]

    def statement(self, **changes: Any) -> Statement:
        body: dict[str, Any] = {
            "v": 1,
            "suite": 1,
            "realm": Realm.EXERCISE,
            "line": self.roster.line.hex(),
            "from": "NORTH",
            "salt": "00112233445566778899aabbccddeeff",
            "to": ("SOUTH",),
            "by": (self.n1.cert_id.hex(),),
            "need": 1,
            "at": format_time(self.now_ms),
            "precedence": "FLASH",
            "marking": "",
            "incident": "CG-1122-01",
            "template": {"id": "sea/contact", "version": 1, "digest": "ab" * 32},
            "fields": {"track": "T4471"},
            "text": "EXERCISE EXERCISE EXERCISE: closing fast.",
            "lang": "en",
            "reply_by": None,
        }
        return Statement.model_validate(body | changes)

    def payload(self, **changes: Any) -> bytes:
        return encode_statement(self.statement(**changes))

    def signed(self, **changes: Any) -> bytes:
        return sign_statement(self.payload(**changes), self.n1.signer, self.n1.cert_id)

    def forged(self, payload: bytes, *keys: CertifiedKey, kind: str = STATEMENT_TYPE) -> bytes:
        """Sign without asking whether one may."""
        envelope = Envelope(kind, payload)
        for key in keys:
            envelope = envelope.with_hybrid(key.cert_id, key.signer.sign(envelope.message))
        return encode_envelope(envelope)

    def packet(self, *items: Item, **changes: Any) -> Packet:
        values: dict[str, Any] = {
            "line": self.roster.line,
            "sender": "NORTH",
            "to": "SOUTH",
            "to_kid": self.south.prekey.key_id,
            "counter": 1,
            "instance": "0f" * 16,
            "announcement": Announcement(
                aseq=1,
                pk=self.north.prekey.public.encoded,
                kind="prekey",
                not_after=format_time(self.now_ms + 86_400_000),
            ),
            "items": items,
            "revocation": RevocationHead(counter=0, digest=ZERO_DIGEST),
            "sent_at_ms": self.now_ms,
        }
        return Packet(**(values | changes))


@pytest.fixture(scope="session")
def world() -> World:
    stations = {}
    for name, people in {"NORTH": "n1 n2", "SOUTH": "s1", "EAST": "e1"}.items():
        stations[name] = new_station_keys(
            station=name,
            realm=Realm.EXERCISE,
            officers=[Subject(one, f"Officer {one}", "CDR", "watch") for one in people.split()],
            at_ms=NOW_MS,
            entropy=entropy_from(name),
        )
    north, south, east = stations["NORTH"], stations["SOUTH"], stations["EAST"]
    charter = make_charter(
        north.root,
        name="north-south",
        members=[("NORTH", north.root.digest), ("SOUTH", south.root.digest)],
        policy=POLICY,
        at_ms=NOW_MS,
    )
    charter = countersign_charter(charter, south.root)
    roster = Roster.read([*north.records, *south.records, charter])
    shared = combine_halves(roster.line, {"NORTH": bytes(32), "SOUTH": b"\1" * 32})
    secret = LineSecret(shared, day_number(NOW_MS))
    return World(north, south, east, charter, roster, secret)


@pytest.fixture
def edit_json() -> Callable[..., bytes]:
    """Return a function that changes keys of canonical JSON bytes and writes it again."""

    def edit(encoded: bytes, **changes: Any) -> bytes:
        return canonical.encode(canonical.decode(encoded, what="x", max_bytes=1 << 20) | changes)

    return edit


@pytest.fixture
def small_order_points() -> tuple[bytes, ...]:
    """Return encodings of points of order 1, 2, 4 and 8 on Ed25519's curve."""
    eighth = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    return (
        struct.pack("<32B", 1, *[0] * 31),
        bytes(32),
        bytes.fromhex("ec" + "ff" * 30 + "7f"),
        bytes.fromhex(eighth),
    )


@pytest.fixture
def digest() -> Digest:
    return Digest(b"\x5a" * 32)
