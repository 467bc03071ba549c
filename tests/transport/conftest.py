"""Papers are minted once: three key pairs serve every transport test."""

from __future__ import annotations

import pytest

from tests.transport.rig import Pair, Papers, mint


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Papers, Papers, Papers]:
    folder = tmp_path_factory.mktemp("papers")
    return mint(folder, "NORTH"), mint(folder, "SOUTH"), mint(folder, "STRANGER")


@pytest.fixture
def pair(papers: tuple[Papers, Papers, Papers]) -> Pair:
    return Pair(*papers)
