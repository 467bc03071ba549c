"""A peer that lies about ledgers, again and again: the station stands and its record stays small.

Everything is sealed and signed with the peer's real keys; only what it says is not so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.records import events as ev
from hotline.core.records.checkpoint import parse_note, sign_checkpoint
from hotline.core.records.lasting import cosign_lasting, sign_lasting
from hotline.core.records.merkle import EMPTY_ROOT
from hotline.core.values import sha256
from hotline.review.reviewing import review_ledgers
from hotline.sealing import items as its
from hotline.sealing.packet import VerifiedPacket
from hotline.station import outgoing
from tests.fakes.line import FakeLine, Place, wait_for
from tests.journeys.test_generations import renew, settled_down

REPEATS = 25
HUGE = 2**53 - 1
FORGED_ROOT = sha256(b"a root that no log of ours has")

Make = Callable[[FakeLine, int], its.Item]


def held_under_the_wrong_key(line: FakeLine, _: int) -> its.Item:
    ours, theirs = line.north.opened.line, line.south.opened.line
    note = sign_checkpoint(ours.origin, 9_999, FORGED_ROOT, theirs.ledger)
    return its.HeldItem(checkpoint=note.decode())


def refusal_of_a_head_never_signed(line: FakeLine, number: int) -> its.Item:
    origin = line.north.opened.line.origin
    return its.HeadRefusedItem(origin=origin, size=10**12 + number, verdict="FORK")


def refetch_of_everything(line: FakeLine, _: int) -> its.Item:
    everything = ((1, 1, HUGE),) * 32
    return its.RefetchItem(ours=everything, yours=everything)


def conflict_with_a_size_of_its_own(line: FakeLine, number: int) -> its.Item:
    size = HUGE if number % 2 else number
    return its.HeadConflictItem(origin=line.north.opened.line.origin, size=size)


def returned_that_nobody_asked_for(line: FakeLine, _: int) -> its.Item:
    item = line.south.item()
    return its.ReturnedItem(envelope=item.envelope, order=item.order)


def generation_that_is_a_statement(line: FakeLine, _: int) -> its.Item:
    return its.GenerationItem(envelope=line.south.item().envelope)


def long_signature_on_a_head_never_shown(line: FakeLine, number: int) -> its.Item:
    theirs = line.south.opened.line
    note = sign_checkpoint(theirs.origin, 500 + number, FORGED_ROOT, theirs.ledger)
    signed = sign_lasting(parse_note(note).checkpoint, theirs.lasting)
    return its.LastingItem(note=signed.note.decode())


def long_cosignature_that_nobody_asked_for(line: FakeLine, number: int) -> its.Item:
    theirs = line.south.opened.line
    head = parse_note(line.north.opened.ledger.head()).checkpoint
    signed = cosign_lasting(head, theirs.witness_of("SOUTH"), theirs.lasting, 1 + number)
    return its.LastingItem(note=signed.note.decode())


def head_of_nothing(line: FakeLine, _: int) -> its.Item:
    theirs = line.south.opened.line
    note = sign_checkpoint(theirs.origin, 0, EMPTY_ROOT, theirs.ledger)
    return its.HeadItem(checkpoint=note.decode(), old_size=0, proof=())


LIES: tuple[Make, ...] = (
    held_under_the_wrong_key,
    refusal_of_a_head_never_signed,
    refetch_of_everything,
    conflict_with_a_size_of_its_own,
    returned_that_nobody_asked_for,
    generation_that_is_a_statement,
    long_signature_on_a_head_never_shown,
    long_cosignature_that_nobody_asked_for,
    head_of_nothing,
)


@pytest.mark.timeout(180)
async def test_peer_that_lies_about_ledgers_stops_nobody_and_fills_no_record(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await south.say("conv/free-text", {}, text="before")
        await wait_for(lambda: south.receipted(digest))
        grown: dict[str, Counter[str]] = {}
        for lie in LIES:
            size, heard = north.opened.ledger.size, len(north.heard)
            for number in range(REPEATS):
                south.inject(lie(line, number))
            await wait_for(lambda heard=heard: len(north.heard) >= heard + REPEATS)
            await line.settled()
            grown[lie.__name__] = recorded_since(north, size)
        # What is new of each lie, and perhaps the alarm that it raises.
        assert all(one.total() <= 2 for one in grown.values()), grown
        later = await north.say("conv/free-text", {}, text="after")
        await wait_for(lambda: north.receipted(later))
        await line.settled()
        assert (await line.judged()).ok


async def test_peer_that_forks_is_told_of_it_and_fills_no_record_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.core.exchange import decide

    monkeypatch.setattr(decide, "MAX_REFUSED_HEADS", 10)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await south.say("conv/free-text", {}, text="before")
        await wait_for(lambda: south.receipted(digest))
        await line.settled()
        theirs, size = south.opened.line, north.opened.ledger.size
        held = north.opened.ledger.witnessed(theirs.origin)
        assert held is not None
        heard = len(north.heard)
        for number in range(REPEATS):
            note = sign_checkpoint(
                theirs.origin, held.size, sha256(b"fork %d" % number), theirs.ledger
            )
            south.inject(its.HeadItem(checkpoint=note.decode(), old_size=0, proof=()))
        await wait_for(lambda: len(north.heard) >= heard + REPEATS)
        await wait_for(lambda: recorded_since(north, size).total() >= 10)
        await settled_down(south)
        assert recorded_since(north, size).total() <= 12
        assert north.task is not None
        assert not north.task.done()
        assert north.verdict().ok


async def test_peer_that_gives_back_and_never_receipts_fills_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        await south.stop()
        waits = await north.say("conv/free-text", {}, text="waits for its receipt")
        item = its.decode_item(north.opened.ledger.enclosure(north.state(waits).index))
        assert isinstance(item, its.StatementItem)
        await north.stop()
        (north.directory / "head.db").unlink()
        (north.directory / "peer-view.note").unlink(missing_ok=True)
        renew(north)
        await north.start()
        await south.start(run=False)
        hears = deaf_to_statements(south)
        south.run()
        await line.up()
        await wait_for(lambda: south.situation.generations == {"NORTH": 2})
        await wait_for(lambda: north.state(waits).order.generation == 2)
        await settled_down(south)
        size, heard = north.opened.ledger.size, len(north.heard)
        for _ in range(REPEATS):
            south.inject(its.ReturnedItem(envelope=item.envelope, order=item.order))
        await wait_for(lambda: len(north.heard) >= heard + REPEATS)
        await settled_down(south)
        assert recorded_since(north, size).total() <= 2
        assert not north.recorded(ev.StatementRecovered)
        assert north.state(waits).order.generation == 2
        assert not north.receipted(waits)
        hears.append(True)
        await wait_for(lambda: north.receipted(waits))
        await line.settled()
        for place in line.places:
            await place.stop()
        assert review_ledgers(north.directory, south.directory).ok


def recorded_since(place: Place, size: int) -> Counter[str]:
    """Count what a place recorded from entry `size` on, by kind.

    A link that is lost for a moment on a busy machine is nothing that the peer said.
    """
    new = (type(one.event).__name__ for one in place.happenings() if one.index >= size)
    return Counter(name for name in new if name != ev.LinkChanged.__name__)


def deaf_to_statements(place: Place) -> list[bool]:
    """Let a place lose every statement that it hears, until the list holds something."""
    courier, hears = place.station._courier, list[bool]()
    opening = courier.open

    def heard(cell: bytes) -> VerifiedPacket:
        verified = opening(cell)
        if hears:
            return verified
        kept = tuple(one for one in verified.packet.items if not isinstance(one, its.StatementItem))
        return replace(verified, packet=replace(verified.packet, items=kept))

    courier.open = heard  # type: ignore[method-assign]
    return hears
