"""Where the command line opens a console: nothing of textual loads before this runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hotline.core.seams import Clock
from hotline.desk.guided.port import Guide
from hotline.desk.port import Desk
from hotline.tui.closing import Closing

if TYPE_CHECKING:
    from hotline.tui.app import ConsoleApp
    from hotline.tui.replay import ReplayApp
    from hotline.tui.replay_port import ReplayFeed

ESCAPE_DELAY_MS = 250
"""How long a lone ESC byte waits for the rest of a key: slow SSH splits the sequences."""


def _prepare_terminal() -> None:
    # textual reads these once, while it is imported.
    os.environ.setdefault("ESCDELAY", str(ESCAPE_DELAY_MS))
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # A size exported by a shell or a test would hide every later change of the window.
    os.environ.pop("COLUMNS", None)
    os.environ.pop("LINES", None)


def make_console(
    desk: Desk, *, clock: Clock, ascii_only: bool = False, closing: Closing = Closing.STOPS
) -> ConsoleApp:
    """Return a console for `desk`, not yet running.

    Args:
        clock: Milliseconds; times the key guard and the bell, never what is shown.
        ascii_only: Draw borders with plain ASCII.
        closing: What the question before leaving says of the line.
    """
    _prepare_terminal()
    from hotline.tui.app import ConsoleApp

    return ConsoleApp(desk, clock=clock, ascii=ascii_only, closing=closing)


def make_replay(feed: ReplayFeed, *, clock: Clock, ascii_only: bool = False) -> ReplayApp:
    """Return a read-only console over a recorded ledger, not yet running."""
    _prepare_terminal()
    from hotline.tui.replay import ReplayApp

    return ReplayApp(feed, clock=clock, ascii=ascii_only)


async def run_console(
    desk: Desk, *, clock: Clock, ascii_only: bool = False, closing: Closing = Closing.STOPS
) -> int:
    """Run a console on this terminal until the officer leaves; return the exit code.

    0 when the officer left or SIGTERM or SIGHUP came, 70 after a fault of the
    console; the terminal is whole and the subscription to the desk ended either way.
    """
    app = make_console(desk, clock=clock, ascii_only=ascii_only, closing=closing)
    await app.run_async(mouse=False)
    return app.return_code or 0


async def run_guide(guide: Guide, *, ascii_only: bool = False) -> int:
    """Run the guided setup on this terminal until the person leaves; return the exit code."""
    _prepare_terminal()
    from hotline.tui.guided.app import GuideApp

    app = GuideApp(guide, ascii=ascii_only)
    await app.run_async(mouse=False)
    return app.return_code or 0


async def run_replay(feed: ReplayFeed, *, clock: Clock, ascii_only: bool = False) -> int:
    """Run a replay on this terminal until the reviewer leaves; return the exit code."""
    app = make_replay(feed, clock=clock, ascii_only=ascii_only)
    await app.run_async(mouse=False)
    return app.return_code or 0
