"""Run the console by hand against the scripted desk: python -m tests.fakes.console --help."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from hotline.desk.views import TemplateChoice
from hotline.tui.closing import Closing
from hotline.tui.entry import run_console, run_replay
from tests.fakes.desk import CODE, FakeDesk
from tests.fakes.desk_scenes import FakeRecord, crowded_desk, flash_desk, quiet_desk


def wall_clock() -> int:
    return time.time_ns() // 1_000_000


async def main() -> int:
    parser = argparse.ArgumentParser()
    for flag in ("quiet", "flash", "replay", "ascii", "live", "code", "late-flash", "crash"):
        parser.add_argument(f"--{flag}", action="store_true")
    asked = parser.parse_args()
    mode = "LIVE" if asked.live else "EXERCISE"
    desk = (quiet_desk if asked.quiet else flash_desk if asked.flash else crowded_desk)(mode)
    desk.code = CODE if asked.code else ""
    if asked.replay:
        return await run_replay(FakeRecord(desk), clock=wall_clock, ascii_only=asked.ascii)
    loop = asyncio.get_running_loop()
    if asked.late_flash:
        loop.call_later(2.0, desk.receive, "FLASH", "Cease closing. Reply within 10 minutes.")
    if asked.crash:
        desk.__class__ = CrashingDesk
    return await run_console(desk, clock=wall_clock, ascii_only=asked.ascii, closing=Closing.STOPS)


class CrashingDesk(FakeDesk):
    """F3 ends in a fault of our own, with a secret in a local and in the message."""

    __slots__ = ()

    def choices(self, incident: str | None = None) -> tuple[TemplateChoice, ...]:
        passphrase = "correct horse battery staple"
        raise RuntimeError(f"planted {passphrase}")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
