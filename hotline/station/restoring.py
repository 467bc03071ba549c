"""Putting a backup in place, through the check that nothing newer is known (docs/ledger.md §21).

First everything is judged, then everything is placed: a backup that is refused
changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint, parse_origin
from hotline.core.values import Digest
from hotline.host.keyfile import read_key_file
from hotline.ledger.copying import put_in_place, sync_file
from hotline.ledger.heads import ReleasedHeads
from hotline.ledger.opening import HEADS_NAME
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger
from hotline.station.attachments import ATTACHMENTS
from hotline.station.backing import hash_of, make_private, mark_of
from hotline.station.home import read_card
from hotline.station.manifest import LedgerMark, Manifest, owner_of, read_manifest
from hotline.station.months import CONTENT_KEY
from hotline.station.past import newest_generation, number_of
from hotline.station.shelf import read_peer_view
from hotline.station.upkeep import Bench, at_work, station_stopped

RENEW = "keep it as it is and open the next generation: hotline ledger renew"


@dataclass(frozen=True, slots=True)
class Placed:
    """A ledger that was put in place. `kept`: where the one before lies now, if there was one."""

    mark: LedgerMark
    kept: Path | None

    def line(self) -> str:
        """Say it on one line."""
        before = f"; the one before is kept as {self.kept.name}" if self.kept else ""
        return f"{self.mark.path}: {self.mark.size} entries are in place{before}."


def restore(bench: Bench, backup: Path) -> list[Placed]:
    """Put the ledgers of a backup in place where nothing newer is known, and mend files.

    Returns:
        The ledgers that were placed; none where only sealed files were gone or altered.
    Raises:
        OperatorError: no backup, of another station or line; or what is there holds all of
            it already.
        IntegrityError: the backup is damaged; or head.db, the peer's view or the ledger
            that is there knows more; then nothing was changed.
        StorageError: the disk, or a station works this home.
    Spec: docs/ledger.md §21.4
    """
    manifest = read_manifest(backup)
    _check_files(backup, manifest)
    _check_left(manifest)
    with contextlib.ExitStack() as locks:
        wanted = []
        for mark in manifest.ledgers:
            present = bench.home.path / mark.path
            heads = locks.enter_context(_locked(present))
            if _wants(backup / mark.path, present, mark, heads):
                wanted.append((mark, heads is not None and heads.read(mark.origin) is not None))
        if not wanted and _mend_files(backup, bench.home.path, manifest):
            return []
        if not wanted:
            raise OperatorError(
                "every ledger that is there holds all that the backup holds, and more or as much",
                hint="there is nothing to restore",
            )
        _check_keys(bench, backup, manifest, [mark for mark, _ in wanted])
        _place_missing(backup, bench.home.path, manifest)
        _mend_files(backup, bench.home.path, manifest)
        placed = [_place(backup, bench.home.path, mark, manifest) for mark, _ in wanted]
    if not all(known for _, known in wanted):
        raise IntegrityError(
            "the ledger is in its place, but no head.db knows it, so nobody can say that it "
            "is the newest",
            hint="open the next generation: hotline ledger renew",
        )
    if any(one.mark.path != "journal/ledger.db" for one in placed):
        _record(bench, manifest, placed)
    return placed


def _check_files(backup: Path, manifest: Manifest) -> None:
    try:
        for name, mark in manifest.files.items():
            file = backup / name
            if not file.is_file() or file.is_symlink():
                raise IntegrityError(f"the backup is damaged: {name} is missing", hint=_ANOTHER)
            if file.stat().st_size != mark.bytes or hash_of(file) != mark.sha256:
                raise IntegrityError(f"the backup is damaged: {name} was altered", hint=_ANOTHER)
    except OSError as error:
        raise StorageError("the backup cannot be read", hint="check the disk it is on") from error
    for ledger in manifest.ledgers:
        found = mark_of(backup / ledger.path, ledger.path)
        if _what(found) != _what(ledger):
            raise IntegrityError(
                f"the backup is damaged: {ledger.path} is not what the manifest says",
                hint=_ANOTHER,
            )


_ANOTHER = "use another backup"


def _what(mark: LedgerMark) -> tuple[str, str, int, str]:
    return mark.origin, mark.station, mark.size, mark.root


def _check_left(manifest: Manifest) -> None:
    """Refuse a generation that was left behind by none of the backup's ledgers.

    The directories of earlier generations say which one is at work.
    Spec: docs/ledger.md §21.8
    """
    at_work = {mark.path: parse_origin(mark.origin).generation for mark in manifest.ledgers}
    left: dict[str, set[str]] = {}
    for name in manifest.files:
        left.setdefault(owner_of(name), set()).add(name.rpartition("/")[0])
    for owner, generation in at_work.items():
        beside = left[owner] - {owner.rpartition("/")[0]}
        newest = len(beside)
        if owner.startswith("lines/"):
            newest = max((number_of(Path(one)) for one in beside), default=0)
        if newest >= generation:
            raise OperatorError(
                f"the backup holds earlier generations than generation {generation} has",
                hint="nothing was placed; use another backup",
            )


def _place_missing(backup: Path, home: Path, manifest: Manifest) -> None:
    """Put keys, cards and left-behind generations in place where there is nothing at all.

    What belongs to a ledger that is not in the backup stays in the backup.
    Spec: docs/ledger.md §21.8
    """
    at_work = {ledger.path for ledger in manifest.ledgers}
    for name in manifest.files:
        target = home / name
        if name not in at_work and owner_of(name) in {"", *at_work} and _is_free(target):
            _copy_durably(backup / name, target)


def _is_free(target: Path) -> bool:
    """Return whether nothing lies at a place, nor a log that would spoil a ledger put there."""
    log = target.with_name(f"{target.name}-wal")
    return not any(os.path.lexists(path) for path in (target, log))


def _check_keys(
    bench: Bench, backup: Path, manifest: Manifest, wanted: Sequence[LedgerMark]
) -> None:
    """Refuse before anything is placed when the ledger could not be opened afterwards."""

    def found(name: str) -> Path:
        there = bench.home.path / name
        return backup / name if name in manifest.files and not there.exists() else there

    console = found("keys/console.key")
    if not console.is_file():
        raise OperatorError(
            "the home has no key files and the backup brought none",
            hint="put the station's keys there, or use a backup made with --keys",
        )
    passphrase = bench.passphrase(console)
    read_key_file(console, passphrase)
    for mark in wanted:
        beside = mark.path.rpartition("/")[0]
        read_key_file(found(f"{beside}/{CONTENT_KEY}"), passphrase)


def _mend_files(backup: Path, home: Path, manifest: Manifest) -> int:
    """Place sealed files that are gone or altered beside a ledger that is there; count them.

    Spec: docs/ledger.md §24.7
    """
    count = 0
    for name, mark in manifest.files.items():
        directory, _, digest = name.rpartition("/")
        target = home / name
        beside = (home / owner_of(name)).is_file()
        if not directory.endswith(f"/{ATTACHMENTS}") or mark.sha256 != digest or not beside:
            continue
        if not target.is_file() or hash_of(target) != digest:
            _copy_durably(backup / name, target)
            count += 1
    return count


def _copy_durably(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.restore.part")
    try:
        make_private(target.parent)
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        shutil.copyfile(source, part)
        sync_file(part)
        os.replace(part, target)
        sync_file(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"the disk refused to write {target.name}") from error


@contextmanager
def _locked(ledger: Path) -> Iterator[ReleasedHeads | None]:
    """Hold a ledger's head.db, so that no station works it meanwhile; None if there is none."""
    if not (ledger.parent / HEADS_NAME).exists():
        yield None
        return
    with station_stopped():
        heads = ReleasedHeads.open(ledger.parent / HEADS_NAME)
    try:
        yield heads
    finally:
        heads.close()


def _wants(saved: Path, present: Path, mark: LedgerMark, heads: ReleasedHeads | None) -> bool:
    """Judge one ledger: True to place it, False when the one that is there holds it all.

    Raises:
        IntegrityError: something newer, or something else, is known.
    """
    _check_place(present, mark)
    verdict = _verdict(present)
    if verdict is not None and verdict.ok and not _same_log(saved, present, verdict, mark):
        raise IntegrityError(
            f"{mark.path} in the home is another ledger than the one in the backup, not an older "
            "or newer state of it",
            hint="keep both files and call the reviewer",
        )
    if verdict is not None and verdict.ok and verdict.entries >= mark.size:
        return False
    known = list(_known(saved, present, mark, heads))
    if verdict is not None and verdict.stands > mark.size and verdict.origin == mark.origin:
        known.append(("the ledger that is there", verdict.stands, None))
    _check_newest(saved, mark, known)
    return True


def _check_place(present: Path, mark: LedgerMark) -> None:
    """Refuse a ledger of another station, or of a generation that was left behind."""
    if not mark.path.startswith("lines/"):
        return
    origin, generation = parse_origin(mark.origin), newest_generation(present.parent)
    if generation != origin.generation and present.parent.exists():
        raise IntegrityError(
            f"the backup is of generation {origin.generation}, the line stands in generation "
            f"{generation}",
            hint="nothing was changed; use a backup of that generation",
        )
    if (present.parent / "line.json").exists() and read_card(present.parent).station != (
        mark.station
    ):
        raise OperatorError(
            f"the backup is of {mark.station}, the home is not", hint="name the right home"
        )


def _verdict(present: Path) -> Verdict | None:
    if not present.is_file():
        return None
    try:
        return verify_ledger(
            present,
            identify=identify_ledger,
            verifier=verify_ed25519,
            lasting_verifier=verify_mldsa65,
        )
    except OperatorError:
        return None


def _same_log(saved: Path, present: Path, verdict: Verdict, mark: LedgerMark) -> bool:
    """Return whether backup and present ledger are two states of one log."""
    if verdict.origin != mark.origin:
        return False
    reader = Ledger.open_read_only(saved if verdict.entries < mark.size else present)
    try:
        size = min(verdict.entries, mark.size)
        root = mark.root if size == mark.size else verdict.root.hex()
        return reader.root_at(size).hex() == root
    finally:
        reader.close()


def _known(
    saved: Path, present: Path, mark: LedgerMark, heads: ReleasedHeads | None
) -> Iterator[tuple[str, int, Digest | None]]:
    released = heads.read(mark.origin) if heads else None
    if released is not None:
        yield "head.db", released.size, released.root
    view = _view(saved, present, mark)
    if view is not None:
        yield "the other station", view.size, view.root


def _view(saved: Path, present: Path, mark: LedgerMark) -> Checkpoint | None:
    reader = Ledger.open_read_only(saved)
    try:
        identity = identify_ledger(reader.public_records())
    finally:
        reader.close()
    keys = identity.ledger_keys.get(mark.station, ())
    return read_peer_view(present.parent, mark.origin, keys)


def _check_newest(
    saved: Path, mark: LedgerMark, known: Sequence[tuple[str, int, Digest | None]]
) -> None:
    """Refuse a backup that is older than what is known, or another history.

    Spec: docs/ledger.md §21.4
    """
    for who, size, _ in known:
        if size > mark.size:
            raise IntegrityError(
                f"{who} knows {size} entries, the backup holds {mark.size}: put in place, it "
                "would be a ledger that was put back",
                hint=f"nothing was changed; if yours is damaged, {RENEW}",
            )
    reader = Ledger.open_read_only(saved)
    try:
        for who, size, root in known:
            if root is not None and reader.root_at(size) != root:
                raise IntegrityError(
                    f"{who} knows another root of the first {size} entries than the backup",
                    hint=f"nothing was changed; {RENEW}",
                )
    finally:
        reader.close()


def _place(backup: Path, home: Path, mark: LedgerMark, manifest: Manifest) -> Placed:
    target = home / mark.path
    part = target.with_name(f".{LEDGER_NAME}.restore.part")
    _copy_durably(backup / mark.path, part)
    if hash_of(part) != manifest.files[mark.path].sha256:
        part.unlink(missing_ok=True)
        raise StorageError("what was written is not what was read", hint="check both disks")
    return Placed(mark, put_in_place(part, target))


def _record(bench: Bench, manifest: Manifest, placed: Sequence[Placed]) -> None:
    """Make it each line's first new entry that a backup was put in place.

    Spec: docs/ledger.md §21.5
    """
    lines = [one.mark for one in placed if one.mark.path != "journal/ledger.db"]
    for line in lines:
        home = replace(bench.home, chosen=Path(line.path).parent.name)
        with at_work(replace(bench, home=home)) as work:
            restored = ev.LedgerRestored(
                size=line.size, root=line.root, backed_up_at_ms=manifest.made_at_ms
            )
            work.record(Planned(restored))
