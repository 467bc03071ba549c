"""What SOUTH can do to NORTH with SOUTH's real keys in hand, and what NORTH makes of it.

After each attack an honest statement must still get through, both ways.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import OperatorError
from hotline.core.exchange.fold import apply
from hotline.core.exchange.forks import fork_evidence, standing_forks
from hotline.core.exchange.situation import Happening
from hotline.core.messages.statement import STATEMENT_TYPE, encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import cosign, parse_note, sign_checkpoint
from hotline.core.records.leaf import commitment, decode_leaf, encode_leaf
from hotline.core.values import Digest, Realm, sha256
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.dsse import Envelope, SignatureEntry, encode_envelope
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import Subject, new_station_keys
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.statements import sign_statement
from hotline.station import outgoing
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


@asynccontextmanager
async def attacked(tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    """Give the victim and the attacker; afterwards the line must work and both ledgers verify."""
    async with FakeLine(tmp_path) as line:
        first = await line.south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: line.south.receipted(first))
        yield line.north, line.south
        await still_works(line)


async def still_works(line: FakeLine) -> None:
    for place in line.places:
        digest = await place.say("conv/free-text", {}, text=f"honest words of {place.name}")
        await wait_for(lambda place=place, digest=digest: place.receipted(digest))
    for place in line.places:
        assert place.task is not None
        assert not place.task.done()
    await line.settled()
    for place in line.places:
        await place.stop()
        verdict = place.verdict()
        assert verdict.ok, verdict


def resolve(place: Place) -> None:
    """Let the forks that stand be resolved, as if `hotline ledger resolve` had recorded it."""
    forks = standing_forks(place.situation)
    event = ev.ForkResolved(
        peer=place.peer,
        forks=len(forks),
        evidence=fork_evidence(forks),
        authorisation="ab" * 32,
        officers=("A", "B"),
        reason="spoken by voice",
    )
    recorder = place.station._recorder
    for situation in (recorder.situation, recorder._ahead):
        apply(situation, Happening(situation.length, place.clock_ms(), event))
        situation.length -= 1


def _identity(item: its.StatementItem) -> str:
    payload = canonical.from_base64(json.loads(item.envelope)["payload"], what="payload")
    return statement_digest(payload).hex()


async def refused(north: Place, *words: str) -> str:
    """Wait until NORTH has something in quarantine; its reason must hold `words`."""
    await wait_for(lambda: north.reasons)
    (reason,) = north.reasons
    for word in words:
        assert word in reason, reason
    return reason


def envelope_of(payload: bytes, *signatures: SignatureEntry) -> bytes:
    return encode_envelope(Envelope(STATEMENT_TYPE, payload, signatures))


# --- statements -----------------------------------------------------------------------


async def test_altered_statement_is_quarantined_and_rejected(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        payload = encode_statement(south.statement(text="we turn to port"))
        altered = payload.replace(b"we turn to port", b"we open to fire")
        body = json.loads(south.sign(payload))
        body["payload"] = canonical.to_base64(altered)
        item = its.StatementItem(
            envelope=canonical.encode(body), order=south.order(statement_digest(altered))
        )
        south.inject(item)
        await refused(north, "does not verify")
        digest = statement_digest(altered).hex()
        assert not north.holds(digest)
        await wait_for(lambda: south.heard_items(its.RejectedItem))
        (said,) = south.heard_items(its.RejectedItem)
        assert said.digest.hex() == digest
        (event,) = [
            one for one in north.happenings() if isinstance(one.event, ev.StatementQuarantined)
        ]
        # The evidence is kept, byte for byte.
        assert north.opened.ledger.enclosure(event.index) == its.encode_item(item)


async def test_statement_replayed_under_a_new_number_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        (first,) = south.situation.statements
        old = its.decode_item(south.opened.ledger.enclosure(south.state(first).index))
        assert isinstance(old, its.StatementItem)
        again = south.order(Digest(bytes.fromhex(first)))
        length = len(north.recorded(ev.StatementReceived))
        south.inject(its.StatementItem(envelope=old.envelope, order=again))
        await refused(north, "replayed")
        assert len(north.recorded(ev.StatementReceived)) == length
        # The receipt of the genuine one stands at the sender whatever was "rejected" since.
        assert south.receipted(first)
        assert not south.state(first).rejected


async def test_cell_replayed_exactly_has_no_effect(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        await wait_for(lambda: south.station.settled or not south.situation.outbox)
        before = [type(one.event) for one in north.happenings()]
        for cell in list(south.cells):
            await south.station.route.send(cell)
        await south.station.route.ping()
        await north.station.route.ping()
        after = [type(one.event) for one in north.happenings()]
        assert after == before
        assert not north.reasons


async def test_statement_by_a_key_outside_the_charter_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        now_ms = south.clock_ms()
        stranger = new_station_keys(
            station="SOUTH",
            realm=Realm.EXERCISE,
            officers=(Subject("niven", "K. Niven", "LCDR", "Watch officer"),),
            at_ms=now_ms,
            entropy=system_entropy,
        ).officers["niven"]
        statement = south.statement(by=(stranger.cert_id.hex(),))
        envelope = sign_statement(encode_statement(statement), stranger.signer, stranger.cert_id)
        south.inject(south.item(statement, envelope=envelope))
        await refused(north, "certificate is not in the charter's circle")


async def test_statement_by_a_key_that_claims_a_real_certificate_is_quarantined(
    tmp_path: Path,
) -> None:
    async with attacked(tmp_path) as (north, south):
        thief = HybridSigner(draw_hybrid_seeds(system_entropy))
        payload = encode_statement(south.statement())
        envelope = sign_statement(payload, thief, Digest(south.officer.certificate.id))
        south.inject(
            its.StatementItem(envelope=envelope, order=south.order(statement_digest(payload)))
        )
        await refused(north, "a signature does not verify")


async def test_statement_with_one_half_of_a_hybrid_signature_is_quarantined(
    tmp_path: Path,
) -> None:
    async with attacked(tmp_path) as (north, south):
        payload = encode_statement(south.statement())
        body = json.loads(south.sign(payload))
        body["signatures"] = body["signatures"][:1]
        south.inject(
            its.StatementItem(
                envelope=canonical.encode(body), order=south.order(statement_digest(payload))
            )
        )
        await refused(north, "one half")


async def test_statement_signed_by_the_console_key_is_quarantined(tmp_path: Path) -> None:
    from hotline.sealing.certificate import Usage

    async with attacked(tmp_path) as (north, south):
        from hotline.host.keyfile import read_key_file
        from hotline.station.home import hybrid_seeds

        seeds = read_key_file(south.home.keys / "console.key", None).seeds
        console = HybridSigner(hybrid_seeds(seeds, "console"))
        (certificate,) = south.opened.line.roster.certified("SOUTH", Usage.TRANSPORT)
        statement = south.statement(by=(certificate.id.hex(),))
        envelope = sign_statement(encode_statement(statement), console, Digest(certificate.id))
        south.inject(south.item(statement, envelope=envelope))
        await refused(north, "a transport key may not sign statements")


async def test_statement_of_another_line_is_quarantined(tmp_path: Path) -> None:
    async with FakeLine(tmp_path / "other", run=False) as other:
        foreign = other.south.item()
    async with attacked(tmp_path / "this") as (north, south):
        south.inject(foreign)
        await refused(north, "belongs to another line")


async def test_statement_relabelled_live_on_an_exercise_line_is_quarantined(
    tmp_path: Path,
) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(south.item(south.statement(realm=Realm.LIVE)))
        await refused(north, "its realm is LIVE, the line's EXERCISE")


async def test_statement_as_if_from_the_victim_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        theirs = north.item()
        south.inject(theirs)
        await refused(north, "not from the station that sent the packet")
        digest = statement_digest(encode_statement(north.statement())).hex()
        assert not north.holds(digest)


async def test_statement_addressed_to_its_own_sender_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(south.item(south.statement(to=("SOUTH", "NORTH"))))
        await refused(north, "addressed to its own sender")


async def test_statement_not_addressed_to_us_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(south.item(south.statement(to=("SOUTH",))))
        await refused(north, "addressed")


async def test_order_by_the_console_key_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        from hotline.sealing.order import Order, sign_order

        item = south.item()
        payload = canonical.from_base64(json.loads(item.envelope)["payload"], what="payload")
        order = Order(
            line=south.opened.line.roster.line,
            sender="SOUTH",
            generation=1,
            seq=2,
            prev=Digest(bytes.fromhex(south.situation.our_order.digest)),
            digest=statement_digest(payload),
        )
        line = south.opened.line
        forged = sign_order(order, line.console, line.ledger_certificate)
        south.inject(its.StatementItem(envelope=item.envelope, order=forged))
        await refused(north, "order")


async def test_order_of_another_statement_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        item = south.item()
        south.inject(
            its.StatementItem(envelope=item.envelope, order=south.order(Digest(bytes(32))))
        )
        await refused(north, "its order is of another statement")


async def test_one_number_for_two_statements_is_a_fork(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        one, two = south.item(), south.item()
        south.inject(one)
        await wait_for(lambda: len(north.situation.statements) == 2)
        south.inject(two)
        await refused(north, "fork: number 2 of SOUTH stands already")
        assert len(north.situation.statements) == 2
        (fork,) = north.recorded(ev.ForkSeen)
        assert (fork.peer, fork.seq, fork.digest) == ("SOUTH", 2, _identity(two))
        with pytest.raises(OperatorError, match="FROZEN: SOUTH gave number 2"):
            await north.say("conv/free-text", {}, text="as if nothing had happened")
        resolve(north)
        # SOUTH's ledger knows nothing of it, so its next honest number is taken, too:
        # the injected one stands at NORTH as evidence. Let SOUTH own up to it.
        south.go_on_from(north.situation.their_orders["SOUTH"])


async def test_order_that_does_not_continue_the_last_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(south.item(prev=Digest(bytes([7]) * 32)))
        await refused(north, "does not continue its order")


async def test_number_far_ahead_is_shown_with_a_gap(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(south.item(seq=9, prev=Digest(bytes([7]) * 32)))
        await wait_for(lambda: len(north.situation.statements) == 2)
        (gap,) = north.recorded(ev.GapSeen)
        assert (gap.first_seq, gap.last_seq) == (2, 8)


# --- proofs, cosignatures, heads --------------------------------------------------------


@asynccontextmanager
async def unproved(tmp_path: Path) -> AsyncIterator[tuple[Place, Place, str, list[its.Item]]]:
    """Let NORTH say something whose receipt SOUTH holds back: (north, south, digest, receipt)."""
    async with attacked(tmp_path) as (north, south):
        honest, held_back = south.station._receipt_items, []

        def keep(digest: str) -> list[its.Item]:
            held_back[:] = honest(digest)
            return []

        south.station._receipt_items = keep  # type: ignore[method-assign]
        digest = await north.say("conv/free-text", {}, text="prove that you have this")
        await wait_for(lambda: held_back)
        receipt = list(held_back)
        yield north, south, digest, receipt
        south.station._receipt_items = honest  # type: ignore[method-assign]
        await wait_for(lambda: north.receipted(digest))


def record_in(receipt: list[its.Item]) -> its.RecordItem:
    (record,) = [item for item in receipt if isinstance(item, its.RecordItem)]
    return record


def with_record(receipt: list[its.Item], record: its.RecordItem) -> list[its.Item]:
    return [record if isinstance(item, its.RecordItem) else item for item in receipt]


async def test_receipt_held_back_is_no_receipt_until_it_comes(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        assert not north.receipted(digest)
        south.inject(*receipt)
        await wait_for(lambda: north.receipted(digest))
        assert not north.reasons


async def test_proof_with_a_forged_content_is_refused(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        record = record_in(receipt)
        content = record.content.replace(b'"VERIFIED"', b'"UNVERIFIED"')
        assert content != record.content
        forged = record.model_copy(update={"content": content})
        south.inject(*with_record(receipt, forged))
        await refused(north, "does not fit its leaf")
        assert not north.receipted(digest)


async def test_proof_with_a_forged_leaf_is_refused(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        record = record_in(receipt)
        content = record.content.replace(b'"VERIFIED"', b'"UNVERIFIED"')
        leaf = replace(decode_leaf(record.leaf), commitment=commitment(record.salt, content))
        forged = record.model_copy(update={"content": content, "leaf": encode_leaf(leaf)})
        south.inject(*with_record(receipt, forged))
        await refused(north, "does not lead to the peer's head")
        assert not north.receipted(digest)


async def test_proof_of_another_entry_is_refused(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, _digest, receipt):
        record = record_in(receipt)
        other = next(
            one
            for one in south.opened.ledger.entries(0, south.opened.ledger.size)
            if one.kind == ev.StatementSent.kind
        )
        forged = record.model_copy(
            update={"leaf": other.leaf, "salt": other.salt, "content": other.content}
        )
        south.inject(*with_record(receipt, forged))
        await refused(north, "does not fit its leaf")


async def test_proof_without_a_countersigned_head_over_it_is_no_receipt(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        alone = [item for item in receipt if not isinstance(item, its.CosignatureItem)]
        assert len(alone) < len(receipt)
        south.inject(*alone)
        await south.station.route.ping()
        assert not north.receipted(digest)
        assert not north.reasons


async def test_proof_given_twice_in_one_packet_is_recorded_once(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        south.inject(*receipt, record_in(receipt), record_in(receipt))
        await wait_for(lambda: north.receipted(digest))
        assert [one.digest for one in north.recorded(ev.ReceiptObtained)].count(digest) == 1


async def test_cosignature_given_twice_in_one_packet_does_no_harm(tmp_path: Path) -> None:
    async with unproved(tmp_path) as (north, south, digest, receipt):
        (cosignature,) = [one for one in receipt if isinstance(one, its.CosignatureItem)]
        south.inject(cosignature, cosignature, *receipt)
        await wait_for(lambda: north.receipted(digest))


async def test_cosignature_of_a_head_never_signed_is_refused(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        size = north.opened.ledger.size + 5
        line = south.opened.line
        note = sign_checkpoint(north.opened.line.origin, size, sha256(b"x"), line.ledger)
        signed = cosign(
            parse_note(note).checkpoint, line.witness_of("SOUTH"), line.ledger, 1_800_000_000
        )
        said = signed.split(b"\n\n", 1)[1].decode().rstrip("\n")
        south.inject(its.CosignatureItem(size=size, note=said))
        await refused(north, "a head that we never signed")


async def test_cosignature_over_another_root_is_refused(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        honest = south.station._witness.countersign
        south.station._witness.countersign = lambda _peer: None  # type: ignore[method-assign]
        await north.say("conv/free-text", {}, text="a head that is not countersigned yet")
        ledger, line = north.opened.ledger, south.opened.line
        size = ledger.size
        note = sign_checkpoint(north.opened.line.origin, size, sha256(b"x"), line.ledger)
        signed = cosign(
            parse_note(note).checkpoint, line.witness_of("SOUTH"), line.ledger, 1_800_000_000
        )
        said = signed.split(b"\n\n", 1)[1].decode().rstrip("\n")
        south.inject(its.CosignatureItem(size=size, note=said))
        await wait_for(lambda: north.reasons)
        assert ledger.cosignature(size, line.witness_of("SOUTH")) is None
        south.station._witness.countersign = honest  # type: ignore[method-assign]


async def test_fork_of_the_peers_head_is_recorded_and_not_countersigned(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        line = south.opened.line
        held = north.station._witness.held("SOUTH")
        assert held is not None
        forged = sign_checkpoint(line.origin, held.size, sha256(b"another history"), line.ledger)
        heard = len(south.heard_items(its.CosignatureItem))
        fork = its.HeadItem(checkpoint=forged.decode(), old_size=held.size, proof=())
        south.inject(fork)
        await wait_for(lambda: north.recorded(ev.HeadRefused))
        south.inject(fork)
        await south.station.route.ping()
        await north.station.route.ping()
        (evidence,) = north.recorded(ev.HeadRefused)
        assert evidence.verdict == "FORK"
        assert evidence.note == forged.decode()
        assert north.station._witness.held("SOUTH") == held
        roots = {parse_note(north.opened.ledger.witnessed(line.origin).note).checkpoint.root}
        assert roots == {held.root}
        assert len(south.heard_items(its.CosignatureItem)) == heard


async def test_head_with_a_false_proof_is_recorded_and_not_countersigned(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        line = south.opened.line
        held = north.station._witness.held("SOUTH")
        assert held is not None
        forged = sign_checkpoint(line.origin, held.size + 1, sha256(b"other"), line.ledger)
        item = its.HeadItem(
            checkpoint=forged.decode(), old_size=held.size, proof=(sha256(b"p"), sha256(b"q"))
        )
        south.inject(item)
        await wait_for(lambda: north.recorded(ev.HeadRefused))
        (evidence,) = north.recorded(ev.HeadRefused)
        assert evidence.verdict == "INCONSISTENT"
        assert north.station._witness.held("SOUTH") == held


async def test_head_by_another_key_is_refused(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        line = south.opened.line
        forged = sign_checkpoint(line.origin, 99, sha256(b"x"), Ed25519Signer(bytes(32)))
        south.inject(its.HeadItem(checkpoint=forged.decode(), old_size=0, proof=()))
        await wait_for(lambda: north.reasons)
        assert not north.recorded(ev.HeadRefused)


# --- packets ------------------------------------------------------------------------


HOSTILE = [
    ("\u202e", "U+202E"),
    ("\x1b[2J", "U+001B"),
    ("\u200b", "U+200B"),
    ("\x00", "U+0000"),
    ("\u2066", "U+2066"),
    ("\ue000", "U+E000"),
]


@pytest.mark.parametrize(("character", "named"), HOSTILE)
async def test_hostile_character_in_a_text_is_refused_by_its_code_point(
    tmp_path: Path, character: str, named: str
) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(hostile(south, f"turn {character} back"))
        reason = await refused(north, named)
        assert character not in reason


def hostile(south: Place, text: str) -> its.StatementItem:
    """Sign what no desk would write: the officer's key over a text that is not allowed."""
    honest = south.statement().model_dump(mode="json", by_alias=True)
    payload = canonical.encode(honest | {"text": text})
    envelope = Envelope(STATEMENT_TYPE, payload)
    certificate = Digest(south.officer.certificate.id)
    signed = envelope.with_hybrid(certificate, south.officer.signer.sign(envelope.message))
    return its.StatementItem(
        envelope=encode_envelope(signed), order=south.order(statement_digest(payload))
    )


async def test_markup_in_a_text_is_text(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south_item = south.item(south.statement(text="[bold red]ALL CLEAR[/] \\[link=x]"))
        south.inject(south_item)
        await wait_for(lambda: len(north.situation.statements) == 2)
        digest = list(north.situation.statements)[-1]
        view = north.desk.message(digest)
        assert view is not None
        assert "> [bold red]ALL CLEAR[/] \\[link=x]" in view.lines
        south.go_on_from(north.situation.their_orders["SOUTH"])


async def test_bad_items_among_good_ones_spoil_only_themselves(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        good = [south.item()]
        payload = json.loads(good[0].envelope)["payload"]
        digest = statement_digest(canonical.from_base64(payload, what="payload")).hex()
        bad = [
            its.HeadConflictItem(origin="hotline/another", size=3),
            its.RejectedItem(digest=Digest(bytes(32)), reason="of nothing that you sent"),
            its.DisplayedItem(digest=Digest(bytes(32)), at="2026-11-22T14:31:26.000Z"),
            hostile(south, "\u202egnp.exe"),
        ]
        raw = _Raw({"t": "displayed", "digest": "zz", "at": "noon"})
        evil = _Raw({"t": "nonsense", "x": "\u202e"})
        south.inject(raw, bad[0], bad[3], evil, good[0], bad[1], bad[2])  # type: ignore[arg-type]
        await wait_for(lambda: north.holds(digest))
        await wait_for(lambda: len(north.reasons) == 4)
        assert sum("U+202E" in reason for reason in north.reasons) == 2
        assert any(reason.startswith("item 1 of a packet") for reason in north.reasons)
        assert any(reason.startswith("item 4 of a packet") for reason in north.reasons)
        south.go_on_from(north.situation.their_orders["SOUTH"])


class _Raw:
    """An item that no model writes."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return self.value


async def test_junk_cells_are_counted_and_told_in_one_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.station import station as module

    monkeypatch.setattr(module, "TICK_S", 0.05)
    async with attacked(tmp_path) as (north, south):
        cell = bytearray(south.cells[-1])
        cell[-1] ^= 1
        for junk in (bytes(cell), b"x" * 5000, b"x", bytes(cell)):
            await south.station.route.send(junk)
        wrong_key = bytearray(south.cells[-1])
        wrong_key[5] ^= 1
        await south.station.route.send(bytes(wrong_key))
        await wait_for(lambda: north.recorded(ev.CellsRefused))
        await south.station.route.ping()
        assert sum(one.count for one in north.recorded(ev.CellsRefused)) <= 5
        assert not north.reasons
        await wait_for(lambda: south.heard_items(its.NackItem))
        (nack,) = south.heard_items(its.NackItem)
        assert nack.code == "unknown-key"


async def test_own_cells_sent_back_are_not_taken(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        length = north.situation.length
        await south.station.route.send(north.cells[-1])
        await south.station.route.ping()
        assert north.station._refused.total() == 1
        assert north.situation.length == length


# --- what a rejection does -----------------------------------------------------------


async def test_rejected_ends_the_life_of_a_statement_in_the_outbox(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        honest = south.station._receipt_items
        south.station._receipt_items = lambda _digest: []  # type: ignore[method-assign]
        digest = await north.say("conv/free-text", {}, text="you will not like this")
        assert digest in north.situation.outbox
        south.inject(its.RejectedItem(digest=Digest(bytes.fromhex(digest)), reason="not for us"))
        await wait_for(lambda: digest not in north.situation.outbox)
        south.station._receipt_items = honest  # type: ignore[method-assign]
        assert north.state(digest).rejected == {"SOUTH": "not for us"}
        view = north.desk.message(digest)
        assert view is not None
        assert view.state_word == "REJECTED"
        sent = len(north.cells)
        north.station._pump()
        await north.station.route.ping()
        assert len(north.cells) == sent


async def test_rejection_of_what_was_receipted_changes_nothing(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        digest = await north.say("conv/free-text", {}, text="you have taken this")
        await wait_for(lambda: north.receipted(digest))
        south.inject(its.RejectedItem(digest=Digest(bytes.fromhex(digest)), reason="after all not"))
        await south.station.route.ping()
        assert not north.state(digest).rejected


async def test_displayed_said_of_their_own_statement_changes_nothing(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        (first,) = south.situation.statements
        said = its.DisplayedItem(digest=Digest(bytes.fromhex(first)), at="2026-11-22T14:31:26.000Z")
        south.inject(said, said)
        await south.station.route.ping()
        assert not north.recorded(ev.DisplayedThere)


async def test_displayed_said_twice_in_one_packet_is_recorded_once(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        digest = await north.say("conv/free-text", {}, text="look at this")
        await wait_for(lambda: north.receipted(digest))
        said = its.DisplayedItem(
            digest=Digest(bytes.fromhex(digest)), at="2026-11-22T14:31:26.000Z"
        )
        south.inject(said, said)
        await wait_for(lambda: north.recorded(ev.DisplayedThere))
        assert len(north.recorded(ev.DisplayedThere)) == 1


async def test_head_conflict_about_another_ledger_is_refused(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        south.inject(its.HeadConflictItem(origin=south.opened.line.origin, size=0))
        await refused(north, "about another ledger")


async def test_false_head_conflicts_do_not_stop_the_line(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        origin = north.opened.line.origin
        for size in (0, 3, 2**53 - 1):
            south.inject(its.HeadConflictItem(origin=origin, size=size))
        await south.station.route.ping()
