"""Every screen at 80x24 and 120x40 as plain text; UPDATE_GOLDENS=1 rewrites the files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from hotline.tui.ground import Ground
from tests.fakes.desk import CODE, FakeDesk
from tests.fakes.desk_scenes import (
    NEW_ROOT,
    crowded_desk,
    flash_desk,
    frozen_desk,
    link_desk,
    quiet_desk,
    release_desk,
)
from tests.tui.rig import BROAD, NARROW, console, replay, settled, text_of

GOLDENS = Path(__file__).parent / "goldens"
FILLED = ("f3", "enter", "0", "4", "5", "tab", "8", "tab", "right")


def coded_desk() -> FakeDesk:
    desk = crowded_desk()
    desk.code = CODE
    desk.warnings = ("The other station has not read 4S1 yet.",)
    return desk


def read_desk() -> FakeDesk:
    desk = crowded_desk()
    desk.said[-1].read = True
    return desk


def coded_release() -> FakeDesk:
    return release_desk(ours=False, code=CODE)


def rooted_desk() -> FakeDesk:
    desk = crowded_desk()
    desk.new_root = NEW_ROOT
    return desk


def locked_desk() -> FakeDesk:
    return flash_desk("LIVE")


def exercise_desk() -> FakeDesk:
    desk = crowded_desk()
    desk.protected = False
    return desk


def filed_desk() -> FakeDesk:
    desk = crowded_desk()
    desk.said[-1].files = (
        "1. chart.png: HERE, 2.4 MiB, compared with what was signed",
        "2. track.geojson: ON ITS WAY, 3.0 MiB of 12.0 MiB",
    )
    return desk


SCENES: dict[str, tuple[Callable[[], FakeDesk], tuple[str, ...]]] = {
    "watch": (crowded_desk, ()),
    "watch-live-empty": (quiet_desk, ()),
    "watch-flash": (flash_desk, ()),
    "message": (crowded_desk, ("enter",)),
    "message-read": (read_desk, ("enter",)),
    "incident": (crowded_desk, ("f4",)),
    "choose": (crowded_desk, ("f3",)),
    "compose": (crowded_desk, ("f3", "enter")),
    "compose-faults": (coded_desk, ("f3", "enter", "4", "0", "0", "ctrl+p")),
    "compose-preview": (coded_desk, (*FILLED, "ctrl+p")),
    "compose-files": (crowded_desk, ("f3", "enter", "ctrl+f")),
    "save-files": (filed_desk, ("enter", "ctrl+f")),
    "pick": (crowded_desk, ("f3", "enter", "tab", "tab", "enter")),
    "send": (coded_desk, (*FILLED, "ctrl+g")),
    "readback": (read_desk, ("enter", "enter")),
    "readback-differs": (
        read_desk,
        ("enter", "enter", *"210", "tab", *"0.9", "tab", "enter"),
    ),
    "watch-release": (release_desk, ()),
    "release": (release_desk, ("ctrl+r",)),
    "release-code": (coded_release, ("ctrl+r",)),
    "alarms": (frozen_desk, ()),
    "watch-frozen": (frozen_desk, ("escape",)),
    "link": (link_desk, ("ctrl+t",)),
    "help": (crowded_desk, ("f1",)),
    "leave": (flash_desk, ("ctrl+x",)),
    "new-root": (rooted_desk, ()),
    "locked": (locked_desk, ("ctrl+l",)),
    "locked-exercise": (exercise_desk, ("f3", "enter", "ctrl+o", "k")),
}


def compare(app: Ground, name: str) -> None:
    path = GOLDENS / f"{name}.txt"
    seen = text_of(app)
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(seen, "utf-8")
    assert seen == path.read_text("utf-8"), f"{path.name} differs; UPDATE_GOLDENS=1 rewrites it"


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
@pytest.mark.parametrize("scene", SCENES)
async def test_screen_of_a_scene_matches_its_golden(scene: str, size: tuple[int, int]) -> None:
    make, keys = SCENES[scene]
    app = console(make(), ascii=size == NARROW)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        compare(app, f"{scene}-{size[0]}x{size[1]}")
        assert all(not box.cursor_blink for box in app.screen.query(Input))


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
@pytest.mark.parametrize("keys", [("left",), ("left", "f4")], ids=["watch", "incident"])
async def test_replay_matches_its_golden(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        name = "incident" if "f4" in keys else "watch"
        compare(app, f"replay-{name}-{size[0]}x{size[1]}")
