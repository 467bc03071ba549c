"""Every page of the guided setup at 80x24 and 120x40; UPDATE_GOLDENS=1 rewrites the files."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from hotline.tui.guided.app import GuideApp
from hotline.tui.guided.order import PAGES
from hotline.tui.widgets.push import Push
from tests.fakes.guided_scenes import KNOWING, SCENES, FakeGuide
from tests.tui.rig import BROAD, NARROW, settled, text_of, until
from tests.tui.test_goldens import compare

FIRST_OF_EACH_PAGE = {page: scene for scene, (page, _, _) in reversed(SCENES.items())}.values()


async def show(app: GuideApp, pilot: Pilot[int], scene: str) -> None:
    """Bring one page up."""
    page, view, answers = SCENES[scene]
    guide = app.guide
    assert isinstance(guide, FakeGuide)
    guide.shown, app.answers = view, answers()
    app.go(page)
    await until(pilot, lambda: type(app.screen) is PAGES[page] and bool(app.screen.query(Push)))
    await settled(pilot)


def test_every_page_has_a_scene() -> None:
    assert {page for page, _, _ in SCENES.values()} == set(PAGES)


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
async def test_page_matches_its_golden(size: tuple[int, int]) -> None:
    app = GuideApp(FakeGuide(), ascii=size == NARROW)
    async with app.run_test(size=size) as pilot:
        for scene in SCENES if size == NARROW else FIRST_OF_EACH_PAGE:
            await show(app, pilot, scene)
            compare(app, f"guided-{scene}-{size[0]}x{size[1]}")
            assert all(not box.cursor_blink for box in app.screen.query(Input)), scene
            low = [one for one in app.screen.query(Push) if one.region.bottom > size[1] - 1]
            assert low == [], scene
            assert f"step {app.page.STEP} of 9" in text_of(app) or "all 9 steps" in text_of(app)


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
async def test_aside_matches_its_golden(size: tuple[int, int]) -> None:
    app = GuideApp(FakeGuide(KNOWING), ascii=size == NARROW)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        before = text_of(app)
        for scene, key in (("help", "f1"), ("my-words", "f2"), ("leave", "ctrl+x")):
            await pilot.press(key)
            await settled(pilot)
            compare(app, f"guided-{scene}-{size[0]}x{size[1]}")
            await pilot.press("escape")
            await settled(pilot)
            assert text_of(app).splitlines()[0] == before.splitlines()[0]
