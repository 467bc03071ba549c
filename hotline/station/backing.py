"""Backing up a home's ledgers while its station runs (docs/ledger.md §21).

OUT/manifest.json                      what is here, with its hashes
OUT/lines/<handle>/ledger.db           one file each, without a log
OUT/station.json, OUT/cards/*.card     what the station says of itself, and others of themselves
OUT/steps/*.json                       steps that the journal has not recorded yet
OUT/lines/<handle>/line.json           the peers' cards
OUT/lines/<handle>/successor.json      the line that took over from it
OUT/lines/<handle>/witnesses.json      where outside witnesses are asked
OUT/lines/<handle>/evidence/           forks that were seen (docs/ledger.md §15.8)
OUT/lines/<handle>/attachments/        sealed files (docs/ledger.md §24.7), of whole ones all
OUT/lines/<handle>/generation-<n>/ledger.db, journal-<n>/ledger.db   what was left behind
OUT/journal/ledger.db                  the station journal
OUT/keys, OUT/tls, *.key               only when they are asked for

head.db and the peer's view are never among them: their use is to contradict a ledger
that was put back. Evidence of a fork is: it proves itself to whoever checks it. A line that
was opened or joined and waits for answers is never, either: its halves of secrets are
destroyed when it is complete (docs/ledger.md §21.9).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, StorageError
from hotline.core.seams import Clock
from hotline.core.times import format_time
from hotline.ledger.connection import sync_directory
from hotline.ledger.copying import copy_ledger, sync_file
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger
from hotline.station.anchors import JOURNAL
from hotline.station.attachments import ATTACHMENTS
from hotline.station.home import Home
from hotline.station.lineup import SUCCESSOR
from hotline.station.manifest import MANIFEST, FileMark, LedgerMark, Manifest, may_hold
from hotline.station.outsiders import WITNESSES
from hotline.station.past import PREFIX
from hotline.station.steps import NOTES

PRIVATE_DIRECTORY = 0o700
_BLOCK_BYTES = 1_048_576
_KEYS = ("keys/*.key", "tls/*.pem", "lines/*/*.key", f"{JOURNAL}/*.key", f"{JOURNAL}-*/*.key")
_SMALL = (
    "station.json",
    "cards/*.card",
    "lines/*/line.json",
    f"lines/*/{SUCCESSOR}",
    f"lines/*/{WITNESSES}",
    "lines/*/evidence/fork-*.json",
    f"lines/*/{ATTACHMENTS}/*",
)
_LEFT = (f"lines/*/{PREFIX}*/{LEDGER_NAME}", f"{JOURNAL}-*/{LEDGER_NAME}")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written and verified. `bytes`: of all its files."""

    path: Path
    manifest: Manifest
    bytes: int

    def line(self) -> str:
        """Say on one line what was backed up, and where."""
        main = self.manifest.ledgers[0]
        more = len(self.manifest.ledgers) - 1
        others = f" and {more} more ledger{'s' * (more > 1)}" if more else ""
        return (
            f"Backed up {self.manifest.station}: {main.size} entries, root {main.root[:16]}"
            f"{others}, {self.bytes} bytes in {self.path.name}, verified."
        )


def back_up(home: Home, out: Path, *, with_keys: bool, clock: Clock) -> Backup:
    """Write a backup of a home's ledgers to a new directory, and verify what was written.

    Args:
        out: A directory that is not there yet.
        with_keys: Whether key files go with it.
    Raises:
        OperatorError: no ledger in the home, or `out` exists.
        IntegrityError: a ledger does not verify; nothing is kept of the backup.
        StorageError: the disk refused; nothing is kept of it.
    Spec: docs/ledger.md §21.2
    """
    found = list(ledgers_of(home.path))
    if not found:
        raise OperatorError(f"{home.path.name} holds no ledger", hint="give a station's home")
    if out.exists() or not out.parent.is_dir():
        raise OperatorError(
            f"{out.name} cannot be made there", hint="name a directory that is not there yet"
        )
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=PRIVATE_DIRECTORY)
        _copy_notes(home.path, part)
        marks = [_copy(home.path, part, file) for file in found]
        _copy_beside(home.path, part, with_keys=with_keys)
        manifest = _write_manifest(part, marks, clock())
        _sync_all(part)
        os.rename(part, out)
        sync_directory(out.parent)
    except OSError as error:
        raise StorageError(
            f"the backup cannot be written: {error.strerror or 'the system refused'}",
            hint="free space or name another disk; nothing of it was kept",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Backup(out, manifest, sum(mark.bytes for mark in manifest.files.values()))


def ledgers_of(home: Path) -> Iterator[Path]:
    """Yield the ledgers at work in a home: of its lines, closed ones last, then the journal.

    The journal commits before a line cites it, so a copy made later holds what is cited.
    """
    lines = sorted(home.glob(f"lines/*/{LEDGER_NAME}"))
    yield from sorted(lines, key=lambda file: (file.parent / SUCCESSOR).exists())
    yield from home.glob(f"{JOURNAL}/{LEDGER_NAME}")


def _copy(home: Path, part: Path, file: Path) -> LedgerMark:
    relative = file.relative_to(home)
    target = part / relative
    make_private(target.parent)
    copy_ledger(file, target)
    return mark_of(target, relative.as_posix())


def make_private(directory: Path) -> None:
    """Make a directory, and those above it, for their owner alone."""
    if not directory.exists():
        make_private(directory.parent)
        directory.mkdir(mode=PRIVATE_DIRECTORY)


def mark_of(file: Path, name: str) -> LedgerMark:
    """Verify a ledger and return how a manifest names it.

    Raises:
        IntegrityError: it does not verify.
    """
    verdict = verify_ledger(
        file,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
    )
    if verdict.first_fault is not None or not verdict.ok:
        fault = verdict.first_fault.sentence() if verdict.first_fault else "nobody knows why"
        raise IntegrityError(
            f"{name} does not verify: {fault}",
            hint="keep every file; `hotline verify` says what still stands",
        )
    reader = Ledger.open_read_only(file)
    try:
        note = reader.head().decode()
    finally:
        reader.close()
    return LedgerMark(
        path=name,
        origin=verdict.origin,
        station=verdict.station,
        size=verdict.entries,
        root=verdict.root.hex(),
        head=note,
    )


def _copy_notes(home: Path, part: Path) -> None:
    """Copy what waits for the journal, before the journal: so it is in one of the two, or both.

    Spec: docs/ledger.md §23.5
    """
    for file in sorted(home.glob(f"{NOTES}/*.json")):
        name = file.relative_to(home).as_posix()
        # The journal of a station that runs may have recorded it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if may_hold(name):
                content = file.read_bytes()
                make_private((part / name).parent)
                (part / name).touch(mode=0o600)
                (part / name).write_bytes(content)


def _copy_beside(home: Path, part: Path, *, with_keys: bool) -> None:
    for pattern in (*_LEFT, *_SMALL, *(_KEYS if with_keys else ())):
        for file in sorted(home.glob(pattern)):
            name = file.relative_to(home).as_posix()
            if file.is_file() and may_hold(name):
                make_private((part / name).parent)
                _copy_file(file, part / name)


def _copy_file(file: Path, target: Path) -> None:
    """Copy a file; a ledger that was left behind with what its log holds, if it reads at all."""
    if file.name == LEDGER_NAME:
        with contextlib.suppress(HotlineError):
            return copy_ledger(file, target)
        target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    shutil.copyfile(file, target)
    return None


def _write_manifest(part: Path, ledgers: list[LedgerMark], now_ms: int) -> Manifest:
    files = {
        file.relative_to(part).as_posix(): FileMark(bytes=file.stat().st_size, sha256=hash_of(file))
        for file in sorted(part.rglob("*"))
        if file.is_file()
    }
    manifest = Manifest(
        format="hotline-backup-1",
        station=ledgers[0].station,
        made_at=format_time(now_ms),
        ledgers=tuple(ledgers),
        files=files,
    )
    path = part / MANIFEST
    path.touch(mode=0o600)
    path.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    summed = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK_BYTES):
            summed.update(block)
    return summed.hexdigest()


def _sync_all(part: Path) -> None:
    for path in part.rglob("*"):
        if path.is_dir():
            sync_directory(path)
        else:
            sync_file(path)
    sync_directory(part)
