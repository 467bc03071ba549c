"""head.db and the crash windows between it and the ledger: docs/ledger.md §10."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, InvariantError, StorageError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.values import sha256
from hotline.ledger.heads import Released, ReleasedHeads
from hotline.ledger.store import Ledger
from tests.ledger.rig import Line, Station, draft, tamper
from tests.ledger.test_reconcile import cut


def put_back(station: Station, older: Path) -> None:
    """Replace the ledger by an older copy; head.db stays, as the rules demand."""
    station.file.unlink()
    station.file.with_name("ledger.db-wal").unlink(missing_ok=True)
    shutil.copy(older, station.file)


def test_swap_from_the_recorded_head_succeeds_once(tmp_path: Path) -> None:
    heads = ReleasedHeads.open(tmp_path / "head.db")
    first, second = Released(0, sha256(b"0")), Released(1, sha256(b"1"))
    heads.adopt("log", first)
    heads.swap("log", first, second)
    assert heads.read("log") == second
    with pytest.raises(IntegrityError):
        heads.swap("log", first, Released(1, sha256(b"another")))
    assert heads.read("log") == second


def test_swap_of_an_unknown_log_is_refused(tmp_path: Path) -> None:
    heads = ReleasedHeads.open(tmp_path / "head.db")
    with pytest.raises(IntegrityError):
        heads.swap("log", Released(0, sha256(b"0")), Released(1, sha256(b"1")))


def recorded(station: Station) -> Released | None:
    """Return what head.db says while no ledger has it open."""
    heads = ReleasedHeads.open(station.home / "head.db")
    try:
        return heads.read(station.origin)
    finally:
        heads.close()


def test_append_alone_does_not_touch_head_db(line: Line) -> None:
    ledger = line.north.open()
    before = ledger._heads.read(ledger.origin)
    ledger.append([draft(1)])
    assert ledger._heads.read(ledger.origin) == before
    assert (ledger.released_size, ledger.size) == (14, 15)


def test_release_brings_head_db_to_the_newest_head(line: Line) -> None:
    ledger = line.north.open()
    ledger.append([draft(1)])
    head = ledger.append([draft(2), draft(3)])
    assert ledger.release() == head
    assert ledger._heads.read(ledger.origin) == Released(head.size, head.root)
    assert ledger.released_size == head.size


def test_release_of_nothing_new_writes_nothing(line: Line) -> None:
    ledger = line.north.open()
    head = ledger.append([draft(1)])
    ledger.release()
    ledger._heads._connection.close()
    assert ledger.release() == head


def test_close_releases_what_is_durable(line: Line) -> None:
    ledger = line.north.open()
    head = ledger.append([draft(1)])
    ledger.close()
    assert recorded(line.north) == Released(head.size, head.root)
    ledger.close()


def test_close_whose_release_fails_lets_go_of_the_files(line: Line) -> None:
    ledger = line.north.open()
    stolen = Released(15, sha256(b"another entry 14"))
    ledger._heads.swap(ledger.origin, ledger._newest.released, stolen)
    ledger.append([draft(1)])
    with pytest.raises(IntegrityError, match="another head"):
        ledger.close()
    assert recorded(line.north) == stolen


def test_heads_released_from_several_threads_end_at_the_newest(line: Line) -> None:
    ledger = line.north.open()

    def work(number: int) -> tuple[int, int]:
        size = ledger.append([draft(number)]).size
        return size, ledger.release().size

    with ThreadPoolExecutor(4) as pool:
        pairs = list(pool.map(work, range(24)))
    assert all(released >= size for size, released in pairs)
    ledger.close()
    assert recorded(line.north) == Released(ledger._newest.size, ledger._newest.root)


def test_ledger_put_back_to_an_older_backup_does_not_open(line: Line, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(line.north.file, backup)
    ledger = line.north.open()
    ledger.append([draft(1)])
    ledger.close()
    put_back(line.north, backup)
    with pytest.raises(IntegrityError, match=r"put back: head\.db knows 15 entries, it holds 14"):
        line.north.open()


def test_ledger_with_its_tail_cut_does_not_open(line: Line) -> None:
    cut(line.north.file, 6)
    with pytest.raises(IntegrityError, match="put back"):
        line.north.open()


def test_ledger_rewritten_under_its_own_key_does_not_open(line: Line) -> None:
    shutil.move(line.north.home, line.north.home.with_name("kept"))
    forged = line.north.create()
    forged.append([draft(number) for number in range(30)])
    forged.close()
    shutil.copy(line.north.home.with_name("kept") / "head.db", line.north.home)
    with pytest.raises(IntegrityError, match="rewritten"):
        line.north.open()


def test_heads_file_missing_stops_the_ledger_until_the_peer_is_asked(line: Line) -> None:
    ledger = line.north.open()
    seen = Checkpoint(ledger.origin, 9, ledger.root_at(9))
    ledger.close()
    (line.north.home / "head.db").unlink()
    with pytest.raises(IntegrityError, match=r"head\.db does not know"):
        line.north.open()
    ledger = line.north.open(peer_view=seen)
    ledger.append([draft(1)])
    ledger.close()
    assert line.north.open().size == 15


def test_peer_ahead_of_the_ledger_stops_it(line: Line) -> None:
    beyond = Checkpoint(line.north.origin, 40, sha256(b"later"))
    with pytest.raises(IntegrityError, match="peer's countersigned view knows 40"):
        line.north.open(peer_view=beyond)


def test_peer_with_another_root_stops_the_ledger(line: Line) -> None:
    other = Checkpoint(line.north.origin, 9, sha256(b"fork"))
    with pytest.raises(IntegrityError, match="rewritten"):
        line.north.open(peer_view=other)


@pytest.mark.parametrize(
    ("size", "message"), [(40, "put back: the peer's"), (9, "rewritten: the peer's")]
)
def test_peer_that_contradicts_stops_a_ledger_without_head_db(
    line: Line, size: int, message: str
) -> None:
    (line.north.home / "head.db").unlink()
    other = Checkpoint(line.north.origin, size, sha256(b"another root"))
    with pytest.raises(IntegrityError, match=message):
        line.north.open(peer_view=other)
    # What was refused has not been taken for the newest by the attempt.
    assert recorded(line.north) is None


def test_peer_view_behind_or_equal_opens(line: Line) -> None:
    ledger = line.north.open()
    views = [Checkpoint(ledger.origin, size, ledger.root_at(size)) for size in (0, 5, 14)]
    ledger.close()
    for view in views:
        ledger = line.north.open(peer_view=view)
        assert ledger.size == 14
        ledger.close()


def test_peer_view_of_another_log_is_refused(line: Line) -> None:
    other = Checkpoint(line.south.origin, 3, sha256(b"root"))
    with pytest.raises(InvariantError, match="another log"):
        line.north.open(peer_view=other)


def test_ledger_put_back_to_after_the_last_release_opens(line: Line, tmp_path: Path) -> None:
    """The one rollback that head.db does not see: nothing of what is lost had left (§10.3)."""
    ledger = line.north.open()
    ledger.append([draft(1)])
    ledger.release()
    shutil.copytree(line.north.home, tmp_path / "earlier")
    ledger.append([draft(2)])
    shutil.copytree(line.north.home, tmp_path / "later")
    again = Station("NORTH", tmp_path / "earlier").open()
    assert (again.size, ledger.released_size) == (15, 15)
    Station("NORTH", tmp_path / "later").open().close()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(tmp_path / "earlier" / name, tmp_path / "later" / name)
    with pytest.raises(IntegrityError, match="put back"):
        Station("NORTH", tmp_path / "later").open()


def test_crash_between_commit_and_release_is_caught_up(line: Line) -> None:
    ledger = line.north.open()
    head = ledger.append([draft(1)])
    # What kill -9 leaves: both files as they are, nothing closed, nothing released.
    kept = line.north.home.with_name("kept")
    shutil.copytree(line.north.home, kept)
    left = Station("NORTH", kept)
    assert recorded(left) == Released(14, ledger.root_at(14))
    again = left.open()
    assert (again.size, again.root, again.released_size) == (head.size, head.root, head.size)
    assert again._heads.read(again.origin) == head.released
    assert again.append([draft(2)]).size == head.size + 1


def test_heads_on_another_disk_are_used_from_there(north: Station, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk" / "head.db"
    elsewhere.parent.mkdir()
    Ledger.create(north.home, origin=north.origin, heads=elsewhere, **north.keys).close()
    assert not (north.home / "head.db").exists()
    assert north.open(heads=elsewhere).size == 0


def test_create_where_head_db_remembers_a_ledger_is_refused(line: Line) -> None:
    line.north.file.unlink()
    with pytest.raises(IntegrityError, match="released heads"):
        line.north.create()


def test_release_by_a_second_copy_of_the_ledger_poisons_the_first(line: Line) -> None:
    ledger = line.north.open()
    stolen = Released(15, sha256(b"another entry 14"))
    ledger._heads.swap(ledger.origin, ledger._newest.released, stolen)
    ledger.append([draft(1)])
    with pytest.raises(IntegrityError, match="another head"):
        ledger.release()
    for use in (ledger.head, ledger.release, lambda: ledger.append([draft(2)])):
        with pytest.raises(StorageError):
            use()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND idx = 2",
        "UPDATE node SET hash = zeroblob(32) WHERE level = 3",
        "UPDATE entry SET leaf = zeroblob(148) WHERE idx = 12",
        "DELETE FROM entry WHERE idx = 13",
        "DELETE FROM head WHERE size = 14",
        "UPDATE head SET note = x'00' WHERE size = 14",
        "DROP INDEX entry_subject",
    ],
)
def test_ledger_altered_where_an_append_would_build_on_it_does_not_open(
    line: Line, change: str
) -> None:
    tamper(line.north.file, change)
    with pytest.raises(IntegrityError):
        line.north.open()


def test_entry_altered_in_the_middle_is_found_when_it_is_read(line: Line) -> None:
    tamper(line.north.file, "UPDATE entry SET sealed = zeroblob(90) WHERE idx = 3")
    ledger = line.north.open()
    with pytest.raises(IntegrityError, match="entry 3"):
        list(ledger.entries(0, 5))
