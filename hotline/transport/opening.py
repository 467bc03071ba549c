"""What a listener of any kind refuses before it accepts a websocket.

Spec: docs/transport.md §4.1, §4.2, §9.1
"""

from __future__ import annotations

from collections.abc import Iterator

from websockets.http11 import Request


def objections(request: Request, path: str, subprotocol: str) -> Iterator[tuple[str, int]]:
    """Yield (reason, HTTP status) for all that is wrong with a request for the one thing offered.

    Browsers are not peers: any Origin is wrong.
    """
    if request.path != path:
        yield "path", 404
    if request.headers.get_all("Origin"):
        yield "origin", 400
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    if subprotocol not in (one.strip() for one in offered):
        yield "subprotocol", 400
