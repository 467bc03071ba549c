"""Files that travel beside statements, over real sockets between real stations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hotline.host.entropy import system_entropy
from hotline.station.home import Home
from tests.fakes.line import FakeLine, Place, wait_for

PATIENT_S = 30.0


def a_file(directory: Path, name: str = "chart.png", size: int = 100_000) -> Path:
    path = directory / name
    path.write_bytes(system_entropy(size))
    return path


async def send_with(place: Place, *files: Path, **more: Any) -> str:
    """Send a statement with files; return its digest."""
    view = place.draft("conv/free-text", {}, text="see the chart", **more)
    for file in files:
        view = await place.desk.attach(view.draft, str(file))
    assert view.ready, view.faults
    return await place.desk.send(view.draft, view.code)


def held(place: Place, digest: str, at: int = 0) -> bool:
    found = place.situation.attachments.get((digest, at))
    return found is not None and found.state == "HELD"


async def test_file_arrives_whole_and_both_records_say_so(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        file = a_file(tmp_path)
        digest = await send_with(line.south, file)
        await wait_for(lambda: held(line.north, digest), PATIENT_S)
        await wait_for(
            lambda: line.south.situation.attachments[digest, 0].there == {"NORTH": ""}, PATIENT_S
        )
