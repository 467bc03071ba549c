"""The routes that a line's card describes: who dials, who listens, which key is pinned."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from hotline.core.errors import LinkError, PeerError
from hotline.sealing.roster import Roster
from hotline.sealing.tls_identity import tls_pin
from hotline.station.bundle import RoutePlan
from hotline.station.calling_in import party_towards
from hotline.station.footing import PlanRoutes
from hotline.station.home import Home, LineCard, PeerCard, write_json
from hotline.station.line import Line
from hotline.station.relaying import relay_plans
from hotline.station.vouching import identity_towards, tls_peer_of
from hotline.station.ways import Ways
from hotline.transport.dialer import Dialer
from hotline.transport.link import Timings
from hotline.transport.listener import Listener
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState, Route
from hotline.transport.tls import TlsIdentity, TlsPeer

LISTENING = "listening.json"
ROUTE_NAME = "direct"


class Named(Protocol):
    """Who is on a line, and which of them we are."""

    @property
    def station(self) -> str:
        """Our name."""

    @property
    def roster(self) -> Roster:
        """Everybody's certificates."""


class Known(Protocol):
    """A line as the open part of its directory describes it."""

    @property
    def directory(self) -> Path:
        """Of the line."""

    @property
    def card(self) -> LineCard:
        """What line.json says."""

    @property
    def line(self) -> Named:
        """Who is on it."""


class Laid(Known, Protocol):
    """A line whose keys are open, with or without its ledger."""

    @property
    def line(self) -> Line:
        """Its keys and roster."""


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans the routes to each peer; the direct one has a way to each console of it."""

    home: Home
    opened: Laid
    consoles: Mapping[str, Sequence[PeerCard]]
    keys: Mapping[tuple[str, int], bytes]
    monotonic: Monotonic
    chance: Chance
    timings: Timings

    def __call__(self, peer: str) -> list[RoutePlan]:
        relays = relay_plans(
            self.opened,
            peer,
            monotonic=self.monotonic,
            chance=self.chance,
            timings=self.timings,
        )
        return [RoutePlan(ROUTE_NAME, partial(self._direct, peer)), *relays]

    def _direct(self, name: str, on_cell: OnCell, on_state: OnState, on_fault: OnFault) -> Route:
        found = self.consoles[name]
        if listens_for(self.opened, name):
            return self._listen(found, on_cell, on_state, on_fault)

        def dial(number: int, on_state: OnState) -> Route:
            one = next(one for one in found if one.endpoint == number)
            return Dialer(
                ROUTE_NAME,
                where=lambda: _where(self.home, self.opened, one),
                identity=identity_towards(self.home, one),
                peer=tls_peer_of(self.home, one, self.keys[name, number]),
                party=party_towards(self.opened.line, name, (number,)),
                on_cell=on_cell,
                on_state=on_state,
                on_fault=on_fault,
                clock=self.monotonic,
                chance=self.chance,
                timings=self.timings,
            )

        numbers = tuple(one.endpoint for one in found)
        if len(numbers) == 1:
            return dial(numbers[0], on_state)
        return Ways(numbers[0], numbers, dial, on_state)

    def _listen(
        self, found: Sequence[PeerCard], on_cell: OnCell, on_state: OnState, on_fault: OnFault
    ) -> Listener:
        """Listen for whichever console of the peer dials; the newest session counts."""
        opened, peer = self.opened, found[0]
        file = opened.directory / _listening_name(opened, peer.station)
        return Listener(
            ROUTE_NAME,
            host=opened.card.host,
            port=_read_listening(file)[1] or peer.listen_port or opened.card.port,
            bound=lambda host, port: write_json(file, {"host": host, "port": port}),
            identity=identity_towards(self.home, peer),
            peer=tls_peer_of(
                self.home, peer, *(self.keys[one.station, one.endpoint] for one in found)
            ),
            party=party_towards(opened.line, peer.station, [one.endpoint for one in found]),
            on_cell=on_cell,
            on_state=on_state,
            on_fault=on_fault,
            clock=self.monotonic,
            timings=self.timings,
        )


def route_planner(
    home: Home, opened: Laid, *, monotonic: Monotonic, chance: Chance, timings: Timings
) -> PlanRoutes:
    """Return what plans the routes to each peer; of the direct one an end dials, the other listens.

    Raises:
        LinkError: a peer's TLS certificate does not read.
    Spec: docs/transport.md §1.4, §1.5
    """
    names = [peer.station for peer in opened.card.peers]
    consoles = {name: _consoles_of(opened, name) for name in names}
    keys = {
        (one.station, one.endpoint): _certificate_of(one)
        for found in consoles.values()
        for one in found
    }
    return _Planner(home, opened, consoles, keys, monotonic, chance, timings)


def _consoles_of(opened: Known, name: str) -> list[PeerCard]:
    """Return the peer's console in office, then the one aside that matters most, if any.

    A spare that is to come matters more than one that was left behind.
    """
    described = [one for one in (*opened.card.peers, *opened.card.spares) if one.station == name]
    in_office = opened.line.roster.standing.endpoint_of(name)
    front = [one for one in described if one.endpoint == in_office]
    aside = [one for one in described if one.endpoint != in_office]
    return [*front, *sorted(aside, key=lambda one: -one.endpoint)[:1]]


def _certificate_of(peer: PeerCard) -> bytes:
    try:
        der = ssl.PEM_cert_to_DER_cert(peer.tls_certificate)
        tls_pin(der)
    except (ValueError, PeerError) as error:
        raise LinkError(f"the card of {peer.station} holds no TLS certificate") from error
    return der


def listens_for(opened: Known, peer: str) -> bool:
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


def _listening_name(opened: Known, dialer: str) -> str:
    """Return the file that says where a station listens for another one.

    A listener serves one peer, so on a line of three and more each has a port of its own.
    """
    pair = len(opened.card.peers) == 1
    return LISTENING if pair else f"{LISTENING.removesuffix('.json')}-{dialer}.json"


def _where(home: Home, opened: Known, peer: PeerCard) -> tuple[str, int]:
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


@dataclass(frozen=True, slots=True)
class Way:
    """How one console of a peer and this station meet.

    Attributes:
        dialled: Whether this station dials, there; else it listens there. Port 0: unknown.
        identity: What this station shows there; `peer`: how it knows the other end.
    """

    dialled: bool
    host: str
    port: int
    identity: TlsIdentity
    peer: TlsPeer


def ways_of(home: Home, opened: Known, peer: str) -> list[Way]:
    """Return the ways of the direct route to a peer, the console in office first.

    Raises:
        LinkError: a peer's TLS certificate does not read.
    """
    found = _consoles_of(opened, peer)
    if listens_for(opened, peer):
        host, port = _read_listening(opened.directory / _listening_name(opened, peer))
        place = host or opened.card.host, port or found[0].listen_port or opened.card.port
        return [Way(False, *place, *_tls(home, found[0]))]
    return [Way(True, *_known_place(home, opened, one), *_tls(home, one)) for one in found]


def _tls(home: Home, peer: PeerCard) -> tuple[TlsIdentity, TlsPeer]:
    return identity_towards(home, peer), tls_peer_of(home, peer, _certificate_of(peer))


def _known_place(home: Home, opened: Known, peer: PeerCard) -> tuple[str, int]:
    try:
        return _where(home, opened, peer)
    except LinkError:
        return "", 0
