"""The console of a line of three: each peer's link on row 0, each addressee in the message."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from hotline.desk.views import LinkView, Mark, MessageView, RecipientView, StatusView
from hotline.tui.widgets.title_row import title_ends
from tests.fakes.desk import FakeDesk
from tests.fakes.desk_scenes import crowded_desk
from tests.tui.rig import BROAD, NARROW, console, settled
from tests.tui.test_goldens import compare

LINKS = (
    LinkView("SOUTH", "UP", "+", Mark.CALM),
    LinkView("EAST", "DOWN 06:12", "-", Mark.WARNING),
)


class GroupDesk(FakeDesk):
    """The crowded desk on a line with SOUTH and EAST."""

    def status(self) -> StatusView:
        several = "1 of 2 UP"
        return replace(
            super().status(),
            peer="SOUTH EAST",
            link_word=several,
            link_mark=Mark.WARNING,
            links=LINKS,
        )

    def message(self, digest: str) -> MessageView | None:
        found = super().message(digest)
        recipients = (
            RecipientView("SOUTH", True, "READ BY OFFICER", "v", True),
            RecipientView("EAST", False, "SENDING [direct]", ">", False),
        )
        return found and replace(found, recipients=recipients, state_word="READ BY OFFICER 1 of 2")


def group_desk() -> FakeDesk:
    desk = crowded_desk()
    return GroupDesk(**{one.name: getattr(desk, one.name) for one in fields(desk)})


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["watch", "message"])
async def test_screen_of_a_line_of_three_matches_its_golden(
    keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    app = console(group_desk(), ascii=size == NARROW)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        compare(app, f"group-{'message' if keys else 'watch'}-{size[0]}x{size[1]}")


def words(links: tuple[LinkView, ...], width: int) -> str:
    status = replace(group_desk().status(), links=links)
    before, after = title_ends(status, "WATCH", width)
    assert before.cell_length + len("14:32:07Z") + after.cell_length <= width
    return after.plain.partition("LINK ")[2]


def test_links_give_way_to_width_by_words_names_and_count() -> None:
    assert words(LINKS, 120) == "SOUTH+UP EAST-DOWN 06:12"
    many = tuple(LinkView(f"STATION-{n:02d}", "UP", "+", Mark.CALM) for n in range(15))
    assert words(many, 80) == "1 of 2 UP"
    down = LinkView("A-VERY-LONG-NAME", "DOWN 06:12", "-", Mark.WARNING)
    assert words((LINKS[0], down), 80) == "SOUT+UP A-VE-DOWN 06:12"
