"""The routes that a line's card describes: who dials, who listens, which key is pinned."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

from hotline.core.errors import LinkError
from hotline.sealing.tls_identity import tls_pin
from hotline.station.footing import MakeRoute
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
) -> MakeRoute:
    """Return what makes the direct route to each peer: one of the two dials, the other listens.

    Raises:
        LinkError: a peer's TLS certificate does not read.
    Spec: docs/transport.md §1.4
    """
    identity = TlsIdentity(home.path / "tls" / "cert.pem", home.path / "tls" / "key.pem")
    peers = {peer.station: peer for peer in opened.card.peers}
    pins = {name: _pinned(peer) for name, peer in peers.items()}

    def make(name: str, on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
        peer = peers[name]
        if listens_for(opened, name):
            file = opened.directory / _listening_name(opened, name)
            return Listener(
                ROUTE_NAME,
                host=opened.card.host,
                port=_read_listening(file)[1] or peer.listen_port or opened.card.port,
                bound=lambda host, port: write_json(file, {"host": host, "port": port}),
                identity=identity,
                peer=pins[name],
                on_cell=on_cell,
                on_state=on_state,
                on_fault=on_fault,
                clock=monotonic,
                timings=timings,
            )
        return Dialer(
            ROUTE_NAME,
            where=lambda: _where(home, opened, peer),
            identity=identity,
            peer=pins[name],
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


def listens_for(opened: OpenLine, peer: str) -> bool:
    """Return whether the peer dials us; on a line of two the card says it itself.

    On a line of more that was set up by hand, whom we dial has a port; on one that a drill
    made the charter's earlier station listens.
    """
    if len(opened.card.peers) == 1:
        return opened.card.listens
    (theirs,) = (one for one in opened.card.peers if one.station == peer)
    if not theirs.home:
        return theirs.port == 0
    members = opened.line.roster.members
    return members.index(opened.line.station) < members.index(peer)


def _listening_name(opened: OpenLine, dialer: str) -> str:
    """Return the file that says where a station listens for another one.

    A listener serves one peer, so on a line of three and more each has a port of its own.
    """
    pair = len(opened.card.peers) == 1
    return LISTENING if pair else f"{LISTENING.removesuffix('.json')}-{dialer}.json"


def _where(home: Home, opened: OpenLine, peer: PeerCard) -> tuple[str, int]:
    """Ask anew at each dial: a listener on this machine may have moved."""
    if not peer.home:
        return peer.host, peer.port
    name = _listening_name(opened, opened.line.station)
    # Both name the directory of a line alike: by its charter's name and its id.
    host, port = _read_listening(home.path / peer.home / "lines" / opened.directory.name / name)
    if port:
        return host, port
    raise LinkError(f"{peer.station} does not listen yet")


def _read_listening(file: Path) -> tuple[str, int]:
    """Return where a station listens, or listened before a restart; port 0 when it never did."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return str(told["host"]), int(told["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0
