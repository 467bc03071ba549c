"""What a backup says of itself: manifest.json, read strictly.

Nobody signs a manifest. So it may name nothing but what `hotline backup` writes:
above all no head.db, no peer's view and no log beside a ledger.
Spec: docs/ledger.md §21.8
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.messages.statement import HexDigest, StationName, first_fault
from hotline.core.times import parse_time

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 33_554_432
MAX_FILES = 65_536

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,300}\z")]

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_HANDLE = r"[A-Za-z0-9-]{1,200}"
_AT_WORK = re.compile(rf"(?:lines/{_HANDLE}|journal)/ledger\.db")
_HELD = re.compile(
    rf"station\.json|steps/[0-9]{{2}}-[0-9a-f]{{64}}\.json"
    rf"|cards/{_WORD}\.card|keys/{_WORD}\.key|tls/{_WORD}\.pem"
    rf"|lines/{_HANDLE}/(?:line\.json|successor\.json|witnesses\.json|{_WORD}\.key|(?:generation-[1-9][0-9]{{0,3}}/)?ledger\.db)"
    rf"|lines/{_HANDLE}/evidence/fork-[A-Z0-9-]{{1,16}}-[0-9]{{1,19}}-[0-9]{{1,19}}\.json"
    rf"|lines/{_HANDLE}/attachments/[0-9a-f]{{64}}"
    rf"|journal(?:-{_HANDLE})?/(?:{_WORD}\.key|ledger\.db)"
)


class FileMark(BaseModel):
    """Length and hash of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)]
    sha256: HexDigest


class LedgerMark(BaseModel):
    """A ledger at work when the backup was made: its newest head."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: _Name
    origin: str
    station: StationName
    size: Annotated[int, Field(ge=1)]
    root: HexDigest
    head: str


class Manifest(BaseModel):
    """What is in a backup. `files` are all others, by their path inside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["hotline-backup-1"]
    station: StationName
    made_at: str
    ledgers: Annotated[tuple[LedgerMark, ...], Field(min_length=1)]
    files: Annotated[dict[_Name, FileMark], Field(max_length=MAX_FILES)]

    @property
    def made_at_ms(self) -> int:
        """When, milliseconds UTC, by the clock of the machine that made it."""
        return parse_time(self.made_at)


def read_manifest(backup: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        OperatorError: there is none, or it is not one of this program's.
        StorageError: the disk refused.
    """
    try:
        with (backup / MANIFEST).open("rb") as file:
            encoded = file.read(MAX_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise OperatorError(
            f"{backup.name} holds no {MANIFEST} that can be read",
            hint="name the directory that `hotline backup` wrote",
        ) from error
    except OSError as error:
        raise StorageError(f"{MANIFEST} cannot be read") from error
    try:
        manifest = Manifest.model_validate_json(encoded[: MAX_MANIFEST_BYTES + 1])
        parse_time(manifest.made_at)
    except ValidationError as error:
        raise OperatorError(f"{MANIFEST}: {_fault_of(error)}") from error
    except PeerError as error:
        raise OperatorError(f"{MANIFEST}: {error}") from error
    _check_names(manifest)
    return manifest


def may_hold(name: str) -> bool:
    """Return whether a backup may hold a file of this name (its path inside the backup).

    Spec: docs/ledger.md §21.8
    """
    return _HELD.fullmatch(name) is not None


def owner_of(name: str) -> str:
    """Return the path of the ledger at work that a file belongs to, "" for the station's keys."""
    first, *rest = name.split("/")
    if first == "lines":
        return f"lines/{rest[0]}/ledger.db"
    return "journal/ledger.db" if first.startswith("journal") else ""


def _fault_of(error: ValidationError) -> str:
    """Say the first fault; a name that the manifest itself brought is left out."""
    if error.errors(include_url=False, include_input=False)[0]["loc"][:1] == ("files",):
        return "one of the files has a name, a length or a hash that none can have"
    return first_fault(error)


def _check_names(manifest: Manifest) -> None:
    """Refuse a name that would lead out of the backup or of the home, or that none can have."""
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.as_posix() != name:
            raise OperatorError(f"{MANIFEST} names a file outside the backup", hint=_NOTHING)
    if not all(map(may_hold, manifest.files)):
        raise OperatorError(f"{MANIFEST} names a file that no backup holds", hint=_NOTHING)
    ledgers = [ledger.path for ledger in manifest.ledgers]
    if any(ledger not in manifest.files for ledger in ledgers):
        raise OperatorError(f"{MANIFEST} names a ledger that is not among its files")
    if sorted(ledgers) != sorted(filter(_AT_WORK.fullmatch, manifest.files)):
        raise OperatorError(
            f"{MANIFEST} does not name each ledger at work once as a ledger", hint=_NOTHING
        )


_NOTHING = "nothing was placed; use another backup"
