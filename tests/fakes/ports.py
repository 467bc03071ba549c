"""Ports of this machine that nobody listens at: two runs of the tests must not meet at one."""

from __future__ import annotations

import os
import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below those that systems give to connections, so that none is taken between asking and use."""

_APART = 16


def free_port() -> int:
    """Return a port that is free now, and that no connection is given while its server restarts."""
    while True:
        port = random.randrange(10_000, FIRST)
        if _is_free(port):
            return port


def free_ports(count: int) -> int:
    """Return the first of some ports in succession that are free; another process begins elsewhere.

    Args:
        count: How many, at most 16.
    """
    rooms = (LAST - FIRST) // _APART
    for room in range(rooms):
        first = FIRST + (os.getpid() + room) % rooms * _APART
        if all(map(_is_free, range(first, first + count))):
            return first
    raise AssertionError("no ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
