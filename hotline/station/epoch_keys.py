"""Destroying content keys, and finishing a destruction that a crash cut short.

Spec: docs/ledger.md §20.5
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from hotline.core.errors import HotlineError, IntegrityError, PeerError
from hotline.core.records.events import EpochKeyDestroyed
from hotline.core.seams import Entropy
from hotline.core.values import Digest
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger.public import erased_epochs, record_digest
from hotline.ledger.reader import LedgerReader
from hotline.sealing.authorisation import Act, verify_authorisation
from hotline.sealing.roster import Roster
from hotline.station.line import Line
from hotline.station.months import erased_name, seed_name


def destroy_keys(
    path: Path, erased: Mapping[int, Digest], passphrase: str | None, entropy: Entropy
) -> None:
    """Write the content key file anew without some epochs, and overwrite the old one.

    Args:
        erased: Digest of the authorisation for each epoch.
    Raises:
        OperatorError: the file does not open.
        StorageError: the disk refused.
    Spec: docs/ledger.md §20.5
    """
    held = read_key_file(path, passphrase)
    gone = {seed_name(epoch) for epoch in erased}
    seeds = {name: seed for name, seed in held.seeds.items() if name not in gone}
    seeds |= {erased_name(epoch): bytes(digest) for epoch, digest in erased.items()}
    left = KeyFile(held.station, held.realm, seeds)
    write_key_file(path, left, passphrase, entropy=entropy, replace=True, wipe=True)


def unfinished(
    ledger: LedgerReader, roster: Roster, station: str, held: Iterable[int]
) -> dict[int, Digest]:
    """Return the epochs that are recorded as erased and whose keys are among `held`.

    Args:
        station: Whose keys are held: its officers alone may have them destroyed.
    Returns:
        The digest of the authorisation for each.
    Raises:
        IntegrityError: an authorisation in the ledger does not verify, or is another station's.
    Spec: docs/ledger.md §20.5
    """
    records = ledger.public_records()
    if not erased_epochs(records) & set(held):
        return {}
    found: dict[int, Digest] = {}
    for record in records:
        for epoch in erased_epochs([record]) & set(held):
            digest = record_digest(record)
            if _authorised(roster, record) != station:
                raise IntegrityError("an erasure in the ledger is of another station")
            if ledger.find(digest, EpochKeyDestroyed.kind) is None:
                raise IntegrityError("an erasure in the ledger is bound by no entry of its kind")
            found[epoch] = digest
    return found


def _authorised(roster: Roster, record: bytes) -> str:
    """Return the station whose officers authorised an erasure."""
    try:
        return verify_authorisation(roster, record, act=Act.ERASE).authorisation.station
    except PeerError as error:
        raise IntegrityError(f"an erasure in the ledger is not authorised: {error}") from error


def finish_erasures(
    path: Path,
    ledger: LedgerReader,
    past: Iterable[LedgerReader],
    line: Line,
    held: Collection[int],
    passphrase: str | None,
) -> bool:
    """Destroy the keys of epochs that are recorded as erased; return whether any was here.

    A generation that was left behind right after it recorded an erasure counts, too:
    its word is good where it verifies, and what does not verify there destroys nothing.

    Args:
        path: The content key file.
        ledger: The ledger at work.
        past: The generations before it.
        held: Epochs whose keys are in the file.
    Raises:
        IntegrityError: an authorisation in the ledger does not verify.
        StorageError: the disk refused.
    Spec: docs/ledger.md §20.5
    """
    left: dict[int, Digest] = {}
    for earlier in past:
        with contextlib.suppress(HotlineError):
            left |= unfinished(earlier, line.roster, line.station, held)
    left |= unfinished(ledger, line.roster, line.station, held)
    if left:
        destroy_keys(path, left, passphrase, line.entropy)
    return bool(left)
