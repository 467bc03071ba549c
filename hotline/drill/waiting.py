"""Waiting for the record to say something, without asking it over and over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hotline.station.station import Station


async def until(station: Station, condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; it is looked at after each commit of `station`."""
    changed = asyncio.Event()
    end = station.subscribe(changed.set)
    try:
        while not condition():
            changed.clear()
            await changed.wait()
    finally:
        end()
