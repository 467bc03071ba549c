"""Keeps SQLite stores for the conformance suite, in this process or in one that is killed."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hotline.transport.relay.sqlite_store import SqliteStore
from hotline.transport.relay.store import Box
from tests.transport.relay.conformance import SMALL
from tests.transport.relay.rig import open_sqlite
from tests.transport.relay.writer import BOX, body_of

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CUT_AFTER = 40
"""Cells that a writer acknowledges before it is killed, at least."""
DEADLINE_S = 30


def build_shim(folder: Path) -> Path:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc, clang) here: the disk that forgets cannot be built")
    shim = folder / "powercut.so"
    source = HERE / "powercut" / "shim.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", shim, source, "-ldl"], check=True
    )
    return shim


@dataclass
class SqliteKeeper:
    home: Path
    kind: type[SqliteStore] = SqliteStore
    opened: list[SqliteStore] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    @property
    def path(self) -> Path:
        return self.home / "relay.db"

    async def open(self) -> SqliteStore:
        self.opened.append(open_sqlite(self.path, quota=SMALL, kind=self.kind))
        return self.opened[-1]

    async def open_full(self) -> SqliteStore:
        self.opened.append(open_sqlite(self.path, kind=self.kind, floor_part=1.1))
        return self.opened[-1]

    async def close(self) -> None:
        for store in self.opened:
            await store.close()

    async def kill_while_putting(self, way: str) -> tuple[Box, list[bytes]]:
        nth = self.chance.randint(5, 30)
        if way == "power":
            return await asyncio.to_thread(self._cut_power)
        wanted = CUT_AFTER if way == "random" else 10**9
        point = way if way in ("before", "after") else "never"
        return BOX, await asyncio.to_thread(self._run, self.path, point, nth, {}, wanted)

    def _cut_power(self) -> tuple[Box, list[bytes]]:
        written, durable = self.home / "written", self.home / "durable"
        written.mkdir()
        durable.mkdir()
        shim = {
            "LD_PRELOAD": str(build_shim(self.home)),
            "POWERCUT_FROM": str(written),
            "POWERCUT_TO": str(durable),
        }
        acknowledged = self._run(written / "relay.db", "never", 0, shim, CUT_AFTER)
        for file in durable.glob("relay.db*"):
            shutil.copyfile(file, self.home / file.name)
        return BOX, acknowledged

    def _run(
        self, path: Path, point: str, nth: int, more: dict[str, str], wanted: int
    ) -> list[bytes]:
        """Run a writer until it dies, or until it is killed; return what it acknowledged."""
        command = [sys.executable, "-m", "tests.transport.relay.writer"]
        with subprocess.Popen(
            [*command, str(path), self.kind.__name__, point, str(nth)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        ) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(wanted)] if wanted < 10**9 else []
            if wanted < 10**9:
                writer.kill()
            said += writer.stdout.readlines()
            writer.wait(DEADLINE_S)
        whole = [line for line in said if line.endswith(b"\n") and line[:-1].isdigit()]
        return [body_of(int(line)) for line in whole]
