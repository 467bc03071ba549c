"""How a station is reached: HOST:PORT as a person types it, and a change of it.

Spec: docs/enrolment.md §1.2
"""

from __future__ import annotations

import re

from hotline.core.errors import OperatorError
from hotline.sealing.card import Route
from hotline.station.home import Home
from hotline.station.identity import Listening, read_identity, write_identity

_ADDRESS = re.compile(r"\[?([A-Za-z0-9][A-Za-z0-9.:-]{0,252})\]?:([0-9]{1,5})")


def read_route(text: str | None) -> Route | None:
    """Read HOST:PORT as a route.

    Raises:
        OperatorError: it is none.
    """
    if text is None:
        return None
    host, port = _address(text)
    if port == 0:
        raise OperatorError("a route needs a port from 1 to 65535")
    return Route(host=host, port=port)


def read_listening(text: str | None) -> Listening | None:
    """Read HOST:PORT as an address to listen at.

    Raises:
        OperatorError: it is none.
    """
    if text is None:
        return None
    host, port = _address(text)
    return Listening(host=host, port=port)


def change_reach(home: Home, route: Route | None, listening: Listening | None) -> None:
    """Have the next card say another route; None leaves what is there.

    Raises:
        OperatorError: the home holds no station.
        StorageError: the disk refused.
    """
    if route is None and listening is None:
        return
    identity = read_identity(home)
    changed = {"route": route or identity.route, "listening": listening or identity.listening}
    write_identity(home, identity.model_copy(update=changed))


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[2]) > 65_535:
        raise OperatorError("an address is written as HOST:PORT, as in hotline.example:4711")
    return match[1], int(match[2])
