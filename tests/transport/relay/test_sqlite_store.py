"""The SQLite store holds to the suite, and the suite finds stores that do not.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, StorageError
from hotline.transport.relay.sqlite_store import SqliteStore
from tests.transport.relay import mutants
from tests.transport.relay.conformance import CHECKS, bodies
from tests.transport.relay.rig import open_sqlite
from tests.transport.relay.sqlite_keeper import SqliteKeeper


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[SqliteKeeper]:
    kept = SqliteKeeper(tmp_path)
    yield kept
    await kept.close()


@pytest.mark.parametrize("check", CHECKS)
async def test_sqlite_store(keeper: SqliteKeeper, check: str) -> None:
    await CHECKS[check](keeper)


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (mutants.AckBeforeCommit, "kill_before_a_commit_loses_nothing"),
        (mutants.Unsynced, "power_cut_loses_nothing"),
        (mutants.Forgetful, "duplicate_is_kept_once"),
        (mutants.NoTombstones, "consumed_cell_does_not_come_back"),
        (mutants.Evicting, "full_box_refuses_the_new_and_keeps_the_old"),
    ],
)
async def test_mutant_fails_the_suite(
    keeper: SqliteKeeper, mutant: type[SqliteStore], check: str
) -> None:
    keeper.kind = mutant
    with pytest.raises(AssertionError):
        await CHECKS[check](keeper)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_store_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    deadline = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120"))
    ways, kills, kept = ("random", "before", "after", "power"), 0, 0
    while time.monotonic() < deadline:
        keeper = SqliteKeeper(tmp_path / str(kills), chance=random.Random(kills))
        (tmp_path / str(kills)).mkdir()
        box, durable = await keeper.kill_while_putting(ways[kills % len(ways)])
        found = await bodies(await keeper.open(), box)
        assert set(durable) <= set(found)
        assert len(found) == len(set(found))
        await keeper.close()
        shutil.rmtree(tmp_path / str(kills))
        kills, kept = kills + 1, kept + len(durable)
    sys.stdout.write(f"a relay's store: {kills} kills, {kept} acknowledged, 0 lost, 0 twice\n")


async def test_store_that_another_relay_has_open_is_refused(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "relay.db")
    with pytest.raises(OperatorError, match="another relay"):
        open_sqlite(tmp_path / "relay.db")
    await store.close()
    await open_sqlite(tmp_path / "relay.db").close()


async def test_file_that_is_no_relays_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"this is not a database, however long it may be" * 50)
    with pytest.raises(StorageError):
        open_sqlite(tmp_path / "relay.db")


async def test_store_in_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError):
        open_sqlite(tmp_path / "missing" / "relay.db")


def modes_of(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o077 for path in directory.iterdir()}


async def test_files_of_the_store_are_its_owners_alone(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "relay.db")
    modes = modes_of(tmp_path)
    await store.close()
    assert len(modes) >= 4
    assert set(modes.values()) == {0}
