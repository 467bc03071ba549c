"""A listening socket that bounds how many strangers stand in front of it.

TLS runs before any code of ours sees a connection, so the bound has to sit
where connections are accepted. Spec: docs/transport.md §5.5
"""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from typing import Any

from hotline.transport.bounded import bound_unsent

MAX_STRANGERS = 64
"""Connections that have not authenticated yet."""

MAX_STRANGERS_PER_ADDRESS = 4


class _Caller(socket.socket):
    """An accepted connection that tells its door when it is closed."""

    door: Door | None = None
    address: tuple[Any, ...] = ()
    heard = False

    def close(self) -> None:
        """Close it; the door counts one stranger less."""
        if self.door is not None:
            self.door.lose(self.address)
        super().close()


class Door(socket.socket):
    """Accepts, or hangs up at once on those that are too many.

    Attributes:
        refused: Where the refusals are counted: "strangers" that are too many, and, where
            that is asked for, those that left "unopened", without a request.
    """

    def __init__(
        self,
        host: str,
        port: int,
        refused: Counter[str],
        *,
        strangers: int = MAX_STRANGERS,
        strangers_per_address: int = MAX_STRANGERS_PER_ADDRESS,
        counts_unopened: bool = False,
    ) -> None:
        """Bind `host` and `port` (0 for any free one) so that a restart can bind again at once.

        Raises:
            OSError: the address cannot be bound.
        """
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
        family, kind, protocol, _, address = found[0]
        super().__init__(family, kind, protocol)
        self.refused = refused
        self._counts_unopened = counts_unopened
        self._most, self._most_per_address = strangers, strangers_per_address
        self._strangers: dict[tuple[Any, ...], _Caller] = {}
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # What is accepted inherits it.
            bound_unsent(self)
            self.setblocking(False)
            self.bind(address)
        except OSError:
            self.close()
            raise

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept one connection.

        Raises:
            ConnectionAbortedError: it was one too many and is closed; event loops expect this.
        """
        plain, address = super().accept()
        if self._is_full(address):
            self.refused["strangers"] += 1
            plain.close()
            raise ConnectionAbortedError("too many connections that did not authenticate")
        caller = _Caller(plain.family, plain.type, plain.proto, fileno=plain.detach())
        caller.door, caller.address = self, address
        self._strangers[address] = caller
        return caller, address

    def _is_full(self, address: tuple[Any, ...]) -> bool:
        neighbours = sum(other[0] == address[0] for other in self._strangers)
        return neighbours >= self._most_per_address or len(self._strangers) >= self._most

    @property
    def strangers(self) -> int:
        """How many connections have not authenticated yet."""
        return len(self._strangers)

    def hear(self, address: tuple[Any, ...]) -> None:
        """Note that the connection from `address` asked for something: others count it now."""
        caller = self._strangers.get(address)
        if caller is not None:
            caller.heard = True

    def lose(self, address: tuple[Any, ...]) -> None:
        """Forget the connection from `address`, which is closed.

        What fails inside TLS, or sends nothing, is seen here alone. Spec: docs/transport.md §13.1
        """
        caller = self._strangers.pop(address, None)
        if caller is not None and self._counts_unopened and not caller.heard:
            self.refused["unopened"] += 1

    def admit(self, address: tuple[Any, ...]) -> None:
        """Count the connection from `address` as a stranger no more."""
        self._strangers.pop(address, None)

    def dismiss(self) -> None:
        """Hang up on every stranger; the event loop then closes its end."""
        for caller in tuple(self._strangers.values()):
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
