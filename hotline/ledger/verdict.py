"""What an audit of a ledger says, for a reviewer who did not sleep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.values import Digest, Realm

MAX_FAULTS = 50
"""More faults than this are counted, not listed."""


class Damage(StrEnum):
    """What kind of damage a fault is; the same word in `--json` and in sentences.

    Spec: docs/ledger.md §11.5
    """

    ALTERED = "altered"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    REWRITTEN = "rewritten"
    FORKED = "forked"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    OVERSIZED = "oversized"
    RECORDS = "records"
    SCHEMA = "schema"
    DAMAGED_FILE = "damaged-file"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not verify.

    Attributes:
        index: The entry that is bad, or None when it is not an entry.
        what: What is wrong, a clause.
        where: Which thing, as in "entry 17 (kind 4, recorded 2026-11-22T14:31:26.000Z)".
        damage: What kind of damage that is.
    """

    index: int | None
    what: str
    where: str
    damage: Damage = Damage.ALTERED

    def sentence(self) -> str:
        """Return the fault as one sentence without its full stop."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Examined:
    """How many signatures were judged, and how many there are.

    Attributes:
        heads, cosignatures, witnessed: Of this log's heads, of cosignatures on them,
            of the heads of others that this station countersigned.
        lasting: Long-lasting signatures; each one when they were judged, else 0.
    Spec: docs/ledger.md §11.4
    """

    heads: int = 0
    heads_stored: int = 0
    cosignatures: int = 0
    cosignatures_stored: int = 0
    witnessed: int = 0
    witnessed_stored: int = 0
    lasting: int = 0
    lasting_stored: int = 0

    @property
    def passed_over(self) -> int:
        """Heads and cosignatures, long-lasting ones apart, that nobody looked at."""
        stored = self.heads_stored + self.cosignatures_stored + self.witnessed_stored
        return stored - self.heads - self.cosignatures - self.witnessed


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of verifying one ledger.

    Attributes:
        ok: Nothing is wrong.
        entries: Number of entries up to the end or the first bad one.
        root: RFC 6962 root over them.
        origin: As its heads say; empty when no head can be read.
        line: Line id, None when the public records do not verify.
        line_name: The charter's name for the line.
        members: Stations of the line.
        root_words: Fingerprint of each member's root, in words: whoever compares
            them with the cards knows whose ledger this is.
        first_fault: The bad entry with the lowest index, or else the first fault.
        faults: Up to MAX_FAULTS.
        stands: How many entries, from 0, are covered by a head that verifies and
            come before the first bad one.
        notes: What is odd but not wrong, as in a clock that went back.
        cosigned: For each member (key name) the size it countersigned up to.
        outside: The same for each outside witness whose key the station itself named: its
            signatures verify by that key, and nobody here says whose key it is.
        examined: Which signatures were judged.
        since: The trusted head before which nothing was looked at again, or None.
        records: The public records, when they verify.
        exported: It is an export of tiles: the leaves, and the one head over them.
    """

    ok: bool
    entries: int
    root: Digest
    origin: str
    realm: Realm | None
    station: str
    line: Digest | None
    line_name: str
    members: tuple[str, ...]
    root_words: Mapping[str, str]
    first_fault: Fault | None
    faults: tuple[Fault, ...]
    stands: int
    notes: tuple[str, ...]
    cosigned: Mapping[str, int]
    examined: Examined = field(default_factory=Examined)
    since: Checkpoint | None = None
    records: tuple[bytes, ...] = ()
    exported: bool = False
    outside: Mapping[WitnessKey, int] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """Faults and notes while an audit goes on.

    Attributes:
        faults: Of those that are no entry, MAX_FAULTS at most are kept.
    """

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def blame(
        self, what: str, where: str, index: int | None = None, damage: Damage = Damage.ALTERED
    ) -> None:
        """Add a fault."""
        self.add(Fault(index, what, where, damage))

    def add(self, fault: Fault) -> None:
        """Add a fault that is not there yet; once there are enough of them, only bad entries."""
        if fault in self.faults:
            return
        if fault.index is not None or len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def bad_entry(self) -> bool:
        """Whether an entry is bad, so that what comes after it is not known."""
        return any(fault.index is not None for fault in self.faults)

    def first(self) -> Fault | None:
        """Return the bad entry with the lowest index, or else the first fault."""
        entries = [fault for fault in self.faults if fault.index is not None]
        if entries:
            return min(entries, key=lambda fault: fault.index or 0)
        return self.faults[0] if self.faults else None
