"""The bound on strangers, with plain sockets. Spec: docs/transport.md §5.5."""

from __future__ import annotations

import select
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from hotline.transport.door import MAX_STRANGERS_PER_ADDRESS, Door


@pytest.fixture
def refused() -> Counter[str]:
    return Counter()


@pytest.fixture
def door(refused: Counter[str]) -> Iterator[Door]:
    with Door("127.0.0.1", 0, refused) as door:
        door.listen()
        yield door


def accept(door: Door) -> socket.socket:
    readable, _, _ = select.select([door], [], [], 10)
    assert readable
    return door.accept()[0]


def test_door_accepts_up_to_its_bound_and_then_hangs_up(door: Door, refused: Counter[str]) -> None:
    address = door.getsockname()
    callers = [socket.create_connection(address) for _ in range(MAX_STRANGERS_PER_ADDRESS)]
    accepted = [accept(door) for _ in callers]
    with socket.create_connection(address, timeout=10) as extra:
        with pytest.raises(ConnectionAbortedError):
            accept(door)
        assert extra.recv(1) == b""
    assert door.strangers == MAX_STRANGERS_PER_ADDRESS
    assert refused == {"strangers": 1}
    for one in callers + accepted:
        one.close()
    assert door.strangers == 0


def test_door_counts_all_addresses_together(refused: Counter[str]) -> None:
    with Door("127.0.0.1", 0, refused, strangers=2) as door:
        door.listen()
        callers = [socket.create_connection(door.getsockname()) for _ in range(3)]
        accepted = [accept(door) for _ in range(2)]
        with pytest.raises(ConnectionAbortedError):
            accept(door)
        for one in callers + accepted:
            one.close()


def test_admitted_caller_leaves_room_for_the_next(door: Door, refused: Counter[str]) -> None:
    open_sockets = []
    for _ in range(2 * MAX_STRANGERS_PER_ADDRESS):
        caller = socket.create_connection(door.getsockname())
        open_sockets += [caller, accept(door)]
        door.admit(caller.getsockname())
    assert door.strangers == 0
    assert not refused
    for one in open_sockets:
        one.close()


def test_dismissed_stranger_sees_the_end(door: Door) -> None:
    with socket.create_connection(door.getsockname(), timeout=10) as caller, accept(door):
        door.dismiss()
        assert caller.recv(1) == b""


def test_door_on_a_taken_port_raises_and_leaves_nothing_open(
    door: Door, refused: Counter[str]
) -> None:
    with pytest.raises(OSError, match="in use"):
        Door("127.0.0.1", door.getsockname()[1], refused)


def test_door_binds_a_port_whose_last_connection_it_closed_itself(refused: Counter[str]) -> None:
    """Whoever closes first leaves the port waiting; a restart must not wait with it."""
    with Door("127.0.0.1", 0, refused) as first:
        first.listen()
        address = first.getsockname()
        with socket.create_connection(address, timeout=10) as caller:
            accept(first).close()
            assert caller.recv(1) == b""
    with Door("127.0.0.1", address[1], refused) as second:
        assert second.getsockname() == address
