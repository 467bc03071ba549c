"""Flipping one bit after the other of a ledger file or its log, and asking who notices.

A flip that changes nothing any reader sees needs no alarm. Every other one must
be found: in the file by verifying it alone; in the log, which it shortens,
also by head.db or the peer.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.ledger.tamper.judging import Way, judge, verify
from tests.ledger.tamper.scene import Scene
from tests.ledger.tamper.seen import see

PAGE_BYTES = 4096
FILE_HEADER_BYTES = 100
CELLS_AT, CELL_COUNT_AT = 8, 3
SHARED_MEMORY = Path("/dev/shm")
BATCH = 4_096


@dataclass(frozen=True, slots=True)
class Flip:
    """Bit `bit` of byte `place` of a file."""

    place: int
    bit: int

    def of(self, whole: bytes) -> bytes:
        """Return `whole` with the bit flipped."""
        altered = bytearray(whole)
        altered[self.place] ^= 1 << self.bit
        return bytes(altered)

    def __str__(self) -> str:
        page, offset = divmod(self.place, PAGE_BYTES)
        return f"bit {self.bit} of byte {offset} of page {page + 1} (byte {self.place})"


@dataclass
class Tally:
    """What became of the flips tried so far.

    Attributes:
        seen: How many changed something that a reader sees.
        caught: Of these, how many each way caught first.
        escaped: Those that nobody caught.
    """

    tried: int = 0
    seen: int = 0
    caught: Counter[str] = field(default_factory=Counter)
    escaped: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take over the counts of another tally."""
        self.tried += other.tried
        self.seen += other.seen
        self.caught.update(other.caught)
        self.escaped += other.escaped

    def __str__(self) -> str:
        ways = ", ".join(f"{count} by {way}" for way, count in sorted(self.caught.items()))
        return (
            f"{self.tried} flips, {self.seen} that a reader sees, "
            f"caught {ways or 'none'}, escaped {len(self.escaped)}"
        )


def every_bit(length: int) -> Iterator[Flip]:
    """Yield every bit of `length` bytes once, spread so that any beginning is a fair sample."""
    bits = length * 8
    # Odd and no multiple of 5 or 7, near the golden section: coprime with what files are long.
    stride = next(n for n in range(int(bits * 0.618) | 1, bits * 2, 2) if _coprime(n, bits))
    at = 0
    for _ in range(bits):
        yield Flip(at >> 3, at & 7)
        at = (at + stride) % bits


def _coprime(a: int, b: int) -> bool:
    while b:
        a, b = b, a % b
    return a == 1


def telling_bytes(whole: bytes) -> Iterator[int]:
    """Yield the bytes that say how to read the rest: file header, page headers, cell pointers."""
    yield from range(FILE_HEADER_BYTES)
    for page in range(0, len(whole), PAGE_BYTES):
        start = page + (FILE_HEADER_BYTES if page == 0 else 0)
        cells = int.from_bytes(whole[start + CELL_COUNT_AT : start + CELL_COUNT_AT + 2], "big")
        if whole[start] in (2, 5, 10, 13) and cells < PAGE_BYTES // 4:
            yield from range(start, start + CELLS_AT + 2 * cells)


def sample_of_file(whole: bytes, stride_bits: int) -> list[Flip]:
    """Return one bit of every telling byte, and every `stride_bits`-th bit of the file."""
    telling = [Flip(place, place % 8) for place in telling_bytes(whole)]
    rest = [Flip(at >> 3, at & 7) for at in range(0, len(whole) * 8, stride_bits)]
    return telling + rest


def flip_in_file(scene: Scene, flips: Iterable[Flip]) -> Tally:
    """Flip bits of NORTH's ledger, which has no log; only verifying it alone counts."""
    whole, tally = scene.north.file.read_bytes(), Tally()
    base = see(scene.north.file, alone=True)
    with _fast_directory() as directory:
        file = Path(directory) / "ledger.db"
        for flip in flips:
            tally.tried += 1
            file.write_bytes(flip.of(whole))
            if see(file, alone=True) == base:
                continue
            tally.seen += 1
            if _caught_alone(file, flip, tally):
                tally.caught[Way.AUDIT.value] += 1
    return tally


def _caught_alone(file: Path, flip: Flip, tally: Tally) -> bool:
    try:
        if not verify(file, audit=True).ok:
            return True
        tally.escaped.append(f"{flip}: verifies")
    except Exception as error:
        # No verdict at all, and a traceback for the reviewer: worse than a wrong one.
        tally.escaped.append(f"{flip}: {type(error).__name__}: {error}")
    return False


def flip_in_log(scene: Scene, flips: Iterable[Flip]) -> Tally:
    """Flip bits of the log beside the copy that was taken at work.

    What SQLite makes of file and log decides all that follows, and there are
    few outcomes: one for each transaction at which the log may end.
    """
    file, log = scene.at_work / "ledger.db", scene.at_work / "ledger.db-wal"
    whole, logged, tally = file.read_bytes(), log.read_bytes(), Tally()
    known: dict[bytes, str | None] = {}
    with _fast_directory() as directory:
        base = _fold(Path(directory), whole, logged)
        for flip in flips:
            tally.tried += 1
            found = _fold(Path(directory), whole, flip.of(logged))
            if found == base:
                continue
            tally.seen += 1
            key = hashlib.sha256((Path(directory) / "ledger.db").read_bytes()).digest()
            if key not in known:
                known[key] = _first_to_catch(scene, Path(directory) / "ledger.db")
            way = known[key]
            if way is None:
                tally.escaped.append(f"{flip} of the log")
            else:
                tally.caught[way] += 1
    return tally


def _fold(directory: Path, whole: bytes, logged: bytes) -> object:
    file = directory / "ledger.db"
    file.write_bytes(whole)
    file.with_name("ledger.db-wal").write_bytes(logged)
    file.with_name("ledger.db-shm").unlink(missing_ok=True)
    return see(file)


def _first_to_catch(scene: Scene, folded: Path) -> str | None:
    with _fast_directory() as directory:
        spoilt = scene.copy(Path(directory) / "scene")
        spoilt.take(folded.parent)
        for way in (Way.AUDIT, Way.PEER, Way.OPENING):
            if judge(spoilt, way) is not None:
                return way.value
    return None


def _fast_directory() -> tempfile.TemporaryDirectory[str]:
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="flips-", dir=place)


def sweep(scene: Scene, *, log: bool, end: float, clock: object, workers: int) -> Tally:
    """Flip every bit in parallel, fairly spread, until all are done or `clock()` passes `end`."""
    assert callable(clock)
    length = len((scene.at_work / "ledger.db-wal" if log else scene.north.file).read_bytes())
    work, total = flip_in_log if log else flip_in_file, Tally()
    batches = _in_batches(every_bit(length))
    with ProcessPoolExecutor(workers) as pool:
        running = [pool.submit(work, scene, batch) for batch in islice(batches, workers)]
        while running:
            total.add(running.pop(0).result())
            batch = next(batches, None) if clock() < end else None
            if batch is not None:
                running.append(pool.submit(work, scene, batch))
    return total


def _in_batches(flips: Iterator[Flip]) -> Iterator[list[Flip]]:
    batch: list[Flip] = []
    for flip in flips:
        batch.append(flip)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
