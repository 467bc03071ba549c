"""Three stations whose statements are really signed, and an adversary who has some of the keys.

It is the machine of tests/core/exchange/test_group_machine.py, with packet items instead of
letters and a station's own judgement of them. Three machines share the adversary:

=====================  ===========  ============  ============
the adversary          two ends     signed group  group
=====================  ===========  ============  ============
drop, duplicate        yes          yes           yes
reorder, replay        yes          yes           yes
replay across lines    cells        statements    yes
reflect                cells        statements    yes
flip                   cells        statements
crash before, after    yes          yes           yes
old snapshot           of the keys  of a ledger   of a ledger
clock jump             yes          yes           yes
rotate                 yes
revoke                 a console    an officer
swap certificates      yes          yes
equivocate                          yes           yes
=====================  ===========  ============  ============

=====================================  ===========  ============  =======
what holds                             two ends     signed group  group
=====================================  ===========  ============  =======
nothing unverified shown as verified   of packets   yes
no destroyed key opens                 yes
each statement accepted once           each cell    yes           yes
receipt means durable                  yes          yes           yes
one chain, or an alarm is up                        yes           yes
floors never fall                      days, keys   generations   the same
healed, all that was said arrives      yes          yes           yes
=====================================  ===========  ============  =======

Two ends: tests/station/test_pair_machine.py, 600 runs. Signed group: here, 400 runs.
Group: 1,000 runs. Spec: docs/protocol.md §4.12, §4.23, §7.1, §7.4
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.exchange.commands import Quarantine, TakeStatement, Told
from hotline.core.exchange.decide import decide
from hotline.core.messages.statement import encode_statement
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.sealing import items as its
from hotline.sealing.announcement import Announcement
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.charter import default_policy
from hotline.sealing.enrol import (
    CertifiedKey,
    StationKeys,
    Subject,
    countersign_charter,
    make_charter,
    new_station_keys,
)
from hotline.sealing.joining import join_record
from hotline.sealing.order import Order, sign_order
from hotline.sealing.packet import Packet, RevocationHead, VerifiedPacket
from hotline.sealing.revocation import Effect, Revocation, sign_revocation
from hotline.sealing.roster import Roster
from hotline.sealing.statements import sign_statement
from hotline.station.intake import Intake
from hotline.station.refusing import reference_of
from tests.core.exchange.rig import NOW_MS, Letter, Side
from tests.core.exchange.test_group_machine import LINKS, NAMES, PLACES, SIDES, Group, Sent
from tests.fakes.line import rules
from tests.sealing.conftest import entropy_from

pytestmark = pytest.mark.timeout(400)
PEOPLE = ("first", "second")
FORGERIES = (
    "another certificate",
    "another ledger key",
    "another order",
    "another signature of the order",
    "another payload",
    "another signature",
    "one half",
    "no signature",
)


@dataclass(frozen=True)
class Keys:
    """Three stations' keys, their line, and another line of the same three."""

    stations: dict[str, StationKeys]
    roster: Roster
    other: Roster


@cache
def keys() -> Keys:
    stations = {
        name: new_station_keys(
            station=name,
            realm=Realm.EXERCISE,
            officers=[Subject(person, f"Officer {person}") for person in PEOPLE],
            at_ms=NOW_MS,
            entropy=entropy_from(f"group {name}"),
        )
        for name in NAMES
    }
    rosters = []
    for line in ("group", "other"):
        members = [(name, one.root.digest) for name, one in stations.items()]
        root, *others = [one.root for one in stations.values()]
        charter = make_charter(
            root, name=line, members=members, policy=default_policy(), at_ms=NOW_MS
        )
        for other in others:
            charter = countersign_charter(charter, other)
        records = [record for one in stations.values() for record in one.records]
        rosters.append(Roster.read([*records, charter]))
    return Keys(stations, *rosters)


class NoHeads:
    """A witness before any head was shown; no item here needs one."""

    def held(self, _peer: str) -> None:
        return None

    def cosigned_size(self, _peer: str) -> int:
        return 0


@dataclass
class SignedSide(Side):
    """A side whose officer and ledger key sign, and which judges what comes as a station does."""

    roster: Roster = field(default_factory=lambda: keys().roster)
    officer: int = 0
    revoked_ms: dict[str, int] = field(default_factory=dict)

    @property
    def held(self) -> StationKeys:
        return keys().stations[self.name]

    @property
    def signer(self) -> CertifiedKey:
        return self.held.officers[PEOPLE[self.officer]]

    def write(
        self, template: str = "conv/free-text", order_line: Digest | None = None, **given: Any
    ) -> Told:
        line = given.pop("_line", self.roster.line.hex())
        by = (self.signer.cert_id.hex(),)
        told = super().write(template, _line=line, _by=by, **given)
        before = self.situation.our_order
        prev = before.digest if before else ZERO_DIGEST.hex()
        return self.signed(told, told.order.generation, told.order.seq, prev, order_line)

    def signed(
        self, told: Told, generation: int, seq: int, prev: str, line: Digest | None = None
    ) -> Told:
        """Sign a statement, unless that is done, and an order with that place for it."""
        statement, ledger, signer = told.statement, self.held.ledger, self.signer
        order = Order(
            line=line or self.roster.line,
            sender=self.name,
            generation=generation,
            seq=seq,
            prev=Digest(bytes.fromhex(prev)),
            digest=Digest(bytes.fromhex(told.digest)),
        )
        if told.signers:
            before = its.decode_item(told.item)
            assert isinstance(before, its.StatementItem)
            envelope = before.envelope
        else:
            envelope = sign_statement(encode_statement(statement), signer.signer, signer.cert_id)
        item = its.StatementItem(
            envelope=envelope,
            order=sign_order(order, ledger.signer.ed25519, ledger.cert_id),
        )
        signers = told.signers or (signer.cert_id.hex(),)
        encoded = its.encode_item(item)
        return replace(told, order=reference_of(order), item=encoded, signers=signers)

    def judge(self, peer: str, item: its.Item, sent_at_ms: int) -> TakeStatement | Quarantine:
        """Return what an item of a packet of `peer` asks for."""
        line: Any = SimpleNamespace(
            roster=self.roster, clock=lambda: self.now_ms, station=self.name
        )
        nobody: Any = NoHeads()
        packet = Packet(
            line=self.roster.line,
            sender=peer,
            to=self.name,
            to_kid=bytes(16),
            counter=1,
            instance="0f" * 16,
            announcement=ANNOUNCEMENT,
            items=(item,),
            revocation=RevocationHead(counter=0, digest=ZERO_DIGEST),
            sent_at_ms=sent_at_ms,
        )
        console: Any = None
        taken = Intake(line, self.rules, nobody, nobody, nobody).sort(
            VerifiedPacket(packet, console, 0), self.situation
        )
        asked: Sequence[Any] = taken.commands()
        return asked[0]

    def trusts(self, certificate: str) -> bool:
        """Return what is to be expected of a signer now, without asking the product."""
        since_ms = self.revoked_ms.get(certificate)
        begins_ms = NOW_MS - 120_000
        covered = begins_ms <= self.now_ms <= begins_ms + MAX_VALIDITY_MS
        return covered and (since_ms is None or self.now_ms < since_ms)


ANNOUNCEMENT = Announcement.model_construct(aseq=1, pk=b"", kind="prekey", not_after="")


class SignedGroup(Group):
    """The group with signatures; whatever `genuine` does not hold, nobody may ever take."""

    def __init__(self) -> None:
        super().__init__()
        self.genuine: dict[str, str] = {}
        self.revocations: list[bytes] = []
        self.told_of: list[tuple[str, int]] = []

    def make_side(self, name: str) -> Side:
        peer = next(one for one in NAMES if one != name)
        return SignedSide(name, peer, rules=rules(NAMES))

    def side(self, name: str) -> SignedSide:
        found = self.sides[name]
        assert isinstance(found, SignedSide)
        return found

    def _twin(self, order: ev.OrderRef) -> Told:
        east = self.side("EAST")
        twin = east.write("conv/free-text", _to=("NORTH", "SOUTH"), _info=())
        return east.signed(twin, order.generation, order.seq, order.prev)

    def _placed(self, side: Side, told: Told, prev: str) -> Told:
        place = side.situation.generation, side.situation.next_seq()
        return self.side(side.name).signed(told, *place, prev)

    def _put(self, sender: str, to: str, letter: Sent) -> None:
        super()._put(sender, to, letter)
        if isinstance(letter, Letter):
            self.genuine[letter.digest] = letter.told.signers[0]

    # --- what comes --------------------------------------------------------------------

    def _replayed(self, letter: Letter, elsewhere: bool) -> Letter:
        """Return it, or what its officer said so on another line of the same stations."""
        if not elsewhere:
            return letter
        side, other = self.side(letter.told.statement.sender), keys().other.line
        order_line = other if len(self.seen) % 2 else side.roster.line
        foreign = side.write("conv/free-text", order_line, _line=other.hex())
        return Letter(foreign, letter.sender, letter.prev, letter.sent_at_ms)

    def _take(self, sender: str, name: str, letter: Letter, crash: str) -> bool:
        return self._hear(sender, name, letter.told.item, letter.sent_at_ms, crash)

    def _hear(self, sender: str, name: str, item: bytes, sent_at_ms: int, crash: str) -> bool:
        """Have `name` judge an item in a packet of `sender`; return whether it receipts it."""
        side = self.side(name)
        try:
            command = side.judge(sender, its.decode_item(item), sent_at_ms)
        except PeerError:
            return False
        if isinstance(command, TakeStatement):
            told = command.told
            assert told.statement.sender == sender
            assert told.digest in self.genuine
            assert told.signers == (self.genuine[told.digest],)
            expected = "VERIFIED" if side.trusts(told.signers[0]) else "UNVERIFIED"
            assert command.verdict == expected
        if crash == "before":
            decide(side.situation, side.rules, command, side.now_ms)
            return False
        decision = side.do(command)
        return isinstance(command, TakeStatement) and decision.rejected is None

    # --- what only signatures stop -------------------------------------------------------

    @rule(link=LINKS, place=PLACES, at=PLACES, bit=st.integers(0, 7))
    def flip(self, link: tuple[str, str], place: int, at: int, bit: int) -> None:
        if self.seen:
            letter = self.seen[place % len(self.seen)]
            item = bytearray(letter.told.item)
            item[at * 7919 % len(item)] ^= 1 << bit
            self._refuse(letter.sender, link[1], bytes(item), letter.sent_at_ms)

    @rule(link=LINKS, place=PLACES, second=PLACES, how=st.sampled_from(FORGERIES))
    def forge(self, link: tuple[str, str], place: int, second: int, how: str) -> None:
        """Make one item out of the pieces of others, as who has them all but no key may."""
        if not self.seen:
            return
        letter, other = (self.seen[one % len(self.seen)] for one in (place, second))
        held = keys().stations[letter.sender]
        item, piece = (its.decode_item(one.told.item) for one in (letter, other))
        assert isinstance(item, its.StatementItem)
        assert isinstance(piece, its.StatementItem)
        mine, theirs = canonical_body(item.envelope), canonical_body(piece.envelope)
        order = canonical_body(item.order)
        named = {person: one.cert_id.hex() for person, one in held.officers.items()}
        match how:
            case "another certificate":
                old = letter.told.signers[0]
                new = next(
                    one for one in (*named.values(), held.ledger.cert_id.hex()) if one != old
                )
                rename(mine, old, new)
            case "another ledger key":
                rename(order, held.ledger.cert_id.hex(), held.console.cert_id.hex())
            case "another order":
                order = canonical_body(piece.order)
            case "another signature of the order":
                order["signatures"] = canonical_body(piece.order)["signatures"]
            case "another payload":
                mine["payload"] = theirs["payload"]
            case "another signature":
                mine["signatures"][second % 2] = theirs["signatures"][second % 2]
            case "one half":
                mine["signatures"].pop(second % 2)
            case "no signature":
                mine["signatures"] = []
        forged = its.StatementItem(envelope=canonical.encode(mine), order=canonical.encode(order))
        encoded = its.encode_item(forged)
        if encoded != letter.told.item:
            self._refuse(letter.sender, link[1], encoded, letter.sent_at_ms)

    def _refuse(self, sender: str, name: str, item: bytes, sent_at_ms: int) -> None:
        side = self.side(name)
        try:
            command = side.judge(sender, its.decode_item(item), sent_at_ms)
        except PeerError:
            return
        assert isinstance(command, Quarantine)
        side.do(command)

    # --- keys that end -----------------------------------------------------------------

    @rule(name=SIDES)
    def revoke(self, name: str) -> None:
        """The root revokes the officer's key; the next officer takes over."""
        side = self.side(name)
        if side.officer:
            return
        revocation = Revocation(
            station=name,
            realm=Realm.EXERCISE,
            counter=1,
            previous=ZERO_DIGEST,
            effect=Effect.REVOKE,
            subject=side.signer.cert_id,
            reason="the key file was stolen",
            at_ms=NOW_MS,
            since_ms=NOW_MS,
        )
        self.revocations.append(sign_revocation(revocation, side.held.root))
        self.told_of.append((side.signer.cert_id.hex(), NOW_MS))
        side.officer = 1
        self._learn(name)

    @rule(name=SIDES)
    def learn(self, name: str) -> None:
        self._learn(name)

    def _learn(self, name: str) -> None:
        side = self.side(name)
        for record in self.revocations:
            side.roster = join_record(side.roster, record)
        side.revoked_ms = dict(self.told_of)

    @rule(name=SIDES, back=st.booleans())
    def outlive_the_certificates(self, name: str, back: bool) -> None:
        """Turn a clock so far that no certificate, or again every one, covers it."""
        side = self.side(name)
        side.tick(NOW_MS - side.now_ms if back else MAX_VALIDITY_MS)

    # --- what always holds ---------------------------------------------------------------

    @invariant()
    def nothing_unverified_is_shown_as_verified(self) -> None:
        for side in self.sides.values():
            for state in side.situation.statements.values():
                assert state.outbound or state.digest in self.genuine
                unread = state.digest in side.situation.doubted
                assert unread == (state.verdict != "VERIFIED")

    def _check_same(self) -> None:
        """Dialogues and clocks differ where one station heard of a revocation before another."""
        north, *others = self.sides.values()
        for other in others:
            assert other.situation.statements.keys() == north.situation.statements.keys()


def canonical_body(encoded: bytes) -> dict[str, Any]:
    body: dict[str, Any] = canonical.decode(encoded, what="x", max_bytes=1 << 20)
    return body


def rename(envelope: dict[str, Any], old: str, new: str) -> None:
    """Put another certificate's id at the signatures of an envelope."""
    for entry in envelope["signatures"]:
        entry["keyid"] = entry["keyid"].replace(old, new)


def play(examples: int, steps: int, *, derandomize: bool = True) -> None:
    run_state_machine_as_test(
        SignedGroup,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_nothing_unverified_is_shown_as_verified() -> None:
    play(400, 20)


@pytest.mark.soak
def test_nothing_unverified_is_shown_as_verified_for_long() -> None:
    """Go on with other runs for SOAK_SECONDS."""
    ends_s, played = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120")), 0
    while time.monotonic() < ends_s:
        play(50, 50, derandomize=False)
        played += 50
    print(f"signed group: {played} runs of 50 steps")  # noqa: T201  the figures
    assert played
