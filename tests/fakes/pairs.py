"""Two ends of a line with real keys, real cells and real key files, and no ledger.

    ends = make_ends(tmp_path)
    cell = ends["NORTH"].says(1)          # a statement, sealed; kept until it is receipted
    ends["SOUTH"].hears(cell)             # takes it as a station does; answers wait in .answers

An `End` follows the order of a station: open, verify, make durable, answer, destroy.
Statements are `test` items whose serial names them; receipts are `displayed` items.
"""

from __future__ import annotations

import functools
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import PeerError
from hotline.core.protocols.turn_keys import RESEAL, Reseal
from hotline.core.values import Digest, Realm
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError
from hotline.sealing.enrol import Subject
from hotline.sealing.packet import VerifiedPacket
from hotline.station.courier import Courier
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, read_line
from hotline.station.line import Line
from hotline.station.pair import Pair
from tests.fakes.line import catalogue

T0 = 1_795_357_886_000
AT = "2026-11-22T14:31:26.000Z"
PEERS = {"NORTH": "SOUTH", "SOUTH": "NORTH"}


@functools.cache
def _founded(directory: Path) -> Path:
    found_line(
        [Founder(Home(directory / name), name, (Subject("ramos", "A. Ramos"),)) for name in PEERS],
        name="north-south",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=lambda: T0,
        entropy=system_entropy,
    )
    return directory


@dataclass
class End:
    """One station's end: what survives a crash is on its disk, in `wanted` and in `accepted`."""

    name: str
    home: Home
    now_ms: int = T0
    wanted: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)
    answers: deque[bytes] = field(default_factory=deque)
    nacked: int = 0
    refused: int = 0
    line: Line = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start from the disk: what was in memory only is gone."""
        _, _, self.line = read_line(self.home, None, lambda: self.now_ms, system_entropy)
        self.courier = Courier(self.line)
        self.answers.clear()

    @property
    def peer(self) -> str:
        return PEERS[self.name]

    @property
    def pair(self) -> Pair:
        return self.courier.pairs[self.peer]

    @property
    def opening(self) -> set[bytes]:
        return set(self.pair.ours.opening) - {self.line.recovery.key_id}

    @property
    def line_key(self) -> Path:
        return self.home.only_line() / "line.key"

    def seals(self, *items: its.Item) -> bytes:
        return self.courier.seal(self.peer, items)

    def says(self, number: int) -> bytes:
        self.wanted.add(number)
        return self.seals(its.LineTestItem(serial=number, phrase="statement"))

    def asks(self) -> bytes:
        return self.seals(self.pair.ask(self.now_ms))

    def meets(self) -> bytes:
        """Begin as when a link comes up."""
        self.pair.doubt()
        return self.asks()

    def repeats(self) -> None:
        """Seal anew whatever is not receipted; a key that may not carry it stops it for now."""
        for number in sorted(self.wanted):
            self._answer(its.LineTestItem(serial=number, phrase="statement"))

    def hears(self, cell: bytes) -> VerifiedPacket | None:
        try:
            verified = self.courier.open(cell)
        except UnknownKeyError as error:
            self.nacked += 1
            self._answer(its.NackItem(code="unknown-key", detail="gone", kid=error.key_id))
            return None
        except PeerError:
            self.refused += 1
            return None
        self._settle(verified)
        for item in verified.packet.items:
            self._take(item)
        return verified

    def _settle(self, verified: VerifiedPacket) -> None:
        try:
            said = self.pair.settle(verified, self.now_ms)
        except PeerError:
            self.refused += 1
            return
        for item in said:
            self._answer(item)

    def _take(self, item: its.Item) -> None:
        match item:
            case its.LineTestItem():
                self.accepted.add(item.serial)
                digest = Digest(item.serial.to_bytes(32))
                self._answer(its.DisplayedItem(digest=digest, at=AT))
            case its.DisplayedItem():
                self.wanted.discard(int.from_bytes(item.digest))
            case its.NackItem():
                what = RESEAL[self.pair.theirs.missed(item.kid)]
                if what is Reseal.EVERYTHING:
                    self.pair.doubt()
                    self._answer(self.pair.ask(self.now_ms))
                if what is not Reseal.NOTHING:
                    self.repeats()

    def _answer(self, item: its.Item) -> None:
        try:
            self.answers.append(self.seals(item))
        except PeerError:
            return


def make_ends(directory: Path, founded: Path) -> dict[str, End]:
    """Return two ends with homes in `directory`, copied from those in `founded`."""
    _founded(founded)
    for name in PEERS:
        shutil.copytree(founded / name, directory / name)
    return {name: End(name, Home(directory / name)) for name in PEERS}


def exchange(ends: dict[str, End], *cells: tuple[str, bytes], limit: int = 400) -> int:
    """Deliver cells, given with their receivers, and all answers, in order; return how many."""
    queue = deque(cells)
    for count in range(limit):
        for end in ends.values():
            queue += [(end.peer, end.answers.popleft()) for _ in range(len(end.answers))]
        if not queue:
            return count
        receiver, cell = queue.popleft()
        ends[receiver].hears(cell)
    raise AssertionError("the two ends do not come to rest")


def shake(ends: dict[str, End], begins: str = "NORTH") -> None:
    """Let the two ends meet as when a link comes up."""
    ends[PEERS[begins]].pair.doubt()
    exchange(ends, (PEERS[begins], ends[begins].meets()))


def names(cells: Sequence[bytes]) -> set[bytes]:
    """Return the key ids that stand in cells."""
    return {cell[5:21] for cell in cells}
