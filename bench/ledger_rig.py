"""Ledgers to measure: the real signer and sealer, made-up events of 300 bytes.

One maker for all ledger benchmarks, so that they speak of the same file.

    python bench/ledger_rig.py DIRECTORY [--entries N]
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hotline.core.records.checkpoint import build_origin
from hotline.core.records.entry import Draft
from hotline.core.seams import LedgerIdentity
from hotline.core.values import ZERO_DIGEST, Digest, Realm, sha256
from hotline.host.entropy import system_entropy
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.sealing.epoch import EpochSealer, epoch_of

ENTRIES = 1_000_000
BATCH = 2_500
"""Entries of one commit and one head while a ledger is made; a million have 400 heads."""
CONTENT_BYTES = 300
START_MS, STEP_MS = 1_793_500_000_000, 2_500
"""First entry in November 2026, one every 2.5 s: a million take a month."""
COMMON_KIND, RARE_KIND = 18, 19
RARE_EVERY = 10_000
SUBJECT_EVERY = 8

LINE = sha256(b"the charter of a line that is only measured")
STATION = "NORTH"
ORIGIN = build_origin(Realm.EXERCISE, LINE, STATION)
SIGNER = Ed25519Signer(sha256(b"a ledger key that signs nothing but benchmarks"))
_EPOCHS = {epoch_of(START_MS): sha256(b"an epoch key of benchmarks")}


def sealer() -> EpochSealer:
    """Return a sealer that opens every ledger made here."""
    return EpochSealer(_EPOCHS, system_entropy)


def create(directory: Path) -> Ledger:
    """Create an empty ledger in `directory`, open for writing."""
    return Ledger.create(
        directory,
        origin=ORIGIN,
        signer=SIGNER,
        sealer=sealer(),
        verifier=verify_ed25519,
        entropy=system_entropy,
    )


def open_ledger(directory: Path) -> Ledger:
    """Open the ledger in `directory` for writing."""
    return Ledger.open(
        directory,
        signer=SIGNER,
        sealer=sealer(),
        verifier=verify_ed25519,
        entropy=system_entropy,
    )


def draft(number: int) -> Draft:
    """Return event `number`: 300 bytes; one in 8 has a subject, one in 10,000 a rare kind."""
    text = hashlib.sha256(number.to_bytes(8, "big")).hexdigest()
    content = (b'{"number":%d,"text":"%s' % (number, text.encode())).ljust(CONTENT_BYTES - 2, b"x")
    return Draft(
        kind=COMMON_KIND if number % RARE_EVERY else RARE_KIND,
        content=content + b'"}',
        recorded_at_ms=START_MS + number * STEP_MS,
        subject=ZERO_DIGEST if number % SUBJECT_EVERY else sha256(content),
    )


def drafts(start: int, stop: int) -> Iterator[Draft]:
    """Yield the events of [start, stop)."""
    return map(draft, range(start, stop))


def make_ledger(directory: Path, entries: int = ENTRIES, batch: int = BATCH) -> Path:
    """Make a closed ledger of `entries` in `directory`; return the ledger file.

    Args:
        batch: Entries of one commit, and so of one head.
    """
    ledger = create(directory)
    try:
        for start in range(0, entries, batch):
            ledger.append(list(drafts(start, min(start + batch, entries))))
    finally:
        ledger.close()
    return directory / "ledger.db"


def identify(records: Sequence[bytes]) -> LedgerIdentity:
    """Name the key of these ledgers; they hold no public records to name it from."""
    if records:
        raise ValueError("a ledger of the benchmarks holds no public records")
    digests: frozenset[Digest] = frozenset()
    return LedgerIdentity(
        realm=Realm.EXERCISE,
        line=LINE,
        name="BENCH",
        members=(STATION, "SOUTH"),
        ledger_keys={STATION: (SIGNER.public_key,), "SOUTH": ()},
        lasting_keys={STATION: (), "SOUTH": ()},
        root_words={STATION: "", "SOUTH": ""},
        record_digests=digests,
    )


def main() -> None:
    """Make one ledger."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    options = parser.parse_args()
    print(make_ledger(options.directory, options.entries))


if __name__ == "__main__":
    main()
