"""Two ends and an adversary who owns the wire, the clocks and the power switch.

The adversary drops, duplicates, reorders, replays, reflects and flips cells, forges them
under the keys that it has, from another line and under another certificate, stops
stations before and after they write, turns their clocks, has keys rotated and a console
revoked, and puts an end back from an old copy of its disk. What the statements
themselves are worth is judged in tests/core/exchange/test_group_machine.py and
tests/station/test_signed_group.py. Spec: docs/protocol.md §7.21 to §7.26
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hotline.core.errors import PeerError
from hotline.sealing.cell import UnknownKeyError
from hotline.sealing.line_secret import DAY_MS
from hotline.sealing.roster import Roster
from tests.fakes.pairs import (
    FORGED,
    FORGERIES,
    PEERS,
    T0,
    End,
    exchange,
    make_ends,
    replace_console,
)

pytestmark = pytest.mark.timeout(400)
MAX_AHEAD_MS = 80 * DAY_MS
"""Console certificates last longer than that."""
MAX_ROUNDS = 8
MEMORY = Path("/dev/shm")
"""A disk that is fast, where there is one."""

NAMES = st.sampled_from(sorted(PEERS))
CRASHES = st.sampled_from(["", "", "", "before", "kept", "settled"])
PLACES = st.integers(0, 1 << 16)
JUMPS_MS = st.sampled_from(
    [1, 1_000, 61_000, 601_000, 901_000, DAY_MS, 4 * DAY_MS, 30 * DAY_MS, -2_000, -DAY_MS]
)


class TwoEnds(RuleBasedStateMachine):
    """What each end sends lies on the wire until the adversary does something with it."""

    founded: Path

    def __init__(self) -> None:
        super().__init__()
        self._kept = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._directory = Path(self._kept.name)
        self.ends: dict[str, End] = {}

    @initialize()
    def begin(self) -> None:
        self.ends = make_ends(self._directory, self.founded)
        self.wire: dict[str, list[bytes]] = {name: [] for name in PEERS}
        self.recorded: dict[str, list[bytes]] = {name: [] for name in PEERS}
        self.number = 0
        self.open_before = {name: end.opening for name, end in self.ends.items()}
        self.gone: dict[str, set[bytes]] = {name: set() for name in PEERS}
        self.known = dict.fromkeys(PEERS, 0)
        self.copy: dict[str, Path] = {}
        self.floors = dict.fromkeys(PEERS, 0)
        self.taken: dict[str, set[bytes]] = {name: set() for name in PEERS}
        self.stale: set[bytes] = set()

    def teardown(self) -> None:
        try:
            if self.ends:
                self.heal()
        finally:
            self._kept.cleanup()

    # --- what stations do ------------------------------------------------------------------

    def _leaves(self, end: End, *cells: bytes) -> None:
        out = [*cells, *end.answers]
        end.answers.clear()
        self.wire[end.peer] += out
        self.recorded[end.peer] += out

    @rule(name=NAMES)
    def says(self, name: str) -> None:
        self.number += 1
        end = self.ends[name]
        end.wanted.add(self.number)
        end.repeats()
        self._leaves(end)

    @rule(name=NAMES)
    def asks(self, name: str) -> None:
        end = self.ends[name]
        self._leaves(end, end.asks())

    @rule(name=NAMES)
    def meets(self, name: str) -> None:
        end = self.ends[name]
        self._leaves(end, end.meets())

    # --- what the adversary does --------------------------------------------------------------

    @rule(name=NAMES, place=PLACES, keep=st.booleans(), crash=CRASHES)
    def delivers(self, name: str, place: int, keep: bool, crash: str) -> None:
        """Deliver any cell on the wire; one that is kept comes a second time."""
        wire = self.wire[name]
        if wire:
            cell = wire[place % len(wire)] if keep else wire.pop(place % len(wire))
            self._hears(name, cell, crash)

    @rule(name=NAMES)
    def delivers_in_order(self, name: str) -> None:
        while self.wire[name]:
            self._hears(name, self.wire[name].pop(0))

    def _hears(self, name: str, cell: bytes, crash: str = "") -> None:
        end = self.ends[name]
        if end.hears(cell, crash) is not None:
            assert cell not in self.stale
            assert cell not in self.taken[name]
            self.taken[name] = set() if crash else {*self.taken[name], cell}
        self._leaves(end)

    @rule(name=NAMES, place=PLACES)
    def drops(self, name: str, place: int) -> None:
        if self.wire[name]:
            self.wire[name].pop(place % len(self.wire[name]))

    @rule(name=NAMES, place=PLACES, reflected=st.booleans())
    def replays(self, name: str, place: int, reflected: bool) -> None:
        cells = self.recorded[PEERS[name] if reflected else name]
        if cells:
            self._hears(name, cells[place % len(cells)])

    @rule(name=NAMES, place=PLACES, at=PLACES, bit=st.integers(0, 7))
    def flips(self, name: str, place: int, at: int, bit: int) -> None:
        cells = self.recorded[name]
        if cells:
            cell = bytearray(cells[place % len(cells)])
            cell[at % len(cell)] ^= 1 << bit
            self._refuses(name, bytes(cell))

    @rule(name=NAMES, how=st.sampled_from(FORGERIES))
    def forges(self, name: str, how: str) -> None:
        """Have `name` hear a cell of its peer's that is good but for one thing."""
        self._refuses(name, self.ends[PEERS[name]].forges(how))

    def _refuses(self, name: str, cell: bytes) -> None:
        assert self.ends[name].hears(cell) is None
        self._leaves(self.ends[name])

    @rule(name=NAMES)
    def crashes(self, name: str) -> None:
        self.ends[name].start()
        self.taken[name].clear()

    @rule(name=NAMES)
    def rotates(self, name: str) -> None:
        self.ends[name].pair.ours.want_turn()

    @rule(name=NAMES)
    def revokes(self, name: str) -> None:
        """The root revokes the console key of `name`: what that sealed is worth nothing now."""
        replace_console(self.ends, name)
        self.stale.update(self.recorded[PEERS[name]])

    @rule(name=NAMES)
    def copies(self, name: str) -> None:
        target = self._directory / f"copy of {name}"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.ends[name].home.only_line(), target)
        self.copy[name] = target

    @rule(name=NAMES)
    def restores(self, name: str) -> None:
        """Put an end's keys back as they were; what it had destroyed since is there again."""
        if name in self.copy:
            shutil.copytree(self.copy[name], self.ends[name].home.only_line(), dirs_exist_ok=True)
            self.ends[name].start()
            self.taken[name].clear()
            self.gone[name].clear()
            self.known[name] = self.floors[name] = 0

    @rule(name=NAMES, jump_ms=JUMPS_MS)
    def turns_the_clock(self, name: str, jump_ms: int) -> None:
        end = self.ends[name]
        end.now_ms = min(max(T0, end.now_ms + jump_ms), T0 + MAX_AHEAD_MS)
        end.pair.keep(end.now_ms)

    # --- what holds at any time -----------------------------------------------------------------

    @invariant()
    def destroyed_keys_stay_destroyed(self) -> None:
        for name, end in self.ends.items():
            self.gone[name] |= self.open_before[name] - end.opening
            assert not self.gone[name] & end.opening
            self.open_before[name] = end.opening
            for cell in self.recorded[name]:
                if cell[5:21] in self.gone[name]:
                    with pytest.raises(UnknownKeyError):
                        end.courier.open(cell)
                    break

    @invariant()
    def known_prekeys_never_get_older(self) -> None:
        for name, end in self.ends.items():
            known = end.pair.theirs.prekey.aseq
            assert known >= self.known[name]
            self.known[name] = known

    @invariant()
    def days_of_the_line_secret_never_fall(self) -> None:
        for name, end in self.ends.items():
            assert end.pair.secret.floor_day >= self.floors[name]
            self.floors[name] = end.pair.secret.floor_day

    @invariant()
    def nothing_forged_is_taken_and_what_is_receipted_is_there(self) -> None:
        for end in self.ends.values():
            assert FORGED not in end.accepted
        if self.ends:
            wanted = self.ends["NORTH"].wanted | self.ends["SOUTH"].wanted
            accepted = self.ends["NORTH"].accepted | self.ends["SOUTH"].accepted
            assert set(range(1, self.number + 1)) <= wanted | accepted

    @invariant()
    def at_most_two_turn_keys_are_alive(self) -> None:
        for end in self.ends.values():
            assert len(end.opening) <= 2 + len(end.pair.ours.prekeys)

    def heal(self) -> None:
        """The wire is whole again: whatever was said arrives, whatever happened before."""
        for _ in range(MAX_ROUNDS):
            for name in PEERS:
                self.wire[name].clear()
            for end in self.ends.values():
                end.answers.clear()
                if not end.pair.ready:
                    end.pair.doubt()
                exchange(self.ends, (end.peer, end.asks()))
            for end in self.ends.values():
                end.repeats()
            exchange(self.ends)
            if not any(end.wanted for end in self.ends.values()):
                break
        assert not any(end.wanted for end in self.ends.values())
        taken = self.ends["NORTH"].accepted | self.ends["SOUTH"].accepted
        assert taken == set(range(1, self.number + 1))


@functools.cache
def read_once(records: tuple[bytes, ...]) -> Roster:
    return _READ(records)


_READ = Roster.read


@pytest.fixture(autouse=True)
def quick_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify the records of the line, which no run changes on the disk, only once."""
    monkeypatch.setattr(Roster, "read", lambda records: read_once(tuple(records)))


def play(founded: Path, examples: int, steps: int, *, derandomize: bool = True) -> None:
    TwoEnds.founded = founded
    run_state_machine_as_test(
        TwoEnds,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize(("examples", "steps"), [(580, 15), (20, 50)])
def test_nothing_is_lost_and_no_destroyed_key_opens(
    tmp_path_factory: pytest.TempPathFactory, examples: int, steps: int
) -> None:
    play(tmp_path_factory.getbasetemp() / "founded for the machine", examples, steps)


@pytest.mark.soak
def test_nothing_is_lost_for_long(tmp_path: Path) -> None:
    """Go on with other runs for SOAK_SECONDS."""
    ends_s, played = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120")), 0
    while time.monotonic() < ends_s:
        play(tmp_path / "founded", 50, 40, derandomize=False)
        played += 50
    print(f"two ends: {played} runs of 40 steps")  # noqa: T201  the figures
    assert played


def test_without_sealing_anew_a_restart_loses_a_statement(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The rule is needed: the cell that was sealed first never opens again."""
    ends = make_ends(tmp_path, tmp_path_factory.getbasetemp() / "founded for the machine")
    north, south = ends["NORTH"], ends["SOUTH"]
    exchange(ends, ("SOUTH", north.meets()))
    cell = north.says(1)
    south.start()
    for _ in range(3):
        with pytest.raises(PeerError):
            south.courier.open(cell)
    north.repeats()
    exchange(ends)
    assert south.accepted == {1}
