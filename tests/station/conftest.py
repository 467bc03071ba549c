from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.rig import Worked, work


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """A worked line that no test changes."""
    return work(tmp_path_factory.mktemp("worked"))


@pytest.fixture
def worked(kept: Worked, tmp_path: Path) -> Worked:
    """A worked line of the test's own."""
    return kept.copy(tmp_path / "worked")
