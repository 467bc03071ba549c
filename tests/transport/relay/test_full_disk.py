"""ENOSPC under a relay, for real, in a small mount of the test's own: docs/transport.md §9.5."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IN_A_MOUNT = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def mount_and(folder: Path, then: str) -> list[str]:
    return [*IN_A_MOUNT, f"mount -t tmpfs -o size=40m tmpfs '{folder}' && {then}"]


def test_disk_that_fills_up_loses_nothing_and_frees_itself(tmp_path: Path) -> None:
    if (
        shutil.which("unshare") is None
        or subprocess.run(mount_and(tmp_path, "true"), capture_output=True).returncode
    ):
        pytest.skip("this system lets no test mount a small disk of its own")
    command = f"'{sys.executable}' -m tests.transport.relay.full_disk '{tmp_path}'"
    ended = subprocess.run(
        mount_and(tmp_path, command),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = ended.stdout.splitlines()
    assert int(said[0].removeprefix("full after ")) > 100
    assert said[1:] == [
        "not a byte is left",
        "everything acknowledged is there",
        "consumed with the ballast",
        "takes cells again",
    ]
