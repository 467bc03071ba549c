"""A disk that is full: said in one sentence, nothing unrecorded, taken up again."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.drill import assert_whole, outcome_of
from tests.fakes.stormy import found
from tests.fakes.warm import warm_python

FULL_AT_BYTES = 160_000
"""No file may grow beyond this: a ledger of the drill reaches it in the middle."""


def _drill_on_a_small_disk(home: Path) -> subprocess.CompletedProcess[str]:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_AT_BYTES, FULL_AT_BYTES))

    return subprocess.run(
        [warm_python(), "-m", "hotline", "drill", "--auto", "--home", str(home)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        preexec_fn=small,
    )


def test_full_disk_ends_the_drill_with_its_sentence_and_it_goes_on_afterwards(
    tmp_path: Path,
) -> None:
    home = tmp_path / "homes"
    done = _drill_on_a_small_disk(home)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.startswith("hotline: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert_whole(outcome_of(home))


def test_founding_cut_short_is_made_anew(tmp_path: Path) -> None:
    home = tmp_path / "homes"
    (home / "NORTH" / "keys").mkdir(parents=True)
    (home / "NORTH" / "keys" / "root.key").write_text("half a key")
    (home / "founding").touch()
    assert_whole(outcome_of(home))
    assert not (home / "founding").exists()


ROOT = Path(__file__).parents[2]
IN_A_MOUNT = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def mount_and(folder: Path, then: str) -> list[str]:
    return [*IN_A_MOUNT, f"mount -t tmpfs -o size=8m tmpfs '{folder}' && {then}"]


@pytest.mark.timeout(400)
def test_station_whose_disk_fills_up_says_so_sends_nothing_unrecorded_and_goes_on(
    tmp_path: Path,
) -> None:
    small = tmp_path / "line" / "NORTH"
    small.mkdir(parents=True)
    if (
        shutil.which("unshare") is None
        or subprocess.run(mount_and(small, "true"), capture_output=True).returncode
    ):
        pytest.skip("this system lets no test mount a small disk of its own")
    founded = found(tmp_path / "founded")
    command = f"'{sys.executable}' -m tests.fakes.full_home '{founded}' '{small.parent}'"
    ended = subprocess.run(
        mount_and(small, command),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = ended.stdout.splitlines()
    for stopped in (said.pop(0), said.pop(2)):
        assert stopped.startswith("stopped with: writing ")
        assert "failed: the disk is full; free space" in stopped
    assert said == [
        "nothing unrecorded left the station",
        "goes on, and has everything once",
        "nothing unrecorded was receipted",
        "goes on, and has everything once",
    ]
