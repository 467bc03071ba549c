"""One packet whose items are each in order, and which together are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hotline.core.canonical import MAX_INTEGER
from hotline.core.errors import IntegrityError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import sign_checkpoint
from hotline.core.records.merkle import prove_consistency, read_frontier
from hotline.core.values import Digest, sha256
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.certificate import MAX_VALIDITY_MS, Usage
from hotline.sealing.enrol import CLOCK_MARGIN_MS, Subject, issue_certificate
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.station import introducing
from hotline.station.ledger_keys import open_root
from tests.fakes.line import FakeLine, Place, wait_for
from tests.journeys.test_generations import generation

ONE_ONLY = "certificate: only one public record comes in a packet"


def new_key() -> HybridSigner:
    return HybridSigner(draw_hybrid_seeds(system_entropy))


def certified(place: Place, key: HybridSigner, serial: int, person: str = "ledger") -> its.Item:
    """Return a certificate of a ledger key by the real root of the place."""
    records = [one.encode() for one in place.opened.card.records]
    begins_ms = place.clock_ms() - CLOCK_MARGIN_MS
    issued = issue_certificate(
        open_root(place.home.keys / "root.key", None, records),
        key,
        subject=Subject(person, "x"),
        usage=Usage.LEDGER,
        serial=serial,
        not_before_ms=begins_ms,
        not_after_ms=begins_ms + MAX_VALIDITY_MS,
    )
    return its.CertificateItem(envelope=issued.certificate)


async def hear(line: FakeLine, *packets: tuple[its.Item, ...]) -> None:
    """Let NORTH hear packets of SOUTH's, wait until they are dealt with, and say something."""
    heard = len(line.north.heard)
    for packet in packets:
        line.south.inject(*packet)
    await wait_for(lambda: len(line.north.heard) >= heard + len(packets))
    said = await line.south.say("conv/free-text", {}, text="after")
    await wait_for(lambda: line.south.receipted(said))
    assert line.north.task is not None
    assert not line.north.task.done()


async def opens_again(line: FakeLine) -> None:
    for place in line.places:
        await place.stop()
    assert line.north.verdict().ok
    for place in line.places:
        await place.start()
    await line.up()


async def test_two_certificates_of_one_key_never_become_durable_together(tmp_path: Path) -> None:
    key = new_key()
    async with FakeLine(tmp_path) as line:
        first, second = certified(line.south, key, 50), certified(line.south, key, 51, "ledgerb")
        await hear(line, (first, second))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1
        assert line.north.reasons == [ONE_ONLY]
        await hear(line, (second,), (first,))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1
        assert line.north.reasons == [ONE_ONLY, "one key serves two persons or two usages"]
        await opens_again(line)


async def test_two_certificates_of_one_key_in_two_packets_at_once_are_judged_in_turn(
    tmp_path: Path,
) -> None:
    key = new_key()
    async with FakeLine(tmp_path) as line:
        packets = [certified(line.south, key, 50 + n, f"ledger{n}") for n in range(4)]
        sealed = [line.south.station._courier.seal("NORTH", [one]) for one in packets]
        await asyncio.gather(*(line.north.station._take_cell(cell) for cell in sealed))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1
        assert line.north.reasons == ["one key serves two persons or two usages"]


async def test_certificate_that_comes_many_times_is_recorded_once(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        item = certified(line.south, new_key(), 60)
        await hear(line, (item, item), (item,), (item, item, item))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1
        assert not line.north.reasons
        await opens_again(line)
        await hear(line, (item,))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1


async def test_certificates_beyond_the_bound_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introducing, "MAX_LEDGER_KEYS", 2)
    async with FakeLine(tmp_path) as line:
        await hear(line, *((certified(line.south, new_key(), 50 + n),) for n in range(3)))
        assert len(line.north.recorded(ev.LedgerKeyChanged)) == 1
        assert line.north.reasons == ["certificate: this station has had too many ledger keys"]


def grown(place: Place, old: int, new: int) -> its.HeadItem:
    """Return a head of `new` entries that extends the place's own first `old` ones."""
    ledger, ours = place.opened.ledger, place.opened.line

    def node(level: int, at: int) -> Digest:
        if (at + 1) << level <= old:
            return ledger._node(level, at)
        if at << level < old:
            return sha256(b"\1" + node(level - 1, 2 * at) + node(level - 1, 2 * at + 1))
        return sha256(b"%d.%d" % (level, at))

    proof = prove_consistency(node, old, new)
    note = sign_checkpoint(ours.origin, new, read_frontier(node, new).root(), ours.ledger)
    return its.HeadItem(checkpoint=note.decode(), old_size=old, proof=tuple(proof))


async def test_head_of_a_size_that_no_item_can_name_is_set_aside(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        said = await line.south.say("conv/free-text", {}, text="before")
        await wait_for(lambda: line.south.receipted(said))
        await line.settled()
        origin = line.south.opened.line.origin
        held = line.north.opened.ledger.witnessed(origin)
        assert held is not None
        await hear(line, (grown(line.south, held.size, MAX_INTEGER + 1),))
        assert line.north.reasons == ["a head is of more entries than any ledger holds"]
        after = line.north.opened.ledger.witnessed(origin)
        assert after is not None
        assert after.size <= line.south.opened.ledger.size
        assert not line.north.station.faults
        await opens_again(line)


@pytest.mark.parametrize("error", [IntegrityError("unread"), ValueError("a number is too large")])
async def test_letter_that_cannot_be_written_is_told_and_the_next_one_goes(
    tmp_path: Path, error: Exception
) -> None:
    def unwritten() -> list[its.Item]:
        raise error

    async with FakeLine(tmp_path) as line:
        line.north.station._outgoing.put(unwritten)
        said = await line.north.say("conv/free-text", {}, text="the next one")
        await wait_for(lambda: line.north.receipted(said))
        assert len(line.north.station.faults) == 1


async def test_generations_in_one_packet_only_rise(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        second, third = (
            generation(south, ("niven", "sorel"), generation=number) for number in (2, 3)
        )
        south.inject(third, second, second, third)
        await wait_for(lambda: north.situation.generations)
        assert north.situation.generations == {"SOUTH": 3}
        assert [one.generation for one in north.recorded(ev.PeerGenerationAdmitted)] == [3]
        assert not north.reasons


async def test_generations_in_one_packet_oldest_first_are_all_admitted(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        second, third = (
            generation(south, ("niven", "sorel"), generation=number) for number in (2, 3)
        )
        south.inject(second, second, third)
        await wait_for(lambda: north.situation.generations)
        assert north.situation.generations == {"SOUTH": 3}
        assert [one.generation for one in north.recorded(ev.PeerGenerationAdmitted)] == [2, 3]
