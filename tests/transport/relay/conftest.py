"""One certificate serves every relay of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transport.relay.nats_servers import NatsServer, find_server
from tests.transport.relay.rig import Rig
from tests.transport.rig import Papers, mint


@pytest.fixture(scope="session")
def relay_papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("relay-papers"), "RELAY")


@pytest.fixture
def rig(tmp_path: Path, relay_papers: Papers) -> Rig:
    return Rig(tmp_path, relay_papers)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Papers, Papers, Papers]:
    folder = tmp_path_factory.mktemp("papers")
    return mint(folder, "NORTH"), mint(folder, "SOUTH"), mint(folder, "STRANGER")


@pytest.fixture(scope="session")
def binary() -> str:
    path = find_server()
    if not path:
        pytest.skip("no nats-server from 2.10.27 on is here, and apt cannot download one")
    return path


@pytest.fixture(scope="module")
def server(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(binary, tmp_path_factory.mktemp("nats")).start()
    yield server.wait()
    server.kill()
