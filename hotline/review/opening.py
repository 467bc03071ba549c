"""Opening a ledger to review it: found, verified, read whole, never written.

What is shown afterwards is what `verify_ledger` passed and nothing later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotline.core import canonical
from hotline.core.errors import (
    ErasedContentError,
    IntegrityError,
    InvariantError,
    MissingKeyError,
    OperatorError,
    PeerError,
)
from hotline.core.exchange.situation import Happening
from hotline.core.records.entry import Entry
from hotline.core.seams import BlobSealer
from hotline.core.values import Digest
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.review.locating import locate, shown
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger, names_of
from hotline.station.happenings import happenings
from hotline.station.home import content_sealer
from hotline.station.past import PREFIX

CONTENT_KEY = "content.key"
MAX_HEADER_BYTES = 1_024

AskPassphrase = Callable[[str], str]
"""Asks whoever reviews for the passphrase of the file it is given the name of."""


@dataclass(frozen=True, slots=True)
class Record:
    """A ledger as it was verified and read.

    Attributes:
        happenings: What the fold takes, one for each entry.
        subjects: For each entry the digest it is about, or zeros.
        names: Certificate id (hex) to role, rank and name of whom it certifies.
    """

    verdict: Verdict
    happenings: tuple[Happening, ...]
    subjects: tuple[Digest, ...]
    names: Mapping[str, str]

    @property
    def station(self) -> str:
        """Whose ledger it is."""
        return self.verdict.station

    @property
    def peers(self) -> tuple[str, ...]:
        """The other members of the line."""
        return tuple(name for name in self.verdict.members if name != self.station)


def open_record(path: Path, ask: AskPassphrase) -> Record:
    """Verify and read the ledger that `path` names, with the content key beside it.

    Args:
        path: A ledger.db, its directory, or a station's home with one line.
        ask: Called only when the content key is protected.
    Raises:
        OperatorError: no ledger there, no content key, another ledger's, a wrong passphrase.
        IntegrityError: the ledger does not verify, or does not read.
        StorageError: it cannot be copied.
    """
    file = locate(path)
    verdict = check_file(file)
    if verdict.first_fault is not None:
        raise IntegrityError(
            f"{shown(path)} does not verify: {verdict.first_fault.sentence()}",
            hint="nothing of it is replayed; `hotline verify` says what still stands",
        )
    sealer = open_content(file, ask)
    reader = Ledger.open_read_only(file, sealer=sealer)
    try:
        return _read(reader, verdict)
    finally:
        reader.close()


def check_file(file: Path) -> Verdict:
    """Verify one ledger file with the keys that its own public records name.

    Raises:
        OperatorError: there is no such file.
        StorageError: it cannot be copied.
    """
    return verify_ledger(
        file,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
    )


def _read(reader: LedgerReader, verdict: Verdict) -> Record:
    """Read the entries that were verified; a station at work may have added more."""
    if reader.size < verdict.entries or reader.root_at(verdict.entries) != verdict.root:
        raise IntegrityError("the ledger was replaced while it was read")
    subjects: list[Digest] = []

    def entries() -> Iterator[Entry]:
        for entry in reader.entries(0, verdict.entries):
            subjects.append(entry.subject)
            yield entry

    found = tuple(happenings(entries(), reader.enclosure))
    names = names_of(reader.public_records())
    return Record(verdict, found, tuple(subjects), names)


def open_content(file: Path, ask: AskPassphrase) -> BlobSealer:
    """Return what opens the contents of the ledger `file` with the content key beside it.

    Raises:
        OperatorError: no content key, or a wrong passphrase.
    """
    return _ReadOnlySealer(_open_content_key(file, ask))


class _ReadOnlySealer:
    """Opens blobs and seals none: a review cannot write."""

    def __init__(self, sealer: BlobSealer) -> None:
        self._sealer = sealer

    def seal(self, *_: object, **__: object) -> bytes:
        raise InvariantError("a review seals nothing")

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        try:
            return self._sealer.open(origin, index, kind, blob)
        except (ErasedContentError, MissingKeyError):
            raise
        except IntegrityError as error:
            if index:
                raise
            # The file verified, so it is the key that is another one's.
            raise OperatorError(
                f"{CONTENT_KEY} does not open the first entry of the ledger beside it",
                hint=f"put the {CONTENT_KEY} of this very ledger there",
            ) from error


def _open_content_key(file: Path, ask: AskPassphrase) -> BlobSealer:
    key = file.parent / CONTENT_KEY
    if file.parent.name.startswith(PREFIX) and not key.is_file():
        # An earlier generation lies in a directory of its own, under the same keys.
        key = file.parent.parent / CONTENT_KEY
    if not key.is_file():
        raise OperatorError(
            f"there is no {CONTENT_KEY} beside {shown(file)}, and without it nothing can be read",
            hint="put the station's there; `hotline verify` needs none",
        )
    passphrase = ask(CONTENT_KEY) if _is_protected(key) else None
    return content_sealer(key.parent, passphrase, _no_chance)


def _is_protected(key: Path) -> bool:
    """Return whether a key file wants a passphrase; what is wrong with it its reader says."""
    try:
        with key.open("rb") as file:
            header = file.readline(MAX_HEADER_BYTES).removesuffix(b"\n")
        parameters = canonical.decode(header, what=key.name, max_bytes=MAX_HEADER_BYTES)
    except (OSError, PeerError):
        return False
    return isinstance(parameters, dict) and parameters.get("protection") == "argon2id"


def _no_chance(size: int) -> bytes:
    raise InvariantError(f"a review wanted {size} random bytes")
