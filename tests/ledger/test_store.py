"""Append, read, prove, open: docs/ledger.md §9, §10."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hotline.core.errors import IntegrityError, InvariantError, OperatorError, StorageError
from hotline.core.records.checkpoint import Checkpoint, parse_cosignature, verify_checkpoint
from hotline.core.records.leaf import leaf_hash
from hotline.core.records.merkle import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    root_of,
)
from hotline.core.values import ZERO_DIGEST, sha256
from hotline.ledger.batch import MAX_CONTENT_BYTES, MAX_ENCLOSURE_BYTES, MAX_RECORD_BYTES
from hotline.ledger.schema import FIND
from hotline.ledger.store import Ledger
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import (
    LINE,
    NOW_MS,
    Key,
    Line,
    Sealer,
    Station,
    admit,
    deliver,
    draft,
    identify,
    public_record,
    statement,
    tamper,
    verifier,
)


def test_ledger_after_create_is_empty_with_a_signed_head(north: Station) -> None:
    ledger = north.create()
    assert (ledger.size, ledger.root, ledger.origin) == (0, EMPTY_ROOT, north.origin)
    signed = verify_checkpoint(ledger.head(), [north.key.public_key], verifier)
    assert signed == Checkpoint(north.origin, 0, EMPTY_ROOT)


def test_ledger_file_after_create_is_private(north: Station) -> None:
    north.create()
    assert stat.S_IMODE(north.file.stat().st_mode) == 0o600


def test_ledger_create_over_a_ledger_is_refused(north: Station) -> None:
    north.create().close()
    with pytest.raises(OperatorError):
        north.create()


def test_append_returns_the_signed_head_over_all_entries(north: Station) -> None:
    ledger = north.create()
    head = ledger.append([draft(0), draft(1)])
    leaves = [entry.leaf for entry in ledger.entries(0, 2)]
    assert (head.size, head.root) == (2, root_of(map(leaf_hash, leaves)))
    signed = verify_checkpoint(head.note, [north.key.public_key], verifier)
    assert signed == Checkpoint(north.origin, head.size, head.root)
    assert ledger.head() == head.note


def test_append_of_nothing_returns_the_newest_head(north: Station) -> None:
    ledger = north.create()
    head = ledger.append([draft(0)])
    assert ledger.append() == head


def test_entries_give_back_what_was_appended(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0), draft(1, kind=3, subject=statement(1), enclosure=b"item")])
    first, second = ledger.entries(0, 10)
    assert (first.index, first.kind, first.content) == (0, 18, draft(0).content)
    assert (second.subject, second.recorded_at_ms) == (statement(1), NOW_MS + 1)
    assert (first.has_enclosure, second.has_enclosure) == (False, True)
    assert ledger.enclosure(1) == b"item"


def test_enclosure_of_an_entry_without_one_is_refused(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    with pytest.raises(InvariantError):
        ledger.enclosure(0)


def test_leaves_link_each_to_the_one_before(north: Station) -> None:
    ledger = north.create()
    for number in range(3):
        ledger.append([draft(number)])
    leaves = list(ledger.leaves(0, 3))
    encoded = [entry.leaf for entry in ledger.entries(0, 3)]
    assert [leaf.prev for leaf in leaves] == [ZERO_DIGEST, *map(leaf_hash, encoded[:2])]


def test_ledger_after_reopening_goes_on_where_it_stopped(north: Station) -> None:
    ledger = north.create()
    head = ledger.append([draft(number) for number in range(5)])
    ledger.close()
    ledger = north.open()
    assert (ledger.size, ledger.root, ledger.head()) == (5, head.root, head.note)
    later = ledger.append([draft(5)])
    proof = ledger.prove_consistency(5, 6)
    assert check_consistency(5, 6, head.root, later.root, proof)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_reads_and_proofs_hold_across_pages(north: Station, size: int) -> None:
    ledger = north.create()
    ledger.append([draft(number) for number in range(size)])
    ledger.close()
    ledger = north.open()
    contents = [entry.content for entry in ledger.entries(0, size)]
    assert contents == [draft(number).content for number in range(size)]
    for index in {0, size // 2, size - 1}:
        (entry,) = ledger.entries(index, index + 1)
        proof = ledger.prove_inclusion(index)
        assert check_inclusion(leaf_hash(entry.leaf), index, size, ledger.root, proof)


def test_find_returns_the_first_entry_of_that_kind_and_subject(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0, subject=statement(1)), draft(1, kind=3, subject=statement(1))])
    ledger.append([draft(2, kind=3, subject=statement(1))])
    assert ledger.find(statement(1), 3) == 1
    assert ledger.find(statement(2), 3) is None
    assert ledger.find(ZERO_DIGEST, 18) is None


def test_find_uses_an_index(north: Station) -> None:
    north.create().close()
    connection = sqlite3.connect(north.file)
    plan = str(connection.execute("EXPLAIN QUERY PLAN " + FIND, (bytes(32), 3)).fetchall())
    assert "entry_subject" in plan
    assert "SCAN" not in plan


def test_statement_received_twice_is_refused_and_the_ledger_stays_usable(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0, kind=4, subject=statement(1))])
    with pytest.raises(InvariantError):
        ledger.append([draft(1, kind=4, subject=statement(1))])
    twins = [draft(n, kind=4, subject=statement(2)) for n in (1, 2)]
    with pytest.raises(InvariantError):
        ledger.append(twins)
    assert ledger.append([draft(1)]).size == 2


def test_quarantined_forgery_does_not_block_the_genuine_statement(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0, kind=5, subject=statement(1)), draft(1, kind=5, subject=statement(1))])
    ledger.append([draft(2, kind=4, subject=statement(1))])
    assert ledger.find(statement(1), 4) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"content": bytes(MAX_CONTENT_BYTES + 1)},
        {"enclosure": bytes(MAX_ENCLOSURE_BYTES + 1)},
        {"public": bytes(MAX_RECORD_BYTES + 1)},
        {"kind": 0},
        {"kind": 256},
        {"subject": bytes(31)},
        {"recorded_at_ms": -1},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_draft_over_a_bound_is_refused_and_the_ledger_stays_usable(
    north: Station, fields: dict[str, object]
) -> None:
    ledger = north.create()
    with pytest.raises(InvariantError):
        ledger.append([draft(0), draft(1, **fields)])
    assert ledger.append([draft(0)]).size == 1


def test_draft_as_large_as_the_bounds_allow_is_recorded(north: Station) -> None:
    ledger = north.create()
    content, enclosure = bytes(MAX_CONTENT_BYTES), bytes(MAX_ENCLOSURE_BYTES)
    ledger.append([draft(0, content=content, enclosure=enclosure)])
    ledger.close()
    ledger = north.open()
    (entry,) = ledger.entries(0, 1)
    assert (entry.content, ledger.enclosure(0)) == (content, enclosure)


def test_clock_that_goes_back_is_recorded_as_it_was(north: Station) -> None:
    ledger = north.create()
    times = [NOW_MS, NOW_MS - 86_400_000, NOW_MS + 1]
    ledger.append([draft(n, recorded_at_ms=at) for n, at in enumerate(times[:2])])
    ledger.append([draft(2, recorded_at_ms=times[2])])
    ledger.close()
    ledger = north.open()
    assert [entry.recorded_at_ms for entry in ledger.entries(0, 3)] == times
    assert verify_ledger(north.file, identify=identify, verifier=verifier).ok


def test_public_records_are_kept_once_in_order(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    digest, record = public_record("NORTH root")
    ledger.append([draft(3, kind=2, subject=digest, public=record)])
    assert ledger.public_records() == [public_record(n)[1] for n in ("NORTH root", "SOUTH root")]


def test_witnessed_and_cosigned_heads_are_found_again(north: Station, south: Station) -> None:
    ours, theirs = north.create(), south.create()
    for number in (0, 1):
        deliver(north, ours, south, theirs, number)
    held = theirs.witnessed(north.origin)
    assert held is not None
    assert (held.size, held.old_size) == (3, 1)
    assert held.note == ours.head(3)
    assert theirs.witnessed(south.origin) is None
    assert ours.cosigned_size(south.witness_name) == 3
    assert ours.cosigned_size("nobody") == 0
    cosignature = ours.cosignature(3, south.witness_name)
    assert cosignature is not None
    assert cosignature.checkpoint.root == ours.root_at(3)
    assert ours.cosignature(2, south.witness_name) is None


def test_cosignature_repeated_is_kept_once(north: Station, south: Station) -> None:
    ours, theirs = north.create(), south.create()
    deliver(north, ours, south, theirs, 0)
    again = ours.cosignature(1, south.witness_name)
    assert again is not None
    head = ours.append(cosignatures=[again])
    assert head.size == ours.size


def test_cosignature_on_a_foreign_head_is_refused(north: Station, south: Station) -> None:
    ours, theirs = north.create(), south.create()
    deliver(north, ours, south, theirs, 0)
    good = ours.cosignature(1, south.witness_name)
    assert good is not None
    other = replace(good, checkpoint=replace(good.checkpoint, root=sha256(b"other")))
    beyond = replace(good, checkpoint=replace(good.checkpoint, size=99))
    for bad in (other, beyond):
        with pytest.raises(IntegrityError):
            ours.append(cosignatures=[bad])
    assert parse_cosignature(good.note) == good
    assert ours.append([draft(5)]).size == 3


def test_ledger_open_with_another_key_is_refused(line: Line) -> None:
    with pytest.raises(IntegrityError):
        line.north.open(signer=Key(b"thief"))
    rotated = line.north.open(signer=Key(b"new"), trusted_keys=[line.north.key.public_key])
    assert rotated.append([draft(0)]).size == rotated.size


def test_ledger_open_for_another_origin_is_refused(line: Line) -> None:
    with pytest.raises(OperatorError):
        line.north.open(origin=line.south.origin)


def test_ledger_open_where_none_is_is_refused(north: Station) -> None:
    with pytest.raises(OperatorError):
        north.open()


def test_ledger_after_interrupted_create_says_so_and_can_be_created(north: Station) -> None:
    north.home.mkdir()
    north.file.touch()
    with pytest.raises(StorageError, match="cut short"):
        north.open()
    assert north.create().size == 0


def test_ledger_open_twice_is_refused(north: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.ledger.connection.BUSY_TIMEOUT_S", 0.01)
    first = north.create()
    with pytest.raises(StorageError, match="another process"):
        north.open()
    assert first.append([draft(0)]).size == 1


def _try_to_open(station: Station, answers: multiprocessing.Queue[str]) -> None:
    try:
        station.open()
    except StorageError as error:
        answers.put(str(error))
    else:
        answers.put("opened")


def test_ledger_open_from_another_process_is_refused(
    north: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.ledger.connection.BUSY_TIMEOUT_S", 0.01)
    ledger = north.create()
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=_try_to_open, args=(Station("NORTH", north.home), answers))
    child.start()
    assert "another process" in answers.get(timeout=20)
    child.join()
    assert ledger.append([draft(0)]).size == 1


def test_ledger_closed_refuses_every_use(north: Station) -> None:
    ledger = north.create()
    ledger.close()
    for use in (lambda: ledger.append([draft(0)]), ledger.head, ledger.public_records):
        with pytest.raises(StorageError):
            use()


def test_read_only_ledger_reads_a_ledger_that_is_being_written(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0, enclosure=b"item")])
    reader = Ledger.open_read_only(north.home, sealer=Sealer())
    ledger.append([draft(1)])
    assert (reader.size, ledger.size) == (1, 2)
    assert [entry.content for entry in reader.entries(0, 9)] == [draft(0).content]
    assert reader.enclosure(0) == b"item"
    reader.close()


def test_read_only_ledger_without_content_key_shows_leaves_only(line: Line) -> None:
    reader = Ledger.open_read_only(line.north.file)
    assert len(list(reader.leaves(0, reader.size))) == reader.size
    with pytest.raises(IntegrityError, match="key"):
        next(reader.entries(0, 1))


def test_ledger_settings_are_those_of_the_specification(north: Station) -> None:
    connection = north.create()._file.usable()
    found = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "fullfsync", "recursive_triggers")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "fullfsync": 1,
        "recursive_triggers": 1,
    }


def test_write_ahead_log_stays_short(north: Station) -> None:
    ledger = north.create()
    for number in range(300):
        ledger.append([draft(number)])
    log = north.file.with_name("ledger.db-wal")
    assert log.stat().st_size < 4_000_000


def test_line_of_the_rig_is_the_one_of_its_origin() -> None:
    assert LINE.hex() in Station("NORTH", None).origin  # type: ignore[arg-type]


def test_ledger_is_read_while_another_thread_appends(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    with ledger._file.write_lock, ThreadPoolExecutor(1) as pool:
        # The write lock is held, as during a slow sync: reading does not wait for it.
        found = pool.submit(lambda: [entry.content for entry in ledger.entries(0, 1)])
        assert found.result(timeout=20) == [draft(0).content]


def test_appends_from_several_threads_are_all_recorded(north: Station) -> None:
    ledger = north.create()
    with ThreadPoolExecutor(4) as pool:
        heads = list(pool.map(lambda number: ledger.append([draft(number)]).size, range(40)))
    assert sorted(heads) == list(range(1, 41))
    assert len({entry.content for entry in ledger.entries(0, 40)}) == 40


class LyingSealer(Sealer):
    """Opens every blob to something that was not sealed, as a second key could."""

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        return super().open(origin, index, kind, blob)[:-1] + b"?"


def test_content_that_its_leaf_does_not_commit_to_is_refused(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    ledger.close()
    ledger = north.open(sealer=LyingSealer())
    with pytest.raises(IntegrityError, match="commits to"):
        next(ledger.entries(0, 1))


@pytest.mark.parametrize("index", [5, 300, 511])
def test_leaf_altered_in_an_older_page_is_found_when_it_is_read(north: Station, index: int) -> None:
    ledger = north.create()
    ledger.append([draft(number) for number in range(700)])
    ledger.close()
    other = "(SELECT leaf FROM entry WHERE idx = 7)"
    tamper(north.file, f"UPDATE entry SET leaf = {other} WHERE idx = {index}")
    ledger = north.open()
    with pytest.raises(IntegrityError, match=f"entry {index} does not fit the signed head"):
        next(ledger.leaves(index, index + 1))
    with pytest.raises(IntegrityError, match="do not fit the signed head"):
        list(ledger.leaves(0, 700))
    assert next(ledger.leaves(699, 700)).index == 699
