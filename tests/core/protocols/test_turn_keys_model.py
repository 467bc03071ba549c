"""docs/models/turn_keys.pml, checked by spin: the rule holds, and without it statements are lost.

Spec: docs/protocol.md §7.25
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[3] / "docs" / "models" / "turn_keys.pml"
TIMEOUT_S = 60
MAX_DEPTH = 200_000
PERFECT_WIRE = ("-DLOSSES=0", "-DDOUBLES=0")

pytestmark = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None,
    reason="spin and gcc are not installed here: the model is not checked",
)


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def errors(directory: Path, *definitions: str, model: Path = MODEL) -> int:
    """Return how many runs of a model, with these definitions, break its claim: 0 or 1."""
    run(directory, "spin", *definitions, "-a", str(model))
    run(directory, "gcc", "-O0", "-w", "-o", "pan", "pan.c")
    said = run(directory, "./pan", "-a", "-f", f"-m{MAX_DEPTH}")
    assert "max search depth too small" not in said
    assert "assertion violated" not in said
    (line,) = [line for line in said.splitlines() if "errors:" in line]
    return int(line.rpartition(":")[2])


def test_every_statement_is_opened_on_a_wire_that_loses_doubles_and_reorders(
    tmp_path: Path,
) -> None:
    assert errors(tmp_path) == 0


@pytest.mark.parametrize("rule", ["-DNO_RESEAL", "-DNO_NACK"])
@pytest.mark.parametrize("wire", [(), PERFECT_WIRE])
def test_without_a_part_of_the_rule_a_statement_is_lost(
    tmp_path: Path, rule: str, wire: tuple[str, ...]
) -> None:
    assert errors(tmp_path, rule, *wire) == 1
