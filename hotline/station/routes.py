"""The route that a line's card describes: who dials, who listens, which key is pinned."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path

from hotline.core.errors import LinkError
from hotline.sealing.tls_identity import tls_pin
from hotline.station.home import Home, OpenLine, PeerCard, write_json
from hotline.transport.dialer import Dialer
from hotline.transport.link import Timings
from hotline.transport.listener import Listener
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState, Route
from hotline.transport.tls import PinnedPeer, TlsIdentity

LISTENING = "listening.json"
ROUTE_NAME = "direct"


def route_maker(
    home: Home, opened: OpenLine, *, monotonic: Monotonic, chance: Chance, timings: Timings
) -> Callable[[OnCell, OnState, OnFault], Route]:
    """Return what makes the line's one direct route; the charter's first member listens.

    Raises:
        LinkError: the peer's TLS certificate does not read.
    """
    peer = opened.card.peers[0]
    identity = TlsIdentity(home.path / "tls" / "cert.pem", home.path / "tls" / "key.pem")
    pinned = _pinned(peer)

    def make(on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
        if opened.card.listens:
            return Listener(
                ROUTE_NAME,
                host=opened.card.host,
                port=_last_port(opened.directory) or opened.card.port,
                bound=lambda host, port: _tell(opened.directory, host, port),
                identity=identity,
                peer=pinned,
                on_cell=on_cell,
                on_state=on_state,
                on_fault=on_fault,
                clock=monotonic,
                timings=timings,
            )
        return Dialer(
            ROUTE_NAME,
            where=lambda: _where(home, peer),
            identity=identity,
            peer=pinned,
            on_cell=on_cell,
            on_state=on_state,
            on_fault=on_fault,
            clock=monotonic,
            chance=chance,
            timings=timings,
        )

    return make


def _pinned(peer: PeerCard) -> PinnedPeer:
    try:
        der = ssl.PEM_cert_to_DER_cert(peer.tls_certificate)
    except ValueError as error:
        raise LinkError(f"the card of {peer.station} holds no TLS certificate") from error
    return PinnedPeer((der,), (tls_pin(der),))


def _tell(directory: Path, host: str, port: int) -> None:
    write_json(directory / LISTENING, {"host": host, "port": port})


def _last_port(directory: Path) -> int:
    """Return the port that we listened at before a restart, or 0."""
    return _listening(directory)[1]


def _where(home: Home, peer: PeerCard) -> tuple[str, int]:
    """Ask anew at each dial: a listener on this machine may have moved."""
    if not peer.home:
        return peer.host, peer.port
    for directory in sorted((home.path / peer.home / "lines").glob("*")):
        host, port = _listening(directory)
        if port:
            return host, port
    raise LinkError(f"{peer.station} does not listen yet")


def _listening(directory: Path) -> tuple[str, int]:
    try:
        told = json.loads((directory / LISTENING).read_text(encoding="utf-8"))
        return str(told["host"]), int(told["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0
