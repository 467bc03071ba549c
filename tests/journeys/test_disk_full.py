"""A disk that is full: said in one sentence, nothing unrecorded, taken up again."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

from tests.fakes.drill import assert_whole, outcome_of
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
