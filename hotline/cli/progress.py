"""How far a long job is: one line on stderr, only for a person who would wait for it."""

from __future__ import annotations

import sys
from types import TracebackType

from hotline.host.clock import monotonic_s

PATIENCE_S = 1.0
"""A job that ends sooner draws nothing."""
EVERY_S = 0.1

_WIDTH = 30
_CLEAR = "\r\x1b[2K"


class ProgressBar:
    """A bar that shows itself after PATIENCE_S, on a terminal only, and goes when it is closed."""

    def __init__(self, doing: str) -> None:
        """Begin; `doing` stands before the bar."""
        self._doing = doing
        self._begun_s = monotonic_s()
        self._drawn_s: float | None = None
        self._able = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> ProgressBar:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._drawn_s is not None:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def show(self, done: int, total: int) -> None:
        """Draw that `done` of `total` are done, unless it is too early or too soon again."""
        now_s = monotonic_s()
        since_s = self._begun_s + PATIENCE_S if self._drawn_s is None else self._drawn_s + EVERY_S
        if not self._able or now_s < since_s:
            return
        self._drawn_s = now_s
        share = done / total if total else 1.0
        filled = "#" * int(share * _WIDTH)
        sys.stderr.write(
            f"{_CLEAR}{self._doing} [{filled:.<{_WIDTH}}] {share:4.0%}, {done} of {total} entries"
        )
        sys.stderr.flush()
