"""Hourly and closing heads, signed for long by both; new content keys; hostile answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import StorageError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.lasting import cosign_lasting, sign_lasting, verify_lasting
from hotline.core.times import parse_time
from hotline.core.values import Digest, Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.review.opening import check_file
from hotline.sealing import items as its
from hotline.sealing.epoch import epoch_of
from hotline.sealing.mldsa import MldsaSigner, verify_mldsa65
from hotline.station import keeping, months
from hotline.station.keeping import HOUR_MS
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for

DAY_MS = 24 * HOUR_MS


class HandClock:
    """A clock that stands at a time until it is moved."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def __call__(self) -> int:
        return self.at_ms

    def next_hour(self) -> None:
        self.at_ms = (self.at_ms // HOUR_MS + 1) * HOUR_MS


def own_size(place: Place) -> int:
    """Return the size of the place's newest head that it signed for long, or 0."""
    return place.station._longterm.signed_size


def answered(place: Place) -> bool:
    """Return whether the peer countersigned the place's newest long-signed head for long."""
    line = place.opened.line
    return place.opened.ledger.lasting(line.witness_of(place.peer), own_size(place)) is not None


def entries_but_links(place: Place) -> int:
    """Count what is recorded; a busy machine may lose the link for a moment."""
    return sum(not isinstance(one.event, ev.LinkChanged) for one in place.happenings())


def set_clocks(line: FakeLine) -> HandClock:
    clock = HandClock(system_clock())
    for place in line.places:
        place.clock_ms, place.tests_routes = clock, False
    return clock


async def hour(line: FakeLine, clock: HandClock) -> None:
    """Let a full hour come at both stations, as their ticks would."""
    for place in line.places:
        await place.station._keep_hour(clock())
    clock.next_hour()
    for place in line.places:
        await place.station._keep_hour(clock())


async def test_full_hour_gives_heads_that_both_sign_for_long(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        await line.settled()
        await hour(line, clock)
        await wait_for(lambda: all(answered(place) for place in line.places))
        for place, other in (line.places, line.places[::-1]):
            ledger, origin = place.opened.ledger, place.opened.line.origin
            own = ledger.lasting(origin)
            assert own is not None
            keys = place.opened.line.roster.lasting_keys(place.name)
            assert verify_lasting(own.note, origin, keys, verify_mldsa65) == own
            assert own.checkpoint.root == ledger.root_at(own.checkpoint.size)
            (anchor,) = place.recorded(ev.JournalAnchored)
            assert anchor.occasion == "hour"
            # The anchor is under the head that is signed, and the peer holds that, too.
            assert own.checkpoint.size == ledger.size
            assert other.opened.ledger.lasting(origin) == own
            name = place.opened.line.witness_of(place.peer)
            theirs = ledger.lasting(name, own.checkpoint.size)
            assert theirs is not None
            keys = place.opened.line.roster.lasting_keys(place.peer)
            assert verify_lasting(theirs.note, name, keys, verify_mldsa65).at_s == clock() // 1000
            assert ledger.cosigned_size(name) == own.checkpoint.size
            assert not place.reasons
        await line.settled()
        for place in line.places:
            found = check_file(place.directory / "ledger.db")
            assert found.ok, found.faults


async def test_idle_hours_make_nothing(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        await line.settled()
        await hour(line, clock)
        await wait_for(lambda: all(answered(place) for place in line.places))
        await line.settled()
        counts = [entries_but_links(place) for place in line.places]
        size = line.south.opened.ledger.size
        heard = [len(place.heard_items(its.LastingItem)) for place in line.places]
        for _ in range(3):
            await hour(line, clock)
        assert [entries_but_links(place) for place in line.places] == counts
        assert [len(place.heard_items(its.LastingItem)) for place in line.places] == heard
        await line.south.say("sea/encounter", ENCOUNTER)
        await hour(line, clock)
        assert own_size(line.south) > size


async def test_hour_comes_once_and_not_at_the_start(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        south = line.south
        await south.station._keep_hour(clock())
        assert own_size(south) == 0
        clock.next_hour()
        await south.station._keep_hour(clock())
        size = own_size(south)
        assert size
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=1, last_seq=1))
        clock.at_ms += HOUR_MS - 1
        await south.station._keep_hour(clock())
        clock.at_ms -= DAY_MS
        await south.station._keep_hour(clock())
        assert own_size(south) == size


async def test_tick_keeps_the_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hotline.station import station

    monkeypatch.setattr(station, "TICK_S", 0.01)
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        await wait_for(lambda: line.south.station._hour is not None)
        clock.next_hour()
        await wait_for(lambda: own_size(line.south))


async def test_new_watch_alone_is_anchored_at_the_next_hour(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        south = line.south
        await south.desk.sign_on()
        await hour(line, clock)
        occasions = [one.occasion for one in south.recorded(ev.JournalAnchored)]
        assert occasions == ["watch", "hour"]


async def test_conclusion_is_countersigned_before_the_station_closes(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        south = line.south
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        await south.station.conclude()
        await wait_for(lambda: answered(south))
        (anchor,) = south.recorded(ev.JournalAnchored)
        assert anchor.occasion == "close"
        size = own_size(south)
        assert size == south.opened.ledger.size
        await south.station.conclude()
        south.station.leave()
        await south.stop()
        await south.start(run=False)
        assert (own_size(south), south.opened.ledger.size) == (size, size)


async def test_close_without_conclusion_leaves_a_closing_head_for_the_next_start(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        south = line.south
        await south.say("sea/encounter", ENCOUNTER)
        await south.stop()
        await south.start(run=False)
        size = own_size(south)
        assert size == south.opened.ledger.size
        assert not answered(south)
        south.run()
        await wait_for(lambda: own_size(south) == size and answered(south))


async def test_peer_that_is_away_at_the_hour_countersigns_when_it_is_back(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        north, south = line.north, line.south
        await line.settled()
        await north.stop()
        await wait_for(lambda: not south.station.route.up)
        await wait_for(lambda: south.situation.links["NORTH"].state != "UP")
        await south.station._keep_hour(clock())
        clock.next_hour()
        await south.station._keep_hour(clock())
        assert own_size(south)
        assert not answered(south)
        await north.start()
        await wait_for(lambda: answered(south))


async def test_failed_station_signs_nothing_at_its_close(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        south.station._recorder.failure = StorageError("the disk refused")
        size = south.opened.ledger.size
        await south.stop()
        await south.start(run=False)
        assert south.opened.ledger.size == size
        assert own_size(south) == 0


# --- hostile answers ------------------------------------------------------------------


def their_head(place: Place, size: int | None = None, root: Digest | None = None) -> Checkpoint:
    """Return a head of the place's ledger, or what it says is one."""
    ledger, origin = place.opened.ledger, place.opened.line.origin
    size = ledger.size if size is None else size
    return Checkpoint(origin, size, root or ledger.root_at(min(size, ledger.size)))


async def said(line: FakeLine, note: bytes) -> None:
    """Let NORTH send a long-lasting signature; return when SOUTH has taken it."""
    heard = len(line.south.heard_items(its.DisplayedItem))
    line.north.inject(its.LastingItem(note=note.decode()))
    line.north.inject(its.DisplayedItem(digest=Digest(bytes(32)), at="2026-01-01T00:00:00.000Z"))
    await wait_for(lambda: len(line.south.heard_items(its.DisplayedItem)) > heard)
    # The next cell is read when the one before is recorded.
    await line.south.station.note()


def stranger() -> MldsaSigner:
    return MldsaSigner(system_entropy(32))


def forged(line: FakeLine, how: str) -> bytes:
    north, south = line.north, line.south
    key, at_s = north.opened.line.lasting, system_clock() // 1000
    name = north.opened.line.witness_of("NORTH")
    ours = their_head(south, own_size(south))
    match how:
        case "wrong key":
            return sign_lasting(their_head(north), stranger()).note
        case "other root":
            root = Digest(bytes(32))
            return sign_lasting(their_head(north, root=root), key).note
        case "other log":
            head = Checkpoint(south.opened.line.origin.replace("SOUTH", "EAST"), 3, ours.root)
            return sign_lasting(head, key).note
        case "our own name":
            return sign_lasting(ours, key).note
        case "cosigned by a stranger":
            return cosign_lasting(ours, name, stranger(), at_s).note
        case "cosigned another root":
            head = Checkpoint(ours.origin, ours.size, Digest(bytes(32)))
            return cosign_lasting(head, name, key, at_s).note
        case "cosigned as ourselves":
            own = south.opened.line.witness_of("SOUTH")
            return cosign_lasting(ours, own, key, at_s).note
        case "no note":
            return b"nonsense\n"
    raise AssertionError(how)


HOSTILE = [
    "wrong key",
    "other root",
    "other log",
    "our own name",
    "cosigned by a stranger",
    "cosigned another root",
    "cosigned as ourselves",
    "no note",
]


@pytest.mark.parametrize("how", HOSTILE)
async def test_hostile_signature_is_quarantined_and_the_line_goes_on(
    tmp_path: Path, how: str
) -> None:
    async with FakeLine(tmp_path) as line:
        south = line.south
        await line.settled()
        south.station._show_lasting = lambda: None  # type: ignore[method-assign]
        await south.station.conclude()
        await line.settled()
        rows = entries_but_links(south)
        await said(line, forged(line, how))
        assert entries_but_links(south) == rows + 1
        assert len(south.reasons) == 1
        assert not answered(south)
        assert south.opened.ledger.lasting(line.north.opened.line.origin) is None
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))


async def test_signature_on_what_is_not_known_here_is_ignored(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        key, at_s = north.opened.line.lasting, system_clock() // 1000
        name = north.opened.line.witness_of("NORTH")
        rows, size = entries_but_links(south), south.opened.ledger.size
        # A head that was never shown, and cosignatures that nobody asked for.
        for note in (
            sign_lasting(their_head(north, north.opened.ledger.size + 9), key).note,
            sign_lasting(their_head(north, 1), key).note,
            cosign_lasting(their_head(south), name, key, at_s).note,
            cosign_lasting(their_head(south, size + 7), name, key, at_s).note,
        ):
            await said(line, note)
        assert entries_but_links(south) == rows
        assert not south.reasons
        assert south.opened.ledger.lasting(name) is None
        assert south.opened.ledger.lasting(north.opened.line.origin) is None


async def test_repeated_signatures_are_stored_once_and_answered(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        key = north.opened.line.lasting
        head = their_head(north)
        first = sign_lasting(head, key)
        await said(line, first.note)
        for _ in range(3):
            await said(line, sign_lasting(head, key).note)
        assert south.opened.ledger.lasting(north.opened.line.origin) == first
        await wait_for(lambda: len(north.heard_items(its.LastingItem)) >= 2)
        assert not south.reasons
        assert not north.reasons


async def test_long_signed_head_in_the_packet_of_its_head_is_stored_with_it(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        await north.station.note(ev.GapSeen(peer="SOUTH", first_seq=1, last_seq=1))
        head = north.station._witness.show("SOUTH")
        assert head is not None
        signed = sign_lasting(their_head(north), north.opened.line.lasting)
        north.inject(head, its.LastingItem(note=signed.note.decode()))
        origin = north.opened.line.origin
        await wait_for(lambda: south.opened.ledger.lasting(origin) is not None)
        assert south.opened.ledger.witnessed_at(origin, signed.checkpoint.size) is not None


async def test_fork_signed_for_long_is_not_countersigned(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        await said(line, forged(line, "other root"))
        assert not north.heard_items(its.LastingItem)
        assert len(south.reasons) == 1


# --- new months -----------------------------------------------------------------------


def epochs_on_disk(place: Place) -> list[str]:
    return sorted(read_key_file(place.directory / months.CONTENT_KEY, None).seeds)


def epochs_used(place: Place, start: int) -> list[int]:
    """Return the epoch of each sealed blob from entry `start` on."""
    ledger = place.opened.ledger
    return [
        int.from_bytes(ledger._blobs(leaf.index, leaf)[0][:4])
        for leaf in ledger.leaves(start, ledger.size)
    ]


async def test_new_month_begins_with_its_key(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, run=False)
    clock = set_clocks(line)
    before = epoch_of(clock())
    async with line:
        south = line.south
        start = south.opened.ledger.size
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=1, last_seq=1))
        clock.at_ms += 31 * DAY_MS
        month = epoch_of(clock())
        events = [ev.GapSeen(peer="NORTH", first_seq=n, last_seq=n) for n in range(2, 6)]
        await asyncio.gather(*(south.station.note(event) for event in events))
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=9, last_seq=9))
        made = [one for one in south.happenings() if isinstance(one.event, ev.EpochKeyMade)]
        assert [one.event for one in made] == [ev.EpochKeyMade(epoch=month)]
        # It is the first entry of the month, and sealed under the key that it announces.
        assert made[0].index == start + 1
        assert epochs_used(south, start) == [before, *[month] * 6]
        assert epochs_on_disk(south) == [f"epoch/{before}", f"epoch/{month}"]
        await south.stop()
        await south.start(run=False)
        assert len(south.recorded(ev.GapSeen)) == 6


async def test_key_is_on_the_disk_before_anything_is_sealed_under_it(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, run=False)
    clock = set_clocks(line)
    async with line:
        south = line.south
        seen: list[bool] = []
        honest = south.opened.ledger.append

        def append(*drafts: Any, **rows: Any) -> Any:
            seen.append(f"epoch/{epoch_of(clock())}" in epochs_on_disk(south))
            return honest(*drafts, **rows)

        south.opened.ledger.append = append  # type: ignore[method-assign]
        clock.at_ms += 31 * DAY_MS
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=1, last_seq=1))
        assert seen
        assert all(seen)


async def test_key_file_that_cannot_be_written_leaves_the_old_key_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = FakeLine(tmp_path, run=False)
    clock = set_clocks(line)
    before = epoch_of(clock())
    async with line:
        south = line.south
        honest, tries = months.write_key_file, []

        def refuse(*_: Any, **__: Any) -> None:
            tries.append(1)
            raise StorageError("the disk refused to write content.key")

        monkeypatch.setattr(months, "write_key_file", refuse)
        clock.at_ms += 31 * DAY_MS
        start = south.opened.ledger.size
        for number in range(3):
            await south.station.note(ev.GapSeen(peer="NORTH", first_seq=number, last_seq=number))
        assert len(tries) == 1
        assert any("content.key" in fault for fault in south.station.faults)
        assert epochs_used(south, start) == [before] * 3
        assert not south.recorded(ev.EpochKeyMade)
        # An hour later it is tried again.
        monkeypatch.setattr(months, "write_key_file", honest)
        clock.at_ms += HOUR_MS
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=9, last_seq=9))
        assert south.recorded(ev.EpochKeyMade) == [ev.EpochKeyMade(epoch=epoch_of(clock()))]


async def test_journal_has_a_key_for_each_month_of_its_own(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, run=False)
    clock = set_clocks(line)
    async with line:
        south = line.south
        journal = south.station._kept.journal
        assert journal is not None
        clock.at_ms += 31 * DAY_MS
        await south.desk.sign_on()
        seeds = read_key_file(south.home.path / "journal" / months.CONTENT_KEY, None).seeds
        assert f"epoch/{epoch_of(clock())}" in seeds
        assert seeds.keys() == set(epochs_on_disk(south))
        assert seeds[f"epoch/{epoch_of(clock())}"] != read_key_file(
            south.directory / months.CONTENT_KEY, None
        ).seeds.get(f"epoch/{epoch_of(clock())}")


def test_protected_key_file_stays_protected_when_a_month_begins(tmp_path: Path) -> None:
    path = tmp_path / months.CONTENT_KEY
    held = KeyFile("SOUTH", Realm.LIVE, {"epoch/202611": bytes(32), "erased/202609": bytes(32)})
    write_key_file(path, held, "a good passphrase", entropy=system_entropy)
    keys = months.open_months(tmp_path, "a good passphrase", system_entropy)
    december_ms = parse_time("2026-12-01T00:00:00.000Z")
    assert not keys.due(december_ms - 1)
    assert keys.due(december_ms)
    assert keys.turn(december_ms) == ev.EpochKeyMade(epoch=202612)
    assert not keys.due(december_ms)
    seeds = read_key_file(path, "a good passphrase").seeds
    assert seeds.keys() == {"epoch/202611", "epoch/202612", "erased/202609"}
    assert seeds["epoch/202611"] == bytes(32)
    blob = keys.seal("origin", 0, 1, b"said", december_ms)
    assert int.from_bytes(blob[:4]) == 202612
    again = months.open_months(tmp_path, "a good passphrase", system_entropy)
    assert again.open("origin", 0, 1, blob) == b"said"


async def test_clock_that_goes_back_makes_no_key(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, run=False)
    clock = set_clocks(line)
    async with line:
        clock.at_ms -= 62 * DAY_MS
        await line.south.station.note(ev.GapSeen(peer="NORTH", first_seq=1, last_seq=1))
        assert len(epochs_on_disk(line.south)) == 1


async def test_slow_cache_is_left_to_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = FakeLine(tmp_path)
    clock = set_clocks(line)
    async with line:
        south = line.south
        path = south.directory / "situation.cache"
        await hour(line, clock)
        assert path.exists()
        path.unlink()
        monkeypatch.setattr(keeping, "MAX_CACHE_PAUSE_S", -1.0)
        await south.station.note(ev.GapSeen(peer="NORTH", first_seq=1, last_seq=1))
        await hour(line, clock)
        assert not path.exists()
        await south.stop()
        assert path.exists()
        await south.start(run=False)
