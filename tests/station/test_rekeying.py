"""A ledger gets a new key: both keys sign it in, the line goes on, crashes are finished."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import format_note, hands_over, parse_note, verify_checkpoint
from hotline.core.values import Realm
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger.reconcile import reconcile
from hotline.ledger.verify import verify_ledger
from hotline.sealing.certificate import Usage
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.items import CertificateItem
from hotline.sealing.roster import identify_ledger
from hotline.station import rekeying
from hotline.station.drafts import draft_of
from hotline.station.home import write_json
from hotline.station.rekeying import rekey_ledger
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station.months import no_passphrase, say


class CrashError(Exception):
    pass


def bench_of(place: Place) -> Bench:
    return Bench(place.home, place.clock_ms, system_entropy, no_passphrase)


def rekey(place: Place) -> str:
    with at_work(bench_of(place)) as work:
        return rekey_ledger(work).hex()


def seeds(place: Place) -> dict[str, bytes]:
    return dict(read_key_file(place.home.keys / "console.key", None).seeds)


def assert_reconciled(line: FakeLine) -> None:
    verdicts = [place.verdict() for place in line.places]
    assert all(one.ok for one in verdicts), [one.faults for one in verdicts]
    paths = [place.directory / "ledger.db" for place in line.places]
    found = reconcile(verdicts[0], paths[0], verdicts[1], paths[1])
    assert found.ok, found.faults


def test_line_goes_on_under_a_new_ledger_key_and_both_sides_verify(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        async with line:
            await say(line, line.south, line.north)
        before = seeds(line.north)
        certificate = rekey(line.north)
        after = seeds(line.north)
        assert after.keys() == before.keys()
        assert after["ledger/ed25519"] != before["ledger/ed25519"]
        assert line.north.verdict().ok
        async with line:
            await say(line, line.south, line.north)
            await say(line, line.north, line.south)
            told = line.south.recorded(ev.LedgerKeyChanged)
            assert [(one.station, one.certificate) for one in told] == [("NORTH", certificate)]
            assert not line.south.reasons
            assert not line.north.reasons
        assert_reconciled(line)
        async with line:
            keys = line.south.opened.line.roster.certified("NORTH", Usage.LEDGER)
            assert [one.id.hex() for one in keys][1:] == [certificate]
            await say(line, line.north, line.south)
            assert len(line.south.recorded(ev.LedgerKeyChanged)) == 1
        assert_reconciled(line)

    asyncio.run(go())


def test_key_is_changed_twice_on_both_sides(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        async with line:
            await say(line, line.south, line.north)
        for _ in range(2):
            rekey(line.north)
            rekey(line.south)
        async with line:
            await say(line, line.south, line.north)
            await say(line, line.north, line.south)
        assert_reconciled(line)
        for place in line.places:
            assert verify_ledger(
                place.home.path / "journal", identify=identify_ledger, verifier=verify_ed25519
            ).ok

    asyncio.run(go())


def test_head_of_the_change_is_signed_by_both_keys_and_those_after_it_by_the_new(
    tmp_path: Path,
) -> None:
    line = FakeLine(tmp_path)
    place = line.north
    old = Ed25519Signer(seeds(place)["ledger/ed25519"]).public_key
    rekey(place)
    new = Ed25519Signer(seeds(place)["ledger/ed25519"]).public_key
    with at_work(bench_of(place)) as work:
        ledger = work.opened.ledger
        size = ledger.size
        both = ledger.head()
        assert hands_over(both)
        assert verify_checkpoint(both, [old, new], verify_ed25519).size == size
        for some in ([old], [new]):
            with pytest.raises(PeerError):
                verify_checkpoint(both, some, verify_ed25519)
        parsed = parse_note(both)
        three = format_note(parsed.checkpoint, [*parsed.signatures, parsed.signatures[0]])
        with pytest.raises(PeerError):
            verify_checkpoint(three, [old, new], verify_ed25519)
        leaf = next(ledger.leaves(size - 1, size))
        assert leaf.kind == ev.LedgerKeyChanged.kind


def test_head_signed_by_two_keys_over_another_entry_does_not_verify(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    old = Ed25519Signer(seeds(line.north)["ledger/ed25519"])
    rekey(line.north)
    with at_work(bench_of(line.north)) as work:
        refused = Planned(ev.CellsRefused(count=1, reason="cells that do not open"))
        work.opened.ledger.hand_over([draft_of(refused, line.north.clock_ms())], old)
    verdict = line.north.verdict()
    assert not verdict.ok
    assert "two keys signed it" in verdict.faults[0].what


@pytest.mark.parametrize("step", ["write_json", "adopt_key"])
def test_change_cut_short_after_its_record_is_finished_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: object) -> None:
        raise CrashError

    line = FakeLine(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(rekeying, step, crash)
        with pytest.raises(CrashError):
            rekey(line.north)
    staged = seeds(line.north)
    assert "ledger-next/ed25519" in staged
    with at_work(bench_of(line.north)) as work:
        assert work.opened.line.staged is None
    after = seeds(line.north)
    assert after["ledger/ed25519"] == staged["ledger-next/ed25519"]
    assert not [name for name in after if name.startswith("ledger-next")]
    assert line.north.verdict().ok


def test_line_json_older_than_the_key_file_is_brought_up_from_the_ledger(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False).north
    card = place.directory / "line.json"
    older = card.read_bytes()
    rekey(place)
    newer = card.read_bytes()
    card.write_bytes(older)
    with at_work(bench_of(place)) as work:
        assert len(work.opened.card.records) == len(_records(place))
    assert card.read_bytes() == newer
    assert place.verdict().ok


def test_key_that_the_ledger_does_not_bind_either_is_refused(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False).north
    card, ledger = place.directory / "line.json", place.directory / "ledger.db"
    older = card.read_bytes(), ledger.read_bytes()
    rekey(place)
    card.write_bytes(older[0])
    ledger.write_bytes(older[1])
    with pytest.raises(IntegrityError, match="no certificate"), at_work(bench_of(place)):
        pass
    ledger.write_bytes(b"junk")
    with pytest.raises(IntegrityError, match="no certificate"), at_work(bench_of(place)):
        pass


def test_small_files_of_a_home_are_on_the_disk_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_replace, real_sync = os.replace, os.fsync

    def replace(old: Path, new: Path) -> None:
        done.append("rename")
        real_replace(old, new)

    def fsync(handle: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real_sync(handle)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "line.json", {"a": 1})
    assert done == ["file", "rename", "directory"]
    done.clear()
    key = KeyFile("NORTH", Realm.EXERCISE, {"a": bytes(32)})
    write_key_file(tmp_path / "a.key", key, None, entropy=system_entropy)
    assert done == ["file", "rename", "directory"]


def test_change_cut_short_before_its_record_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = FakeLine(tmp_path)
    before = seeds(line.north)

    def crash(*_: object) -> None:
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(rekeying, "draft_of", crash)
        with pytest.raises(CrashError):
            rekey(line.north)
    with at_work(bench_of(line.north)) as work:
        assert work.opened.line.ledger.public_key == (
            Ed25519Signer(before["ledger/ed25519"]).public_key
        )
    rekey(line.north)
    assert line.north.verdict().ok


def test_home_without_the_roots_key_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    (line.north.home.keys / "root.key").unlink()
    with pytest.raises(OperatorError, match=r"root\.key"):
        rekey(line.north)
    assert not [name for name in seeds(line.north) if name.startswith("ledger-next")]


def test_root_of_another_station_is_refused(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    other = (line.south.home.keys / "root.key").read_bytes()
    (line.north.home.keys / "root.key").write_bytes(other)
    with pytest.raises(OperatorError):
        rekey(line.north)


def test_certificate_of_another_usage_or_station_is_quarantined(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        async with line:
            records = [one.encode() for one in line.south.opened.card.records]
        elsewhere = FakeLine(tmp_path / "other")
        foreign = next(
            record
            for record in (one.encode() for one in _records(elsewhere.south))
            if b"certificate" in record and record not in records
        )
        async with line:
            line.south.inject(CertificateItem(envelope=foreign))
            await wait_for(lambda: line.north.reasons)
            assert "certificate" in line.north.reasons[0]
            await say(line, line.south, line.north)

    asyncio.run(go())


def _records(place: Place) -> tuple[str, ...]:
    from hotline.station.home import read_card

    return read_card(place.directory).records
