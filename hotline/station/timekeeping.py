"""Whether a machine's clock can be believed: what its ledger and the peer's times say of it.

Spec: docs/ledger.md §21.10
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from hotline.core.records.events import ClockDoubted
from hotline.core.times import format_time
from hotline.ledger.reader import LedgerReader

Said = tuple[Literal["OK", "WARN", "FAIL"], str]
"""A level, and one sentence."""

CLOCK_MARGIN_MS = 120_000
SET_BACK_MS = 5_000
"""Clocks that are steered go back by less, and only when they are started."""
LOOKED_BACK_MS = 30 * 86_400_000
LOOKED_AT = 2_000
"""Entries whose times are compared, the newest ones."""

_KEEP = "let a time server keep it (timedatectl set-ntp true)"


def look_at_clock(reader: LedgerReader, now_ms: int) -> Iterator[Said]:
    """Hold the time of day against the ledger's entries; needs no key.

    Raises:
        IntegrityError: an entry does not fit the tree.
    Spec: docs/ledger.md §21.10
    """
    first = max(0, reader.size - LOOKED_AT)
    times = [leaf.recorded_at_ms for leaf in reader.leaves(first, reader.size)]
    if not times:
        return
    if times[-1] > now_ms + CLOCK_MARGIN_MS:
        newest = format_time(times[-1])
        yield "WARN", f"This machine's clock is behind the newest entry ({newest}): set it right."
    else:
        yield "OK", f"The newest entry is of {format_time(times[-1])}."
    yield from _set_back(times, now_ms)
    yield from _doubted(reader, now_ms)


def _set_back(times: list[int], now_ms: int) -> Iterator[Said]:
    """Find where an entry is older than the one before it."""
    found = [
        (before - after, after)
        for before, after in pairwise(times)
        if before - after > SET_BACK_MS and after > now_ms - LOOKED_BACK_MS
    ]
    if found:
        by_ms, at_ms = found[-1]
        often = "" if len(found) == 1 else f", the last of {len(found)} times within 30 days"
        yield (
            "WARN",
            f"This machine's clock was set back by {by_ms // 1_000} s to "
            f"{format_time(at_ms)}{often}: {_KEEP}.",
        )


def _doubted(reader: LedgerReader, now_ms: int) -> Iterator[Said]:
    """Say when a peer's time and ours last differed by more than clocks should."""
    ends = reader.first_and_last(ClockDoubted.kind)
    leaf = None if ends is None else next(reader.leaves(ends[1], ends[1] + 1), None)
    if leaf is None or leaf.recorded_at_ms <= now_ms - LOOKED_BACK_MS:
        return
    yield (
        "WARN",
        "The other station's clock and this one differed by more than a minute on "
        f"{format_time(leaf.recorded_at_ms)[:16]}Z: ask them whose is right, and {_KEEP}.",
    )


def say_whether_kept(kept: bool | None) -> Iterator[Said]:
    """Say what the operating system says of its clock; None: it does not say.

    Spec: docs/ledger.md §21.10
    """
    if kept:
        yield "OK", "The operating system says that a time server keeps it."
    elif kept is None:
        yield "OK", "The operating system does not say whether a time server keeps it."
    else:
        yield "WARN", f"The operating system says that nothing keeps it: {_KEEP}."
