"""Draw the README's picture: the watch screen of a recorded drill, at its first unread FLASH.

python docs/pictures/draw.py LEDGER docs/pictures/watch.svg
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

from hotline.core.exchange.fold import apply
from hotline.core.exchange.situation import Situation
from hotline.desk.feed import PresentedFeed
from hotline.desk.presenter import Presenter, Surroundings
from hotline.host.config import find_config
from hotline.host.phrases import load_phrasebook
from hotline.review.opening import Record, open_record
from hotline.station.assembly import load_rules
from hotline.tui.entry import make_console

WAITING_MS = 41_000
SIZE = (120, 36)


class Moment(PresentedFeed):
    """The feed of a live desk, stopped at one moment of a recorded drill."""

    def __init__(self, record: Record) -> None:
        """Go forward to the first FLASH that waits to be read."""
        config = find_config()
        self._situation = Situation()
        for happening in record.happenings:
            apply(self._situation, happening)
            if any(one.statement.precedence == "FLASH" for one in self._situation.unread()):
                break
        around = Surroundings(
            station=record.station,
            peer=record.peer,
            mode=self._situation.realm,
            clock=lambda: self._situation.now_ms + WAITING_MS,
            sending=lambda _digest: "",
            coach=lambda: "",
            names=record.names,
        )
        rules = load_rules(config, (record.station, record.peer))
        book = load_phrasebook(config, "en")
        super().__init__(Presenter(lambda: self._situation, rules, book, around))

    def subscribe(self, _changed: Callable[[], None]) -> Callable[[], None]:
        """Nothing changes any more."""
        return lambda: None

    async def displayed(self, digest: str) -> None:
        """Nothing is recorded."""


async def draw(ledger: Path) -> str:
    """Return the picture as SVG."""
    feed = Moment(open_record(ledger, lambda _name: ""))
    app = make_console(feed, clock=lambda: 0)  # type: ignore[arg-type]  it is only looked at
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        drawn = app.export_screenshot(title="hotline")
        # A picture that loads fonts from the net tells the net who looks at it.
        drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return re.sub(r"<!-- .*? -->", "", drawn)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(asyncio.run(draw(Path(sys.argv[1]))), encoding="utf-8")
