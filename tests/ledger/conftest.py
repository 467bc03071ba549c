"""Two stations of one exercise line, each with an empty home."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.ledger.rig import Line, Station, work


@pytest.fixture
def north(tmp_path: Path) -> Station:
    return Station("NORTH", tmp_path / "north")


@pytest.fixture
def south(tmp_path: Path) -> Station:
    return Station("SOUTH", tmp_path / "south")


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A line with traffic; tests copy it before they touch it."""
    home = tmp_path_factory.mktemp("line")
    return work(Station("NORTH", home / "north"), Station("SOUTH", home / "south"))


@pytest.fixture
def line(worked: Line, north: Station, south: Station) -> Line:
    """A copy of the worked line that a test may spoil."""
    for kept, copy in ((worked.north, north), (worked.south, south)):
        shutil.copytree(kept.home, copy.home)
    return Line(north, south)
