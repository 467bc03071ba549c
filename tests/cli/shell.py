"""The command line as a shell sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.warm import warm_python

TOP = Path(__file__).resolve().parent.parent.parent


def run(
    *arguments: str | Path, stdin: str = "", cold: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m hotline` without a terminal and wait for it; `cold` imports all anew."""
    return subprocess.run(
        [sys.executable if cold else warm_python(), "-m", "hotline", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=TOP,
        env={**os.environ, **environment},
    )


def one_sentence(stderr: str) -> str:
    """Return the one line of an error, without the program's name and the line's end."""
    assert stderr.count("\n") == 1, stderr
    assert stderr.startswith("hotline: "), stderr
    assert stderr.endswith(".\n"), stderr
    return stderr[len("hotline: ") : -1]
