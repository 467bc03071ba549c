"""What a backup says of itself: manifest.json, read strictly."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.messages.statement import HexDigest, StationName, first_fault
from hotline.core.times import parse_time

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1_048_576
MAX_FILES = 4_096

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,300}\z")]


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
        raise OperatorError(f"{MANIFEST}: {first_fault(error)}") from error
    except PeerError as error:
        raise OperatorError(f"{MANIFEST}: {error}") from error
    _check_names(manifest)
    return manifest


def _check_names(manifest: Manifest) -> None:
    """Refuse a name that would lead out of the backup or of the home."""
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.as_posix() != name:
            raise OperatorError(f"{MANIFEST} names a file outside the backup")
    if any(ledger.path not in manifest.files for ledger in manifest.ledgers):
        raise OperatorError(f"{MANIFEST} names a ledger that is not among its files")
