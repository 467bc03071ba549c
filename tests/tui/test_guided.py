"""The guided setup: two persons at two screens, from nothing to a complete line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.guided import Person, person

PHRASES = {
    "console": "console of the night",
    "root": "the root in its safe",
    "successor": "its heir in another",
    "north": "northern lights at two",
}


async def make(one: Person, home: Path, station: str, route: str = "") -> None:
    """Make an exercise station without passphrases, with one officer, and write its card."""
    await one.at("place")
    await one.goes("route", station=station, realm="EXERCISE", home=str(home))
    await one.goes("console", dialled="yes" if route else "no", route=route)
    await one.goes("who", protect="no")
    await one.goes("officer-key", person=station.lower(), name=f"Officer {station}")
    await one.goes("officers")
    await one.goes("card")
    await one.goes("card", "write")
    await one.goes("theirs")


async def know(one: Person, other: Person) -> None:
    """Take the other's card in and compare its words."""
    await one.goes("own-words", "read", file=other.app.guide.card_file())
    await one.goes("hear")
    await one.hears(other.app.guide.own_words())
    await one.at("compare")
    await one.press("wait")
    await one.goes("choice", "agree")


async def test_two_persons_set_a_line_up_by_their_screens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with person() as north, person() as south:
        await make(north, Path("north"), "NORTH", "127.0.0.1:47110")
        await make(south, Path("south"), "SOUTH")
        await know(north, south)
        await know(south, north)
        await north.goes("policy")
        await north.goes("charter", two="ladder", test="3600")
        await north.reads()
        await north.goes("carry", "sign")
        await north.goes("carry", "write")
        await north.goes("answer")
        opening = north.app.guide.travelling_file()
        await south.goes("opening")
        await south.goes("charter", file=opening)
        await south.reads()
        await south.goes("carry", "sign")
        await south.goes("carry", "write")
        await south.goes("done")
        await north.goes("done", "complete", file=south.app.guide.travelling_file())
