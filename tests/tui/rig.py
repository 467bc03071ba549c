"""What the console's tests share: a clock that stands, the screen as text, patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from textual.pilot import Pilot

from hotline.tui.app import ConsoleApp
from hotline.tui.closing import Closing
from hotline.tui.ground import Ground
from hotline.tui.replay import ReplayApp
from tests.fakes.desk import NOON_MS, FakeDesk
from tests.fakes.desk_scenes import FakeRecord

PATIENCE_S = 10.0
NARROW = (80, 24)
BROAD = (120, 40)


@dataclass(slots=True)
class HandClock:
    """A clock that moves only by hand."""

    now_ms: int = NOON_MS

    def __call__(self) -> int:
        return self.now_ms


def console(
    desk: FakeDesk,
    *,
    ascii: bool = True,
    closing: Closing = Closing.STOPS,
    clock: HandClock | None = None,
) -> ConsoleApp:
    return ConsoleApp(desk, ascii=ascii, clock=clock or HandClock(), closing=closing)


def replay(desk: FakeDesk) -> ReplayApp:
    return ReplayApp(FakeRecord(desk), ascii=True, clock=HandClock())


def rows_of(app: Ground) -> list[str]:
    """Return the screen's rows as the compositor draws them, filters and all."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def text_of(app: Ground) -> str:
    return "\n".join(row.rstrip() for row in rows_of(app)) + "\n"


async def until(
    pilot: Pilot[int], check: Callable[[], bool], what: str = "", *, patience_s: float = PATIENCE_S
) -> None:
    """Wait until `check` holds; fail with the screen when it does not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while not check():
        if loop.time() > end:
            assert isinstance(pilot.app, Ground)
            raise AssertionError(f"never came: {what}\n{text_of(pilot.app)}")
        await pilot.pause(0.01)


async def until_text(pilot: Pilot[int], words: str) -> None:
    app = pilot.app
    assert isinstance(app, Ground)
    await until(pilot, lambda: words in " ".join(text_of(app).split()), words)


async def settled(pilot: Pilot[int]) -> None:
    """Wait until two looks at the screen are alike."""
    app = pilot.app
    assert isinstance(app, Ground)
    seen: list[str] = [""]

    def still() -> bool:
        seen.append(text_of(app))
        return seen[-1] == seen[-2]

    await pilot.pause()
    await until(pilot, still, "a screen that stands")
