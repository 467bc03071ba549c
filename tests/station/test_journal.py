"""The station journal: what belongs to no line, recorded first, anchored in the line's ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hotline.cli.main import main
from hotline.core.errors import IntegrityError, OperatorError, StorageError
from hotline.core.exchange.fold import fold
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import parse_origin
from hotline.core.values import Digest
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.review.reviewing import review_ledgers
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import JOURNAL_NAME, identify_ledger
from hotline.station.happenings import happenings
from hotline.station.home import Home, content_sealer, open_line
from hotline.station.journal import open_journal
from hotline.station.keeping import _owner, open_kept
from tests.fakes.line import FakeLine, Place, catalogue


def events_of(journal: Path) -> list[ev.Event]:
    """Return what a journal says, read from a copy."""
    sealer = content_sealer(journal, None, bytes)
    reader = Ledger.open_read_only(journal, sealer=sealer)
    try:
        entries = reader.entries(0, reader.size)
        return [one.event for one in happenings(entries, reader.enclosure)]
    finally:
        reader.close()


def verdict_of(journal: Path) -> Verdict:
    return verify_ledger(journal / "ledger.db", identify=identify_ledger, verifier=verify_ed25519)


def journal_of(place: Place) -> Path:
    return place.home.path / "journal"


async def test_founding_makes_a_journal_of_root_certificates_and_packs(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    found = events_of(journal_of(line.south))
    kinds = [type(event).__name__ for event in found]
    # The station's root, and certificates of its console, its ledger and its officer.
    assert kinds[:5] == ["LedgerOpened", *["RecordAdmitted"] * 4]
    assert set(kinds[5:]) == {"PackLoaded"}
    opened = found[0]
    assert isinstance(opened, ev.LedgerOpened)
    assert (opened.station, opened.realm, opened.generation) == ("SOUTH", "EXERCISE", 1)


async def test_journal_verifies_like_any_ledger_and_names_its_station(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    verdict = verdict_of(journal_of(line.south))
    assert verdict.ok, verdict.faults
    assert verdict.line_name == JOURNAL_NAME == "station journal"
    assert verdict.members == ("SOUTH",)
    origin = parse_origin(verdict.origin)
    root = next(iter(events_of(journal_of(line.south))))
    assert isinstance(root, ev.LedgerOpened)
    assert origin.line == root.line
    assert verdict.line == Digest(bytes.fromhex(root.line))


async def test_verify_of_a_journal_speaks_of_a_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = FakeLine(tmp_path)
    assert main(["verify", str(journal_of(line.south))]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The station journal of SOUTH, EXERCISE: ")
    assert "VERIFIED" in said
    assert "anchor" in said
    assert "--peer" not in said


async def test_journal_is_replayed_like_any_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        await line.south.desk.sign_on()
        await line.south.stop()
    assert main(["replay", str(journal_of(line.south)), "--json"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(events_of(journal_of(line.south)))
    assert "Watch officer LCDR K. Niven has the watch here" in said[-1]


async def test_altered_journal_does_not_verify(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    path = journal_of(line.south) / "ledger.db"
    whole = path.read_bytes()
    reader = Ledger.open_read_only(path)
    leaf = next(iter(reader.leaves(2, 3))).commitment
    reader.close()
    path.write_bytes(whole.replace(leaf, bytes(32)))
    verdict = verdict_of(journal_of(line.south))
    assert not verdict.ok
    assert verdict.first_fault is not None
    assert verdict.first_fault.index == 2


async def test_sign_on_is_in_the_journal_before_the_line_anchors_it(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        await south.desk.sign_on()
        (watch,) = south.recorded(ev.WatchOpened)
        (anchor,) = south.recorded(ev.JournalAnchored)
        kinds = [type(one.event).__name__ for one in south.happenings()][-2:]
        assert kinds == ["WatchOpened", "JournalAnchored"]
        assert anchor.occasion == "watch"
        await south.stop()
    found = events_of(journal_of(south))
    assert watch in found
    reader = Ledger.open_read_only(journal_of(south))
    try:
        assert anchor.origin == reader.origin
        assert found[anchor.size - 1] == watch
        assert reader.root_at(anchor.size).hex() == anchor.root
    finally:
        reader.close()


async def test_anchored_head_is_released_before_the_anchor(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        journal = south.station._kept.journal
        assert journal is not None
        released: list[int] = []
        honest = south.opened.ledger.append

        def append(*drafts: Any, **rows: Any) -> Any:
            released.append(journal._ledger.released_size - journal.size)
            return honest(*drafts, **rows)

        south.opened.ledger.append = append  # type: ignore[method-assign]
        await south.desk.sign_on()
        assert released == [0]


async def test_home_without_a_journal_gets_one_at_the_next_opening(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    shutil.rmtree(journal_of(line.south))
    await line.south.start(run=False)
    await line.south.desk.sign_on()
    await line.south.stop()
    verdict = verdict_of(journal_of(line.south))
    assert verdict.ok
    kinds = {type(event).__name__ for event in events_of(journal_of(line.south))}
    assert kinds == {"LedgerOpened", "RecordAdmitted", "PackLoaded", "WatchOpened"}


async def test_opening_again_adds_nothing_to_the_journal(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    before = len(events_of(journal_of(line.south)))
    for _ in range(2):
        await line.south.start(run=False)
        await line.south.stop()
    assert len(events_of(journal_of(line.south))) == before


async def test_pack_that_changed_is_recorded_at_the_next_opening(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    await line.south.start(run=False)
    journal = line.south.station._kept.journal
    assert journal is not None
    journal.record(ev.PackLoaded(pack=catalogue().packs[0].name, digest="00" * 32))
    journal.close()
    kept = open_kept(line.south.home, line.south.opened, None, catalogue().packs)
    assert kept.journal is not None
    kept.journal.close()
    last = events_of(journal_of(line.south))[-1]
    assert last == ev.PackLoaded(
        pack=catalogue().packs[0].name, digest=catalogue().packs[0].digest.hex()
    )


async def test_lost_journal_whose_head_db_is_there_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    for path in journal_of(line.south).glob("ledger.db*"):
        path.unlink()
    with pytest.raises(IntegrityError, match=r"head\.db has released"):
        await line.south.start(run=False)
    line.south.opened.ledger.close()
    # What is left is moved aside by hand: the next one is of the next generation.
    journal_of(line.south).rename(line.south.home.path / "journal-1")
    await line.south.start(run=False)
    await line.south.stop()
    assert verdict_of(journal_of(line.south)).origin.endswith("/SOUTH/2")


async def test_journal_that_was_put_back_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    older = tmp_path / "older"
    shutil.copytree(journal_of(line.south), older)
    await line.south.start(run=False)
    await line.south.desk.sign_on()
    await line.south.stop()
    for path in journal_of(line.south).glob("ledger.db*"):
        path.unlink()
    shutil.copy(older / "ledger.db", journal_of(line.south) / "ledger.db")
    with pytest.raises(IntegrityError, match="put back"):
        await line.south.start(run=False)


async def test_journal_of_another_station_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    shutil.rmtree(journal_of(line.south))
    shutil.copytree(journal_of(line.north), journal_of(line.south))
    with pytest.raises((IntegrityError, OperatorError)):
        await line.south.start(run=False)


async def test_journal_is_no_line_of_the_home(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    home = Home(line.south.home.path)
    assert home.only_line().parent.name == "lines"
    assert review_ledgers(home.path, None).ours.line_name == "north-south"


async def test_what_is_recorded_while_the_head_is_released_is_anchored_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        journal = line.south.station._kept.journal
        assert journal is not None
        honest = journal._ledger.release

        def release() -> Any:
            head = honest()
            journal.record(ev.CellsRefused(count=1, reason="x"))
            return head

        monkeypatch.setattr(journal._ledger, "release", release)
        assert journal.head().size == journal.size - 1
        assert journal.unanchored

        def refuse() -> Any:
            raise StorageError("the disk refused")

        monkeypatch.setattr(journal._ledger, "release", refuse)
        with pytest.raises(StorageError):
            journal.head()
        assert journal.unanchored


async def test_journal_never_reaches_the_peer(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        await line.south.desk.sign_on()
        await line.settled()
        root = line.south.opened.line.roster.roots["SOUTH"].digest.hex()
        heard = [str(item) for one in line.north.heard for item in one.packet.items]
        assert heard
        assert not any(f"/{root}/SOUTH" in one for one in heard)


async def test_situation_takes_no_notice_of_anchors(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        await south.desk.sign_on()
        assert south.situation == fold(south.happenings())
        assert not [
            one for one in south.situation.timeline if isinstance(one.event, ev.JournalAnchored)
        ]


async def anchored(tmp_path: Path) -> FakeLine:
    """Return a closed line whose SOUTH has signed on once: its ledger anchors the journal."""
    async with FakeLine(tmp_path, run=False) as line:
        await line.south.desk.sign_on()
        await line.south.stop()
    return line


async def test_journal_lost_with_its_head_db_is_told_by_the_line_s_anchor(tmp_path: Path) -> None:
    line = await anchored(tmp_path)
    shutil.rmtree(journal_of(line.south))
    with pytest.raises(IntegrityError, match=r"journal was lost: .* anchors the first") as told:
        await line.south.start(run=False)
    assert "to HOME/journal-1" in told.value.sentence()
    assert not journal_of(line.south).exists()
    line.south.opened.ledger.close()
    # As the hint says: what is left moved aside, here nothing.
    (line.south.home.path / "journal-1").mkdir()
    await line.south.start(run=False)
    await line.south.desk.sign_on()
    await line.south.stop()
    assert verdict_of(journal_of(line.south)).origin.endswith("/SOUTH/2")
    shutil.rmtree(line.south.home.path / "journal-1")
    with pytest.raises((IntegrityError, OperatorError)):
        await line.south.start(run=False)
    line.south.opened.ledger.close()


async def test_journal_put_back_with_its_head_db_is_told_by_the_anchor(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    shutil.copytree(journal_of(line.south), tmp_path / "older")
    await line.south.start(run=False)
    await line.south.desk.sign_on()
    await line.south.stop()
    shutil.rmtree(journal_of(line.south))
    shutil.copytree(tmp_path / "older", journal_of(line.south))
    before = len(events_of(journal_of(line.south)))
    with pytest.raises(IntegrityError, match=r"journal was put back: .* it holds"):
        await line.south.start(run=False)
    line.south.opened.ledger.close()
    assert len(events_of(journal_of(line.south))) == before


async def test_journal_of_other_entries_than_the_anchored_ones_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    shutil.copytree(journal_of(line.south), tmp_path / "older")
    await line.south.start(run=False)
    await line.south.desk.sign_on()
    await line.south.stop()
    # The same station writes another history over the older journal, longer than the first.
    shutil.rmtree(journal_of(line.south))
    shutil.copytree(tmp_path / "older", journal_of(line.south))
    opened = open_line(line.south.home, None, system_clock, system_entropy)
    packs = {one.name: one.digest.hex() for one in catalogue().packs}
    owner = _owner(opened, None, packs)
    journal = open_journal(line.south.home.path, owner, system_clock, system_entropy)
    for _ in range(3):
        journal.record(ev.PackLoaded(pack="forged", digest="00" * 32))
    journal.head()
    journal.close()
    opened.ledger.close()
    with pytest.raises(IntegrityError, match="journal was rewritten"):
        await line.south.start(run=False)
    line.south.opened.ledger.close()


async def test_later_generation_of_the_journal_verifies_without_officers(tmp_path: Path) -> None:
    line = await anchored(tmp_path)
    journal_of(line.south).rename(line.south.home.path / "journal-1")
    await line.south.start(run=False)
    await line.south.stop()
    assert verdict_of(journal_of(line.south)).origin.endswith("/SOUTH/2")
    review = review_ledgers(journal_of(line.south), None)
    assert review.ok, review.lines()
