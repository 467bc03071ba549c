"""What an audit of a ledger says, for a reviewer who did not sleep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core.values import Digest, Realm

MAX_FAULTS = 50
"""More faults than this are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not verify.

    Attributes:
        index: The entry that is bad, or None when it is not an entry.
        what: What is wrong, a clause.
        where: Which thing, as in "entry 17 (kind 4, recorded 2026-11-22T14:31:26.000Z)".
    """

    index: int | None
    what: str
    where: str

    def sentence(self) -> str:
        """Return the fault as one sentence without its full stop."""
        return f"{self.where}: {self.what}"


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
        cosigned: For each witness (key name) the size it countersigned up to.
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


@dataclass(slots=True)
class Findings:
    """Faults and notes while an audit goes on."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def blame(self, what: str, where: str, index: int | None = None) -> None:
        """Add a fault."""
        self.faults.append(Fault(index, what, where))

    def first(self) -> Fault | None:
        """Return the bad entry with the lowest index, or else the first fault."""
        entries = [fault for fault in self.faults if fault.index is not None]
        if entries:
            return min(entries, key=lambda fault: fault.index or 0)
        return self.faults[0] if self.faults else None
