"""Two small ledgers with real keys and records, made without a station, and an outside witness."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nacl.signing

from hotline.core import canonical
from hotline.core.messages.statement import Statement, encode_statement
from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import (
    WitnessKey,
    decode_add_checkpoint,
    encode_vkey,
)
from hotline.core.records.checkpoint import (
    Checkpoint,
    build_origin,
    cosign,
    parse_note,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from hotline.core.records.entry import Draft
from hotline.core.records.merkle import check_consistency
from hotline.core.records.witness import WitnessedHead
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest, Realm, sha256
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.ledger.public import record_digest
from hotline.ledger.store import Ledger
from hotline.sealing.charter import Policy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.enrol import (
    StationKeys,
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.epoch import EpochSealer, epoch_of
from hotline.sealing.order import Order, order_digest, sign_order
from hotline.sealing.roster import Roster
from hotline.sealing.statements import sign_statement

NOW_MS = 1_795_357_886_000  # 2026-11-22T14:31:26Z
POLICY = Policy(
    suite_floor=1,
    languages=("en",),
    authentic="en",
    test_period_s=86_400,
    two_person=(),
    presence=False,
)


def entropy_from(seed: str) -> Entropy:
    """Return an entropy source that gives the same bytes in every run."""
    calls = iter(range(1 << 30))
    return lambda size: hashlib.shake_256(f"{seed}/{next(calls)}".encode()).digest(size)


@dataclass(frozen=True)
class Side:
    """One station's keys and where its ledger lies."""

    keys: StationKeys
    name: str
    directory: Path
    line: Digest

    @property
    def signer(self) -> Ed25519Signer:
        return self.keys.ledger.signer.ed25519

    @property
    def origin(self) -> str:
        return build_origin(Realm.EXERCISE, self.line, self.name)

    @property
    def witness_name(self) -> str:
        return witness_name(Realm.EXERCISE, self.line, self.name)

    @property
    def file(self) -> Path:
        return self.directory / "ledger.db"

    def open(self, *, create: bool = False) -> Ledger:
        entropy = entropy_from(self.name)
        key = sha256(b"content key of " + self.name.encode())
        epoch = epoch_of(NOW_MS)
        parts = {
            "origin": self.origin,
            "signer": self.signer,
            "sealer": EpochSealer({epoch: key}, entropy),
            "verifier": verify_ed25519,
            "entropy": entropy,
        }
        if not create:
            return Ledger.open(self.directory, **parts)  # type: ignore[arg-type]
        ledger = Ledger.create(self.directory, **parts)  # type: ignore[arg-type]
        seeds = KeyFile(self.name, Realm.EXERCISE, {f"epoch/{epoch}": key})
        write_key_file(self.directory / "content.key", seeds, None, entropy=entropy)
        return ledger


@dataclass(frozen=True)
class Pair:
    """NORTH recorded `statement_entry`, a statement of SOUTH's, and a fork of SOUTH's log."""

    north: Side
    south: Side
    records: tuple[bytes, ...]
    roster: Roster
    sent: Statement
    statement_entry: int
    fork_entry: int
    cosigned_size: int

    @property
    def roots(self) -> list[bytes]:
        return [self.north.keys.root.record, self.south.keys.root.record]


def draft(event: ev.Event, at_ms: int, subject: Digest = ZERO_DIGEST, **more: bytes) -> Draft:
    return Draft(event.kind, ev.encode_event(event), at_ms, subject, **more)


def admit(record: bytes) -> Draft:
    digest = record_digest(record)
    return draft(ev.RecordAdmitted(record=digest.hex()), NOW_MS, digest, public=record)


def make_pair(directory: Path, *, filler: int = 0, seed: str = "") -> Pair:
    """Make both sides and work NORTH's ledger: records, a statement, a fork, filler notes.

    Another `seed` makes other keys and so another line.
    """
    keys = {
        name: new_station_keys(
            station=name,
            realm=Realm.EXERCISE,
            officers=[Subject(person, f"Officer {person}", "CDR", "watch")],
            at_ms=NOW_MS,
            entropy=entropy_from(seed + name),
        )
        for name, person in (("NORTH", "n1"), ("SOUTH", "s1"))
    }
    members = [(name, one.root.digest) for name, one in keys.items()]
    charter = make_charter(
        keys["NORTH"].root, name="north-south", members=members, policy=POLICY, at_ms=NOW_MS
    )
    charter = countersign_charter(charter, keys["SOUTH"].root)
    records = (*keys["NORTH"].records, *keys["SOUTH"].records, charter)
    roster = Roster.read(records)
    sides = [Side(keys[name], name, directory / name, roster.line) for name in keys]
    return _work(sides[0], sides[1], records, roster, filler)


def _work(
    north: Side, south: Side, records: tuple[bytes, ...], roster: Roster, filler: int
) -> Pair:
    ledger = north.open(create=True)
    opened = ev.LedgerOpened(
        realm="EXERCISE", line=roster.line.hex(), station="NORTH", generation=1
    )
    ledger.append([draft(opened, NOW_MS, roster.line), *map(admit, records)])
    statement, received = receive(south, roster)
    entry = ledger.size
    held = head_of(south, 9, b"one history")
    head = ledger.append([received], witnessed=[held])
    at_s = NOW_MS // 1000 + 5
    note = cosign(
        Checkpoint(north.origin, head.size, head.root), south.witness_name, south.signer, at_s
    )
    shown = head_of(south, 9, b"another history")
    fork = draft(ev.HeadRefused(peer="SOUTH", verdict="FORK", note=shown.note.decode()), NOW_MS + 7)
    cosignature = verify_cosignature(
        note, south.witness_name, [south.signer.public_key], verify_ed25519
    )
    ledger.append([fork], cosignatures=[cosignature])
    notes = [draft(ev.CellsRefused(count=n, reason="noise"), NOW_MS + n) for n in range(filler)]
    for start in range(0, filler, 200):
        ledger.append(notes[start : start + 200])
    ledger.close()
    return Pair(north, south, records, roster, statement, entry, entry + 1, head.size)


def receive(south: Side, roster: Roster) -> tuple[Statement, Draft]:
    """Return a statement that SOUTH's officer signed, and NORTH's entry about it."""
    officer = south.keys.officers["s1"]
    statement = Statement.model_validate(
        {
            "v": 1,
            "suite": 1,
            "realm": Realm.EXERCISE,
            "line": roster.line.hex(),
            "from": "SOUTH",
            "salt": "00112233445566778899aabbccddeeff",
            "to": ("NORTH",),
            "by": (officer.cert_id.hex(),),
            "need": 1,
            "at": format_time(NOW_MS),
            "precedence": "FLASH",
            "marking": "",
            "incident": "CG-1122-01",
            "template": {"id": "sea/contact", "version": 1, "digest": "ab" * 32},
            "fields": {"track": "T4471"},
            "text": "EXERCISE EXERCISE EXERCISE: closing fast.",
            "lang": "en",
            "reply_by": None,
        }
    )
    envelope = sign_statement(encode_statement(statement), officer.signer, officer.cert_id)
    signed = canonical.decode(envelope, what="x", max_bytes=1 << 20)
    payload = canonical.from_base64(signed["payload"], what="x")
    digest = sha256(canonical.pae(signed["payloadType"], payload))
    order = Order(roster.line, "SOUTH", 1, 1, ZERO_DIGEST, digest)
    ordered = sign_order(order, south.signer, south.keys.ledger.cert_id)
    item = {
        "envelope": signed,
        "order": canonical.decode(ordered, what="x", max_bytes=1 << 20),
        "t": "statement",
    }
    named = ev.OrderRef(
        generation=1, seq=1, prev=ZERO_DIGEST.hex(), digest=order_digest(order).hex()
    )
    event = ev.StatementReceived(
        digest=digest.hex(), order=named, verdict="VERIFIED", received_at_ms=NOW_MS + 3
    )
    return statement, draft(event, NOW_MS + 4, digest, enclosure=canonical.encode(item))


def head_of(side: Side, size: int, history: bytes) -> WitnessedHead:
    """Return a head that `side` signs over a history of its choice."""
    root = sha256(history)
    return WitnessedHead(
        side.origin, size, root, sign_checkpoint(side.origin, size, root, side.signer)
    )


class OutsideWitness:
    """A C2SP witness of its own key: countersigns what extends what it countersigned before."""

    def __init__(self, log_origin: str, log_keys: Sequence[bytes], name: str) -> None:
        self._key = nacl.signing.SigningKey(sha256(b"witness " + name.encode()))
        self._origin, self._log_keys, self.name = log_origin, log_keys, name
        self.newest: Checkpoint | None = None

    @property
    def public_key(self) -> bytes:
        return bytes(self._key.verify_key)

    @property
    def vkey(self) -> str:
        return encode_vkey(WitnessKey(self.name, self.public_key))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature

    def add_checkpoint(self, body: bytes, at_s: int = NOW_MS // 1000) -> tuple[int, bytes]:
        """Return the status and body of an HTTP answer, as C2SP tlog-witness has them."""
        asked = decode_add_checkpoint(body)
        head = parse_note(asked.note).checkpoint
        if head.origin != self._origin:
            return 404, b""
        verify_checkpoint(asked.note, self._log_keys, verify_ed25519)
        known = self.newest.size if self.newest else 0
        if asked.old_size != known:
            return 409, b"%d\n" % known
        old_root = self.newest.root if self.newest else sha256(b"")
        if not check_consistency(known, head.size, old_root, head.root, asked.proof):
            return 422, b""
        self.newest = head
        note = cosign(head, self.name, self, at_s)
        return 200, note.partition(b"\n\n")[2]
