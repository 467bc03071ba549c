"""What docs/operations.md tells an operator to type is what this program takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hotline.cli.main import app

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
UNIT = re.compile(r"`/etc/systemd/system/hotline-relay\.service`.*?\n\n((?:    .*\n|\n)+)")


def relay_options() -> set[str]:
    group = typer.main.get_command(app)
    relay = group.commands["relay"]  # type: ignore[attr-defined]
    return {option for one in relay.params for option in one.opts}


def test_options_of_a_relay_in_the_guide_exist() -> None:
    text = GUIDE.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [row for row in text.splitlines() if "hotline relay --" in row]
    assert len(commands) >= 3
    named = {word for row in commands for word in re.findall(r"(?<=\s)--[a-z-]+", row)}
    assert named
    assert named <= relay_options()


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service of the guide, with this interpreter as its program."""
    found = UNIT.search(GUIDE.read_text(encoding="utf-8"))
    assert found, "the guide holds no unit"
    rows = "".join(row[4:] or "\n" for row in found[1].splitlines(keepends=True))
    assert "/usr/bin/hotline relay" in rows
    file = tmp_path / "hotline-relay.service"
    file.write_text(rows.replace("/usr/bin/hotline relay", f"{sys.executable} relay"))
    return file


def test_service_of_the_guide_is_one_that_systemd_takes(unit: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here, which alone can judge a unit")
    judged = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    complaints = [row for row in judged.stderr.splitlines() if unit.name in row]
    assert not complaints
    broken = unit.read_text().replace("RestartSec=2", "RestartSec=soon")
    unit.write_text(broken)
    again = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert unit.name in again.stderr, "systemd-analyze finds nothing wrong in anything"
