"""Who dials whom on a line that was set up by hand, at which port, and what line.json says of it.

Both stations of a pair work it out from the same cards, so nobody has to tell the other.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError
from hotline.sealing.card import Card, Route
from hotline.sealing.roster import Roster
from hotline.station.home import LineCard, PeerCard
from hotline.station.identity import Identity

MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Call:
    """Of one pair of stations: who listens, and where the other one dials.

    Attributes:
        rank: How many stations the listener listens for at lower ports.
    """

    listener: str
    dialer: str
    host: str
    port: int
    rank: int

    def __str__(self) -> str:
        return f"{self.dialer} dials {self.listener} at {self.host}:{self.port}"


def calls_between(routes: Mapping[str, Route | None]) -> list[Call]:
    """Return who dials whom: of a pair, the first in the charter that can be dialled listens.

    A listener serves one station, so whom several dial listens at ports in succession, from
    that of its route on, in the charter's order.

    Args:
        routes: Where each member can be dialled, in the charter's order.
    Raises:
        OperatorError: no station of a pair can be dialled, or the ports do not suffice.
    Spec: docs/enrolment.md §8.6
    """
    calls: list[Call] = []
    for pair in itertools.combinations(routes, 2):
        listener = next((name for name in pair if routes[name] is not None), None)
        route = routes[listener] if listener is not None else None
        if listener is None or route is None:
            raise _nobody_listens(pair, len(routes) == 2)
        rank = sum(call.listener == listener for call in calls)
        if route.port + rank > MAX_PORT:
            raise OperatorError(
                f"{listener} is dialled at port {route.port} and needs more ports after that",
                hint="give it a route with a lower port: hotline card export --route HOST:PORT",
            )
        (dialer,) = set(pair) - {listener}
        calls.append(Call(listener, dialer, route.host, route.port + rank, rank))
    return calls


def _nobody_listens(pair: tuple[str, str], alone: bool) -> OperatorError:
    who = "neither station" if alone else f"neither {pair[0]} nor {pair[1]}"
    return OperatorError(
        f"{who} says where it can be dialled",
        hint="give one of them a route with hotline card export --route HOST:PORT",
    )


def routes_of(cards: Sequence[Card]) -> dict[str, Route | None]:
    """Return where each station can be dialled, as its card says."""
    return {card.name: card.body.route for card in cards}


def line_card(
    identity: Identity, cards: Sequence[Card], roster: Roster, records: Sequence[bytes]
) -> LineCard:
    """Return what line.json says of a line that was set up by hand.

    Args:
        cards: Of all members, our own among them, in the charter's order.
    Raises:
        OperatorError: as `calls_between`.
    """
    calls = calls_between(routes_of(cards))
    ours = [call for call in calls if identity.station == call.listener]
    base = (identity.listening or identity.route) if ours else None
    theirs = {call.listener: call for call in calls if identity.station == call.dialer}
    ports: dict[str, int] = {}
    # Of two stations the one that listens does so at the port of the line itself.
    if base is not None and base.port and len(cards) > 2:
        ports = {call.dialer: base.port + call.rank for call in ours}
        if max(ports.values()) > MAX_PORT:
            raise OperatorError(
                f"{identity.station} listens at port {base.port} and needs more ports after that",
                hint="give a lower port with hotline card export --listen HOST:PORT, then run"
                " this again",
            )
    peers = [
        _peer_card(card, theirs.get(card.name), ports.get(card.name, 0))
        for card in cards
        if card.name != identity.station
    ]
    before = roster.charter.predecessor
    line = LineCard(
        station=identity.station,
        line=roster.line.hex(),
        listens=bool(ours),
        prekey_not_after=identity.prekey_not_after,
        records=tuple(record.decode() for record in records),
        peers=tuple(peers),
        follows=before.hex() if before is not None else "",
    )
    return line if base is None else line.model_copy(update={"host": base.host, "port": base.port})


def _peer_card(card: Card, call: Call | None, listen_port: int) -> PeerCard:
    peer = PeerCard(
        station=card.name,
        prekey=to_base64(card.prekey.encoded),
        recovery=to_base64(card.recovery.encoded),
        tls_certificate=ssl.DER_cert_to_PEM_cert(card.body.tls),
        listen_port=listen_port,
    )
    if call is None:
        return peer
    return peer.model_copy(update={"host": call.host, "port": call.port, "rank": call.rank})
