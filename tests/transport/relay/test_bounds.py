"""The parts that decide cheaply: allowances, failures, tokens, room, a clock that jumps.

Spec: docs/transport.md §9.5, §9.7
"""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.transport import allowance
from hotline.transport.allowance import Bucket, Failures
from hotline.transport.relay import room
from hotline.transport.relay.admission import Admission
from hotline.transport.relay.frames import NO_TOKEN
from hotline.transport.relay.room import Room
from hotline.transport.relay.steady import HOLD_S, SteadyClock

TOKEN = bytes(range(32))


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_bucket_lets_a_burst_pass_and_then_slows_down_to_its_rate() -> None:
    time = Time()
    bucket = Bucket(50, 200, time)
    assert [bucket.wait_s() for _ in range(200)] == [0.0] * 200
    assert bucket.wait_s() == pytest.approx(1 / 50)
    assert bucket.wait_s() == pytest.approx(2 / 50)
    time.now_s += 100
    assert bucket.wait_s() == 0.0


def test_failures_of_an_address_count_for_a_minute() -> None:
    time = Time()
    failures = Failures(3, time)
    for _ in range(3):
        assert not failures.is_over("192.0.2.1")
        failures.add("192.0.2.1")
    assert failures.is_over("192.0.2.1")
    assert not failures.is_over("192.0.2.2")
    time.now_s += allowance.FAILURES_KEPT_S
    assert not failures.is_over("192.0.2.1")


def test_failures_of_many_addresses_take_bounded_memory() -> None:
    failures = Failures(1, Time())
    for number in range(allowance.MAX_ADDRESSES + 10):
        failures.add(str(number))
    assert len(failures._seen) == allowance.MAX_ADDRESSES
    assert not failures.is_over("0")
    assert failures.is_over(str(allowance.MAX_ADDRESSES))


def admission_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_admission_knows_the_tokens_of_its_file_and_those_added_later(tmp_path: Path) -> None:
    file = admission_file(tmp_path / "a", f"# for NORTH\n\n{TOKEN.hex()} # handed out\n")
    admission = Admission(file)
    assert admission.size == 1
    assert admission.admits(TOKEN)
    assert not admission.admits(bytes(31) + b"x")
    file.write_text(f"{TOKEN.hex()}\n{(TOKEN[::-1]).hex()}\n")
    assert admission.admits(TOKEN[::-1])
    file.write_text("broken by an editor")
    assert admission.admits(TOKEN)


def test_admission_never_admits_the_token_of_zeros(tmp_path: Path) -> None:
    file = admission_file(tmp_path / "a", NO_TOKEN.hex() + "\n")
    assert not Admission(file).admits(NO_TOKEN)


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("short\n", 0o600, "line 1 of the admission file is no token"),
        (TOKEN.hex() + "\n" + TOKEN.hex().upper() + "\n", 0o600, "line 2"),
        (TOKEN.hex(), 0o640, "others may read"),
    ],
)
def test_admission_file_that_is_wrong_is_refused(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(OperatorError, match=words) as caught:
        Admission(admission_file(tmp_path / "a", text, mode))
    assert "short" not in caught.value.sentence()


def test_admission_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        Admission(tmp_path / "missing")


Usage = namedtuple("Usage", "total used free")


def test_room_below_the_floor_is_full_unless_the_file_has_free_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 200
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(1_000, 0, free))
    here = Room(tmp_path / "relay.db", floor_part=0.1)
    assert not here.is_full(0)
    free = 90
    assert here.is_full(0)
    assert not here.is_full(20)
    free = 40
    assert here.is_full(1_000_000)


def test_ballast_is_laid_with_real_blocks_and_given_back_once(tmp_path: Path) -> None:
    here = Room(tmp_path / "relay.db", floor_part=0.0, ballast_bytes=1 << 20)
    assert not here.drop_ballast()
    here.lay_ballast()
    laid = tmp_path / "relay.db.ballast"
    assert laid.stat().st_blocks * 512 >= 1 << 20
    assert laid.stat().st_mode & 0o077 == 0
    assert here.drop_ballast()
    assert not laid.exists()
    assert not here.drop_ballast()


def test_ballast_is_not_laid_where_there_is_no_room_for_it(tmp_path: Path) -> None:
    Room(tmp_path / "relay.db", floor_part=1.0).lay_ballast()
    assert list(tmp_path.iterdir()) == []


def test_steady_clock_follows_drift_and_reports_a_jump_once() -> None:
    time, wall_ms, jumps = Time(), [5_000_000], list[int]()
    clock = SteadyClock(lambda: wall_ms[0], time, jumps.append)
    time.now_s, wall_ms[0] = time.now_s + 10, wall_ms[0] + 10_400
    assert clock() == 5_010_400
    wall_ms[0] += 86_400_000
    assert clock() == 5_010_400
    time.now_s += 60
    assert clock() == 5_070_400
    assert jumps == [86_400_000]


@pytest.mark.parametrize("jump_ms", [86_400_000, -86_400_000])
def test_steady_clock_believes_a_jump_that_stays_for_an_hour(jump_ms: int) -> None:
    time, wall_ms = Time(), [5_000_000]
    clock = SteadyClock(lambda: wall_ms[0], time, lambda _: None)
    wall_ms[0] += jump_ms
    assert clock() == 5_000_000
    time.now_s += HOLD_S
    wall_ms[0] += int(HOLD_S * 1_000)
    assert clock() == wall_ms[0]


def test_steady_clock_that_was_put_right_goes_on() -> None:
    time, wall_ms, jumps = Time(), [5_000_000], list[int]()
    clock = SteadyClock(lambda: wall_ms[0], time, jumps.append)
    wall_ms[0] += 60_000
    clock()
    wall_ms[0] -= 60_000
    assert clock() == 5_000_000
    wall_ms[0] += 60_000
    clock()
    assert jumps == [60_000, 60_000]
