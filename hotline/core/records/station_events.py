"""Events of a station itself: its ledger, its link, its watch, its drills, its evidence."""

from __future__ import annotations

from typing import ClassVar, Literal

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, Reason


class LedgerOpened(Event):
    """Entry 0: whose ledger this is, of which line."""

    kind: ClassVar[int] = 1
    realm: str
    line: HexDigest
    station: str
    generation: int


class RecordAdmitted(Event):
    """A public record (root, certificate, charter) that the line rests on."""

    kind: ClassVar[int] = 2
    record: str


class LinkChanged(Event):
    """A route to the peer came up, went down or is blocked."""

    kind: ClassVar[int] = 22
    peer: str
    route: str
    state: str
    reason: Reason


class PackLoaded(Event):
    """The templates in use, to the byte."""

    kind: ClassVar[int] = 25
    pack: str
    digest: HexDigest


class WatchOpened(Event):
    """An officer unlocked a key and has the watch at a desk."""

    kind: ClassVar[int] = 26
    certificate: HexDigest
    name: str
    role: str


class DeskLocked(Event):
    """The key of the officer at a desk was dropped from memory.

    Attributes:
        why: Nobody pressed a key for `idle_ms`, or the officer asked.
    """

    kind: ClassVar[int] = 90
    certificate: HexDigest
    name: str
    role: str
    why: Literal["IDLE", "ASKED"]
    idle_ms: int


class DeskUnlocked(Event):
    """The officer of a locked desk unlocked the key again.

    Attributes:
        how: By the passphrase; CONFIRMED: the key file, for exercises, has none.
        failed: How often it was tried in vain since it was locked.
    """

    kind: ClassVar[int] = 91
    certificate: HexDigest
    name: str
    role: str
    how: Literal["PASSPHRASE", "CONFIRMED"]
    failed: int


class DrillStarted(Event):
    """A drill began; injects count from here."""

    kind: ClassVar[int] = 27
    scenario: str
    title: str


class InjectPlayed(Event):
    """The drill's script acted; never twice for one trigger."""

    kind: ClassVar[int] = 28
    inject: str
    trigger: str


class DrillEnded(Event):
    """The drill is over on this side."""

    kind: ClassVar[int] = 29
    outcome: str


class CellsRefused(Event):
    """Cells came that do not open, or callers were turned away; one event says how many."""

    kind: ClassVar[int] = 30
    count: int
    reason: Reason


class HeadRefused(Event):
    """The peer showed a head that contradicts one it showed before: kept as evidence."""

    kind: ClassVar[int] = 31
    peer: str
    verdict: str
    note: str
