"""A relay in a process of its own that dies where it is told to; see tests/fakes/mortal.py.

commit put       a COMMIT of its store that keeps a cell; commit consume: that forgets one
send ack         what tells a station that cells are durable; send cell: a cell on its way
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any, Protocol

from hotline.transport.relay import sqlite_rows
from hotline.transport.relay.frames import Ack, Frame, Push
from hotline.transport.relay.outgoing import Outgoing
from hotline.transport.relay.sqlite_store import SqliteStore
from hotline.transport.relay.sqlite_writer import Writer
from tests.fakes.stormy_relay import RestartedRelay

SENDS = {Ack: "send ack", Push: "send cell"}
RELAY_POINTS = ("commit put", "commit consume", "send ack", "send cell")


class Near(Protocol):
    def near(self, point: str, side: str) -> None:
        """Die if it is the point."""


def _around_commits(doom: Near) -> None:
    """Name each COMMIT by what is in it."""
    inside: set[str] = set()
    put, consume, durable = SqliteStore._put, sqlite_rows.consume, Writer._make_durable

    def putting(store: SqliteStore, *given: Any) -> Any:
        inside.add("commit put")
        return put(store, *given)

    def consuming(*given: Any) -> Any:
        inside.add("commit consume")
        return consume(*given)

    def make_durable(writer: Writer) -> None:
        points = sorted(inside)
        inside.clear()
        for point in points:
            doom.near(point, "before")
        durable(writer)
        for point in points:
            doom.near(point, "after")

    SqliteStore._put, sqlite_rows.consume = putting, consuming  # type: ignore[method-assign]
    Writer._make_durable = make_durable  # type: ignore[method-assign]


def _around_sends(doom: Near) -> None:
    send = Outgoing.send

    async def sending(outgoing: Outgoing, frame: Frame) -> None:
        point = SENDS.get(type(frame), "")
        doom.near(point, "before")
        await send(outgoing, frame)
        doom.near(point, "after")

    Outgoing.send = sending  # type: ignore[method-assign]


async def live_as_relay(home: Path, port: int, doom: Near, wire: socket.socket) -> None:
    """Serve mailboxes until it dies, or is asked to close."""
    _around_commits(doom)
    _around_sends(doom)
    reader, writer = await asyncio.open_connection(sock=wire)
    relay = RestartedRelay(home, port)
    await relay.start()
    writer.write(json.dumps({"outbox": 0, "gaps": 0}).encode() + b"\n")
    while line := await reader.readline():
        if "close" in json.loads(line):
            await relay.stop()
            return
