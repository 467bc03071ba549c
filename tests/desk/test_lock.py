"""The lock of a desk, over real stations and key files: what falls, what goes on, who gets in."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from pathlib import Path

import pytest

from hotline.core.errors import HotlineError, OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.core.values import Realm
from hotline.desk import lock
from hotline.desk.desk import OfficerDesk
from hotline.desk.officer import Officer
from hotline.desk.opening import open_desk
from hotline.desk.seat import Unlocked, unlock
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.hybrid import HybridSigner
from hotline.station.upkeep import Bench
from tests.fakes.line import ENCOUNTER, FakeLine, Place, phrasebook, wait_for

PASSPHRASE = "seven grey herons at low tide"
TEXT = {"text": "Our frigate saw a near miss.", "precedence": "ROUTINE"}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "FIRST_PAUSE_S", 0.001)


def sit_down(place: Place, passphrase: str | None = None) -> OfficerDesk:
    return open_desk(
        place.station,
        place.home,
        place.person,
        config=find_config(),
        passphrase=passphrase,
        clock=place.clock_ms,
        entropy=system_entropy,
    )


def signers_of(officer_key: object) -> list[HybridSigner]:
    """Every living key that can sign for that public key."""
    gc.collect()
    found = [one for one in gc.get_objects() if isinstance(one, HybridSigner)]
    return [one for one in found if one.public_key == officer_key]


def said_by(place: Place) -> list[str]:
    return [type(one.event).__name__ for one in place.happenings()]


async def test_locked_desk_commits_nothing_while_the_line_works_and_drafts_stay(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        desk = north.desk
        first = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: north.holds(first))
        draft = north.draft("conv/free-text", {}, **TEXT)
        await desk.lock("ASKED")
        shown = desk.watch().lock
        assert shown is not None
        assert (shown.who, shown.idle, shown.protected) == ("LT A. Ramos", False, False)
        before = len(north.happenings())
        root = "00" * 32
        for act in (
            desk.send(draft.draft, draft.code),
            desk.acknowledge(first),
            desk.read_back(first, {"position": "54-31.2N 011-02.5E"}),
            desk.release(first),
            desk.release(first, person="vega"),
            desk.refuse_release(first, "no"),
            desk.withdraw_release(first, "no"),
            desk.compare_root(root, agreed=True),
        ):
            with pytest.raises(OperatorError, match="desk is locked"):
                await act
        # Shown to whoever stands there: nobody is claimed to have seen it.
        await desk.displayed(first)
        assert len(north.happenings()) == before
        second = await south.say("conv/free-text", {}, **TEXT)
        await wait_for(lambda: south.receipted(second))
        assert "DisplayedHere" not in said_by(north)
        await desk.unlock("")
        assert desk.watch().lock is None
        await desk.displayed(first)
        digest = await desk.send(draft.draft, draft.code)
        await wait_for(lambda: north.receipted(digest))
        assert north.recorded(ev.DeskLocked)[0].why == "ASKED"
        (opened,) = north.recorded(ev.DeskUnlocked)
        assert (opened.how, opened.failed, opened.name) == ("CONFIRMED", 0, "LT A. Ramos")
        words = [row.headline for row in desk.timeline(0, 99)]
        assert "The desk of Duty officer LT A. Ramos is locked: on a key" in words
        assert "Duty officer LT A. Ramos is at the desk again" in words
        assert (await line.judged()).ok


def own_clock() -> int:
    """Has a line founded anew: what other tests leave behind signs for none of its officers."""
    return system_clock()


async def test_lock_leaves_no_key_in_memory_that_signs_for_the_officer(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False, clock=own_clock) as line:
        north = line.north
        key = north.officer.certificate.key
        desk = sit_down(north)
        del north.officer, north.desk
        assert len(signers_of(key)) == 1
        recording = desk.lock("IDLE", 600_000)
        assert signers_of(key) == []
        await recording
        assert north.recorded(ev.DeskLocked)[0].idle_ms == 600_000
        await desk.unlock("")
        assert len(signers_of(key)) == 1


async def test_each_desk_has_a_lock_of_its_own(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True, two_person=["conv/free-text"], run=False) as line:
        north = line.north
        vega = north.desk_of("vega")
        digest = await north.say("conv/free-text", {}, **TEXT)
        await vega.lock("IDLE", 1)
        await vega.lock("ASKED")
        assert north.desk.watch().lock is None
        with pytest.raises(OperatorError, match="desk is locked") as refused:
            await vega.release(digest)
        assert "CDR B. Vega unlocks it" in refused.value.sentence()
        await north.desk.lock("ASKED")
        await vega.unlock("")
        await vega.release(digest)
        assert north.holds(digest)
        assert north.desk.watch().lock is not None
        assert [one.name for one in north.recorded(ev.DeskLocked)] == ["CDR B. Vega", "LT A. Ramos"]


async def test_lock_that_falls_while_the_second_key_is_opened_stops_the_release(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path, deputies=True, two_person=["conv/free-text"], run=False) as line:
        north = line.north
        opening, go_on = threading.Event(), threading.Event()

        def slow(person: str, passphrase: str | None) -> Officer:
            opening.set()
            assert go_on.wait(20)
            return north.unlock(person, passphrase)

        desk = OfficerDesk(
            north.station,
            north.officer,
            own=phrasebook(),
            peer=phrasebook(),
            clock=north.clock_ms,
            entropy=system_entropy,
            unlock=slow,
        )
        digest = await north.say("conv/free-text", {}, **TEXT)
        for act in (
            desk.release(digest, person="vega"),
            desk.refuse_release(digest, "not now", person="vega"),
        ):
            opening.clear()
            go_on.clear()
            task = asyncio.create_task(act)
            await wait_for(opening.is_set)
            recording = desk.lock("ASKED")
            go_on.set()
            with pytest.raises(OperatorError, match="desk is locked"):
                await task
            await recording
            assert north.situation.releases[digest].state == "AWAITING"
            await desk.unlock("")
        await desk.release(digest, person="vega")
        assert north.holds(digest)


async def test_only_the_passphrase_of_that_officer_unlocks_a_protected_key(
    slow_keys: None, tmp_path: Path
) -> None:
    """A real key file under Argon2id; the loop goes on while it is opened."""
    async with FakeLine(tmp_path, run=False) as line:
        north = line.north
        path = north.home.officer_here("ramos")
        held = read_key_file(path, None)
        keys = KeyFile(held.station, Realm.EXERCISE, held.seeds)
        write_key_file(path, keys, PASSPHRASE, entropy=system_entropy, replace=True)
        bench = Bench(north.home, north.clock_ms, system_entropy, lambda _name: PASSPHRASE)
        unlocked = unlock(bench, "ramos")
        assert not bench._told
        desk = sit_down(north, unlocked.take_officers())
        assert desk.lock_after_ms == 600_000
        await desk.lock("IDLE", 600_000)
        shown = desk.watch().lock
        assert shown is not None
        assert shown.protected
        with pytest.raises(OperatorError, match="needs its passphrase"):
            await desk.unlock("")
        turns = 0
        task = asyncio.create_task(desk.unlock("six grey herons at low tide"))
        while not task.done():
            turns += 1
            await asyncio.sleep(0.002)
        with pytest.raises(OperatorError, match="does not open with that passphrase"):
            await task
        assert turns > 10
        assert desk.watch().lock is not None
        await desk.unlock(PASSPHRASE)
        assert desk.watch().lock is None
        (opened,) = north.recorded(ev.DeskUnlocked)
        assert (opened.how, opened.failed) == ("PASSPHRASE", 2)
        await desk.unlock("anything: it is open")


async def test_key_file_that_was_made_anew_does_not_unlock_the_desk(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True, run=False) as line:
        north = line.north

        def another(person: str, passphrase: str | None) -> Officer:
            return north.unlock("vega", passphrase)

        desk = OfficerDesk(
            north.station,
            north.officer,
            own=phrasebook(),
            peer=phrasebook(),
            clock=north.clock_ms,
            entropy=system_entropy,
            unlock=another,
        )
        await desk.lock("ASKED")
        with pytest.raises(OperatorError, match="holds another key"):
            await desk.unlock("")
        assert desk.watch().lock is not None


async def test_lock_falls_where_it_cannot_be_recorded_and_unlocking_does_not(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        north, full = line.north, StorageError("the disk is full")

        async def refuse(*_: object) -> None:
            raise full

        desk = sit_down(north)
        held = desk._lock
        record, held._record = held._record, refuse
        with pytest.raises(StorageError, match="disk is full"):
            await desk.lock("ASKED")
        assert desk.watch().lock is not None
        with pytest.raises(StorageError, match="disk is full"):
            await desk.unlock("")
        assert desk.watch().lock is not None
        held._record = record
        await desk.unlock("")
        assert desk.watch().lock is None


def test_passphrase_of_who_sits_down_is_given_away_once() -> None:
    unlocked = Unlocked("ramos", "console's", PASSPHRASE)
    assert unlocked.take_officers() == PASSPHRASE
    assert unlocked.take_officers() is None
    assert unlocked.officer is None


def test_wrong_passphrases_wait_longer_and_never_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def note(span_s: float) -> None:
        waited.append(span_s)

    async def go(desk: OfficerDesk) -> None:
        await desk.lock("ASKED")
        monkeypatch.setattr(lock.asyncio, "sleep", note)
        for _ in range(2_000):
            with contextlib.suppress(HotlineError):
                await desk.unlock("wrong")

    monkeypatch.setattr(lock, "FIRST_PAUSE_S", 1.0)
    desk = object.__new__(OfficerDesk)

    def refuse(person: str, passphrase: str | None) -> Officer:
        raise OperatorError("it does not open with that passphrase")

    async def recorded(_: ev.Event) -> None: ...

    desk._lock = lock.DeskLock(_nobody(), refuse, protected=True, clock=lambda: 0, record=recorded)
    asyncio.run(go(desk))
    assert waited == [1.0, 2.0, 4.0] + [8.0] * 1_997


def _nobody() -> Officer:
    from types import SimpleNamespace
    from typing import cast

    certificate = SimpleNamespace(
        person="ramos", rank="LT", name="A. Ramos", role="Duty officer", id=b"\x00" * 32
    )
    return cast(Officer, SimpleNamespace(certificate=certificate))
