"""A station's ledger key changes: issued by the root, staged, handed over, adopted.

The new key is in console.key before the ledger speaks of it, and the old one
goes after the ledger does. What a crash leaves is finished at the next opening.
Spec: docs/ledger.md §20.10
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.seams import Entropy
from hotline.core.values import Digest
from hotline.host.keyfile import read_key_file
from hotline.ledger.public import record_digest
from hotline.sealing.certificate import MAX_VALIDITY_MS, Usage
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import (
    CLOCK_MARGIN_MS,
    RootKey,
    Subject,
    issue_certificate,
    rejoin_root,
)
from hotline.sealing.hybrid import HybridSeeds, HybridSigner, draw_hybrid_seeds
from hotline.sealing.joining import join_record
from hotline.sealing.root import parse_root
from hotline.sealing.roster import Roster
from hotline.station.staged_keys import adopt_pair, key_pair, stage_pair, staged_pair

LEDGER, STAGED = "ledger", "ledger-next"


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A new ledger key with its certificate's envelope and id."""

    seeds: HybridSeeds = field(repr=False)
    certificate: bytes
    cert_id: Digest

    @property
    def signer(self) -> Ed25519Signer:
        """The half that signs heads and orders."""
        return Ed25519Signer(self.seeds.ed25519)


def open_root(path: Path, passphrase: str | None, records: Sequence[bytes]) -> RootKey:
    """Unlock a station's root and find its record among the public ones, which verified.

    Raises:
        OperatorError: no such key file, a wrong passphrase, or another line's root.
    """
    seeds = read_key_file(path, passphrase).seeds
    public_key = HybridSigner(key_pair(seeds, "root")).public_key
    for record in records:
        try:
            root = parse_root(record)
        except PeerError:
            # It is a record of another kind.
            continue
        if root.key == public_key:
            # The successor's seeds may be kept elsewhere.
            successor = key_pair(seeds, "next") if "next/ed25519" in seeds else None
            return rejoin_root(root, record, key_pair(seeds, "root"), successor)
    raise OperatorError(f"{path.name} is not the root of this station on this line")


def issue_ledger_key(root: RootKey, roster: Roster, now_ms: int, entropy: Entropy) -> LedgerKey:
    """Draw a new ledger key and have the root certify it."""
    seeds = draw_hybrid_seeds(entropy)
    begins_ms = max(0, now_ms - CLOCK_MARGIN_MS)
    ours = [one for one in roster.certificates.values() if one.station == root.station]
    issued = issue_certificate(
        root,
        HybridSigner(seeds),
        subject=Subject("ledger", f"{root.station} ledger"),
        usage=Usage.LEDGER,
        serial=1 + max(one.serial for one in ours),
        not_before_ms=begins_ms,
        not_after_ms=begins_ms + MAX_VALIDITY_MS,
    )
    return LedgerKey(seeds, issued.certificate, issued.cert_id)


def stage_key(path: Path, key: LedgerKey, passphrase: str | None, entropy: Entropy) -> None:
    """Put a new key beside the old one in console.key, durably; nothing uses it yet.

    Raises:
        StorageError: the disk refused.
    """
    stage_pair(path, LEDGER, key.seeds, passphrase, entropy)


def adopt_key(path: Path, passphrase: str | None, entropy: Entropy) -> None:
    """Put the staged key in the place of the old one, which is overwritten.

    Raises:
        StorageError: the disk refused.
    """
    adopt_pair(path, LEDGER, passphrase, entropy)


def staged_key(seeds: Mapping[str, bytes]) -> bytes | None:
    """Return the Ed25519 public key that is staged in a console's key file, or None."""
    staged = staged_pair(seeds, LEDGER)
    return None if staged is None else Ed25519Signer(staged.ed25519).public_key


def signing_name(seeds: Mapping[str, bytes], known: Sequence[bytes]) -> str:
    """Return under which name console.key holds the key that signs a ledger.

    Args:
        known: Ledger keys of the station that the line knows.
    """
    return STAGED if staged_key(seeds) in known else LEDGER


def staged_before(
    seeds: Mapping[str, bytes], roster: Roster, records: Sequence[str]
) -> LedgerKey | None:
    """Return the staged key if a line knows it already: a hand-over was cut short."""
    public = staged_key(seeds)
    for certificate in roster.certificates.values():
        if public is not None and certificate.key.ed25519 == public:
            for record in (one.encode() for one in records):
                if record_digest(record) == certificate.id:
                    return LedgerKey(key_pair(seeds, STAGED), record, certificate.id)
    return None


def new_records(
    known: Sequence[str], roster: Roster, bound: Sequence[bytes]
) -> tuple[Roster, tuple[str, ...]]:
    """Return roster and records with what a ledger binds of keys beyond `known`.

    Args:
        known: Records of line.json, which `roster` was read from.
        bound: Public records of the ledger, in the order in which they were bound.
    Raises:
        PeerError: one of them does not verify.
    Spec: docs/ledger.md §20.10, docs/protocol.md §4.22
    """
    records = list(known)
    for record in bound:
        if record_digest(record) not in roster.record_digests:
            grown = join_record(roster, record)
            records += [record.decode()] if grown is not roster else []
            roster = grown
    return roster, tuple(records)
