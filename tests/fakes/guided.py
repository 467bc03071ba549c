"""A person at the guided setup: fills fields, presses buttons, reads the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from hotline.desk.guided.setting_up import SettingUp
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.station.assembly import Machine
from hotline.tui.guided.app import GuideApp
from hotline.tui.guided.order import PAGES
from hotline.tui.guided.words import WordBox
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.push import Push
from tests.tui.rig import NARROW, text_of, until

KEYS_TAKE_S = 60.0
"""Key files are locked slowly on purpose, and slower where two cores do other things, too."""


def machine() -> Machine:
    return Machine(find_config(), system_clock, system_entropy)


class Person:
    """Sits at one setup. `screens` keeps every page that was seen, by its name."""

    def __init__(self, app: GuideApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot
        self.screens: dict[str, str] = {}
        self.seen = ""

    async def at(self, page: str) -> None:
        """Wait until a page is up and drawn."""

        def up() -> bool:
            screen = self.app.screen
            return type(screen) is PAGES[page] and bool(screen.query(Push)) and not self.app.busy

        await until(self.pilot, up, f"the page {page}", patience_s=KEYS_TAKE_S)
        await self.pilot.pause()
        self.screens[page] = self.read()
        screen = self.app.screen
        low = [one for one in screen.query(Push) if one.region.bottom > screen.size.height - 2]
        assert not low, f"{page}: buttons out of sight\n{self.read()}"

    def read(self) -> str:
        text = text_of(self.app)
        self.seen += text
        return text

    @property
    def said(self) -> str:
        """What stands under the steps, in one line."""
        return " ".join(self.read().split())

    def fill(self, **typed: str) -> None:
        """Put values into fields; the keys are tried elsewhere."""
        page = self.app.page
        assert page is not None
        for name, value in typed.items():
            box = page.ask(name.replace("_", "-")).box
            if isinstance(box, Input):
                box.value = value
            else:
                box.take(value)

    async def press(self, button: str) -> None:
        """Go to a button by its id and press Enter."""
        page = self.app.page
        assert page is not None
        one = page.query_one(f"#{button}", Push)
        await until(self.pilot, lambda: not one.disabled, f"the button {button}")
        one.focus()
        await self.pilot.press("enter")

    async def goes(self, page: str, button: str = "next", **typed: str) -> None:
        """Fill fields, press a button, and see the next page."""
        await self.pilot.pause()
        self.fill(**typed)
        await self.press(button)
        await self.at(page)

    async def hears(self, words: tuple[str, ...]) -> None:
        """Type the words that are asked for."""
        for place in self.app.guide.asked_places():
            box = self.app.screen.query_one(WordBox)
            before = self.app.guide.heard()
            box.value = words[place - 1][:4]
            box.focus()
            await self.pilot.press("enter")
            await until(self.pilot, partial(self._went_on, box, before), "the next word")

    def _went_on(self, box: WordBox, before: int) -> bool:
        boxes = self.app.screen.query(WordBox)
        gone = bool(boxes) and box not in boxes
        return self.app.guide.heard() == before + 1 and (gone or not boxes)

    async def reads(self) -> None:
        """Read the charter to its end, and go on."""
        text = self.app.screen.query_one(Lines)
        while not text.seen:
            await self.pilot.press("pagedown")
        await self.goes("sign")


@asynccontextmanager
async def person(home: Path | None = None, size: tuple[int, int] = NARROW) -> AsyncIterator[Person]:
    """Give a person at a running setup."""
    app = GuideApp(SettingUp(machine(), home), ascii=True)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Person(app, pilot)
