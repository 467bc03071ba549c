"""Private copies of files that may come from strangers: pipes, devices, files without end."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, StorageError
from hotline.ledger import snapshot
from hotline.ledger.copying import copy_ledger
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import Line, Station, admit, draft, identify, verifier

pytestmark = pytest.mark.timeout(20)

LONG_LOG_BYTES = 64_000_000


def entries(file: Path) -> int:
    verdict = verify_ledger(file, identify=identify, verifier=verifier)
    assert verdict.ok, verdict.faults
    return verdict.entries


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, make_socket, lambda path: path.symlink_to("/dev/zero"), Path.mkdir]
)
def test_ledger_or_log_that_is_no_regular_file_is_refused_at_once(
    line: Line, name: str, make: Callable[[Path], object]
) -> None:
    path = line.north.home / name
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises(OperatorError, match=f"^{name} is no regular file, so it is not read$"):
        entries(line.north.home)


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal"])
def test_backup_of_a_ledger_that_is_a_pipe_is_refused_at_once(
    line: Line, tmp_path: Path, name: str
) -> None:
    (line.north.home / "ledger.db-shm").touch()
    path = line.north.home / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(OperatorError, match="no regular file"):
        copy_ledger(line.north.file, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_pipe_that_takes_the_place_of_the_ledger_later_does_not_wait(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular = line.north.file.stat()
    line.north.file.unlink()
    os.mkfifo(line.north.file)
    stat = Path.stat

    def lying(path: Path, **more: bool) -> os.stat_result:
        return regular if path == line.north.file else stat(path, **more)

    monkeypatch.setattr(Path, "stat", lying)
    with pytest.raises(OperatorError, match="no regular file"):
        entries(line.north.file)


def test_links_to_ledger_and_log_are_followed(north: Station, tmp_path: Path) -> None:
    ledger = north.create()
    admit(ledger)
    ledger.append([draft(1)])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        (elsewhere / name).symlink_to(north.home / name)
    assert entries(elsewhere) == 3
    ledger.close()


def test_long_log_is_copied_without_being_held_in_memory(line: Line) -> None:
    log = line.north.home / "ledger.db-wal"
    log.touch()
    os.truncate(log, LONG_LOG_BYTES)
    tracemalloc.start()
    try:
        with snapshot.Snapshot(line.north.file) as copied:
            assert copied.path.with_name(log.name).stat().st_size == LONG_LOG_BYTES
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < LONG_LOG_BYTES / 10


def test_log_longer_than_the_disk_for_the_copy_is_refused_at_once(line: Line) -> None:
    log = line.north.home / "ledger.db-wal"
    log.touch()
    try:
        os.truncate(log, shutil.disk_usage(tempfile.gettempdir()).free + 10**12)
    except OSError:
        pytest.skip("this disk has no files that long")
    with pytest.raises(StorageError, match="no room") as refused:
        entries(line.north.file)
    assert "TMPDIR" in refused.value.sentence()


def test_disk_that_is_full_while_the_copy_is_written_is_named(line: Line) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StorageError, match="no room"):
            snapshot.Snapshot(line.north.file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_directory_for_the_copy_is_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(line.north.home / "nowhere"))
    with pytest.raises(StorageError, match="no room"):
        snapshot.Snapshot(line.north.file)


@pytest.mark.parametrize("what", ["file", "log", "both"])
def test_ledger_that_is_written_meanwhile_is_copied_again(
    north: Station, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Whatever happens between the log's copy and the file's, both are of one moment."""
    ledger = north.create()
    admit(ledger)
    copy_file = snapshot._copy_file
    times = 0

    def written_meanwhile(source: Path, copy: Path) -> tuple[int, int]:
        nonlocal times
        times += 1
        if times <= 2:
            if what != "file":
                ledger.append([draft(times)])
            if what != "log":
                os.utime(source, ns=(times, times))
        stamp = copy_file(source, copy)
        if times <= 2 and what != "log":
            os.utime(source, ns=(times, times + 7))
        return stamp

    monkeypatch.setattr(snapshot, "_copy_file", written_meanwhile)
    held = entries(north.file)
    # A log that only grew still is that of the file: its earlier part is the earlier moment.
    assert (times, held) == {"file": (3, 2), "log": (1, 2), "both": (3, 4)}[what]
    ledger.close()


def test_log_that_began_anew_is_not_taken_for_the_one_before(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = line.north.home / "ledger.db-wal"
    log.write_bytes(b"a log that was")
    copy_file = snapshot._copy_file
    later = iter([b"a log that is, and is longer", b"", None, None])

    def begun_anew(source: Path, copy: Path) -> tuple[int, int]:
        stamp = copy_file(source, copy)
        after = next(later)
        if after is not None:
            log.write_bytes(after)
        return stamp

    monkeypatch.setattr(snapshot, "_copy_file", begun_anew)
    with snapshot.Snapshot(line.north.file):
        assert next(later, "spent") is None
