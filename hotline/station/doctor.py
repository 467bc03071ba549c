"""`hotline doctor`: what is well with a home's ledgers, what is not, and what to do.

It reads only, also while a station runs. Spec: docs/ledger.md §21.7
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, StorageError
from hotline.core.records.events import OtherRootRefused
from hotline.core.seams import Clock
from hotline.core.times import format_time
from hotline.host.clock import is_clock_kept
from hotline.ledger.health import sqlite_version
from hotline.station.attachments import ATTACHMENTS
from hotline.station.backing import ledgers_of
from hotline.station.closing import ended_for
from hotline.station.examining import examine, examine_keys
from hotline.station.home import Home, LineCard, read_card
from hotline.station.lineup import SUCCESSOR, read_lineup
from hotline.station.opening import HALF_KEY, JOINING, OPENING
from hotline.station.past import kept_directories
from hotline.station.reaching import configured, reached
from hotline.station.steps import NOTES, waiting_steps
from hotline.station.stored_files import stored_files
from hotline.station.timekeeping import say_whether_kept

Level = Literal["OK", "WARN", "FAIL"]

MIN_FREE_BYTES, SCANT_FREE_BYTES = 50_000_000, 1_000_000_000
"""Below the first a station soon stops; below the second somebody should make room."""

_LEFTOVERS = ("**/*.part", "**/.*.part", "lines/*/*.before-restore-*", "journal/*.before-restore-*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: One sentence, with what to do when it is not well.
        storage: Whether a FAIL is the disk's.
    """

    level: Level
    about: str
    what: str
    storage: bool = False


def check_up(home: Home, clock: Clock, passphrase: str | None) -> list[Finding]:
    """Look at everything; never writes.

    Args:
        passphrase: Of the home's key files, to look at epochs and holds, too; None looks
            only where no passphrase is needed.
    Raises:
        OperatorError: the home holds no ledger.
    """
    ledgers = list(ledgers_of(home.path))
    if not ledgers:
        raise OperatorError(f"{home.path.name} holds no ledger", hint="give a station's home")
    findings = [*_sqlite(), *_disk(home), *_permissions(home)]
    for ledger in ledgers:
        name = ledger.parent.relative_to(home.path).as_posix()
        findings += _of(name, ledger, clock(), passphrase)
    findings += _leftovers(home)
    findings += _waiting(home)
    findings += _steps(home)
    findings += _routes(home)
    findings += [Finding(level, "clock", what) for level, what in say_whether_kept(is_clock_kept())]
    return findings


async def check_routes(home: Home) -> list[Finding]:
    """Look who answers at the places of each route; touches the network.

    Spec: docs/transport.md §9.12
    """
    try:
        found = await reached(home)
    except HotlineError as error:
        return [Finding("FAIL", "routes", f"{_upper(str(error))}; {error.hint}.")]
    return [Finding(one.level, about, one.what) for about, one in found]


def _routes(home: Home) -> Iterator[Finding]:
    try:
        for about, one in configured(home):
            yield Finding(one.level, about, one.what)
    except HotlineError as error:
        # A home whose first line is not complete has none yet.
        yield Finding("OK", "routes", f"None is looked at: {error}.")


def _steps(home: Home) -> Iterator[Finding]:
    """Say what the journal has not recorded yet of setting lines up, alarms by name.

    Spec: docs/ledger.md §23.4
    """
    try:
        notes = waiting_steps(home.path)
    except StorageError as error:
        yield Finding("FAIL", NOTES, f"{_upper(str(error))}.", storage=True)
        return
    for _, event in notes.steps:
        if isinstance(event, OtherRootRefused):
            when = format_time(event.at_ms)[:16]
            yield Finding(
                "WARN",
                NOTES,
                f"Another root was shown for {event.station} on {when}Z and refused: ask their "
                "officers in person what happened.",
            )
    if notes.steps:
        what = f"{len(notes.steps)} of them wait for the journal, which records them at the next"
        yield Finding("OK", NOTES, f"{what} start of the station.")
    if notes.strange:
        what = f"{len(notes.strange)} files there are no steps of this program's: nothing records"
        yield Finding("WARN", NOTES, f"{what} them; see who put them there.")


def _waiting(home: Home) -> Iterator[Finding]:
    """Say what waits to take over, which nobody works yet, and what waits for answers.

    Spec: docs/enrolment.md §9.2
    """
    try:
        found = read_lineup(home.lines)
    except HotlineError:
        # A line.json that does not read was found already.
        return
    current, pending = found.current, found.pending
    if current is not None and pending is None and ended_for(current) is not None:
        what = "The other stations closed it; nothing is said on it any more, and its record stays."
        yield Finding("WARN", f"lines/{current.directory.name}", what)
    if pending is not None:
        what = "It waits to take over; all stations end that with hotline line change."
        yield Finding("WARN", f"lines/{pending.directory.name}", what)
    for name in (OPENING, JOINING):
        if (home.path / name / HALF_KEY).exists():
            # Spec: docs/ledger.md §21.9
            what = "It waits for the other stations, and no backup holds it: if it is lost, all"
            yield Finding("WARN", name, f"{what} begin anew with --anew.")


def _of(name: str, ledger: Path, now_ms: int, passphrase: str | None) -> Iterator[Finding]:
    try:
        closed = (ledger.parent / SUCCESSOR).exists()
        if closed:
            yield Finding("OK", name, "It is closed, and another line has taken over.")
        card = None if closed else _card(ledger)
        for one in examine(ledger, card, now_ms):
            yield Finding(one.level, name, one.what)
    except StorageError as error:
        yield Finding("FAIL", name, f"It cannot be read: {error}; {error.hint}.", storage=True)
        return
    except HotlineError as error:
        yield Finding("FAIL", name, f"{_upper(str(error))}; {error.hint}.")
        return
    yield from _keys(name, ledger, passphrase)
    yield from _attachments(name, ledger)
    kept = kept_directories(ledger.parent)
    if kept:
        yield Finding("OK", name, f"{len(kept)} earlier generations of it are kept.")


def _keys(name: str, ledger: Path, passphrase: str | None) -> Iterator[Finding]:
    try:
        for one in examine_keys(ledger, passphrase):
            yield Finding(one.level, name, one.what)
    except (OperatorError, IntegrityError) as error:
        yield Finding("FAIL", name, f"{_upper(str(error))}; {error.hint}.")


def _attachments(name: str, ledger: Path) -> Iterator[Finding]:
    """Compare the files beside a ledger with their own names, which are digests.

    Spec: docs/ledger.md §24.6
    """
    try:
        stored = stored_files(ledger.parent)
    except StorageError as error:
        yield Finding("FAIL", name, f"{_upper(str(error))}.", storage=True)
        return
    if stored.whole:
        yield Finding("OK", name, f"{stored.whole} sealed files lie beside it.")
    if stored.coming:
        yield Finding("OK", name, f"{stored.coming} more are on their way, begun and not whole.")
    for digest in stored.altered:
        what = f"The file {digest[:16]} beside it was altered: put it back from a backup."
        yield Finding("FAIL", name, what)


def _card(ledger: Path) -> LineCard | None:
    return read_card(ledger.parent) if (ledger.parent / "line.json").exists() else None


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _sqlite() -> Iterator[Finding]:
    version, fixed = sqlite_version()
    said = (
        "has the correction for logs that are reset"
        if fixed
        else "can damage a file that two connections checkpoint; only one ever does here"
    )
    yield Finding("OK", "sqlite", f"Version {version} {said}.")


def _disk(home: Home) -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(home.path).free
    except OSError as error:
        yield Finding("FAIL", "disk", f"It does not answer: {error.strerror}.", storage=True)
        return
    room = f"{free // 1_000_000} MB are free"
    if free < MIN_FREE_BYTES:
        yield Finding("FAIL", "disk", f"Only {room}: free space now.", storage=True)
    elif free < SCANT_FREE_BYTES:
        yield Finding("WARN", "disk", f"Only {room}: free space soon.")
    else:
        yield Finding("OK", "disk", f"{_upper(room)}.")


def _permissions(home: Home) -> Iterator[Finding]:
    """Others may neither read nor enter; the public certificate alone is no secret."""
    open_to_others = [
        path.relative_to(home.path).as_posix()
        for path in sorted([home.path, *home.path.rglob("*")])
        if _secret(path) and path.lstat().st_mode & 0o077
    ]
    if not open_to_others:
        yield Finding("OK", "files", "Nobody but the owner may read keys and ledgers.")
    for name in open_to_others[:8]:
        yield Finding("WARN", "files", f"Others may read {name}: run chmod go= on it.")


def _secret(path: Path) -> bool:
    return (path.is_dir() and path.name in ("keys", "tls")) or (
        path.suffix in (".key", ".db") or path.name == "key.pem"
    )


def _leftovers(home: Home) -> Iterator[Finding]:
    found = {path for pattern in _LEFTOVERS for path in home.path.glob(pattern)}
    for path in sorted(one for one in found if one.parent.name != ATTACHMENTS):
        name = path.relative_to(home.path).as_posix()
        if ".before-restore-" in path.name:
            what = f"{name} was replaced by a backup: keep it until a reviewer has seen it."
        elif ".key." in path.name:
            what = f"{name} was left by a crash and may hold keys, as its key file does: delete it."
        else:
            what = f"{name} was left by a crash and nothing needs it: it may be deleted."
        yield Finding("WARN", "files", what)
