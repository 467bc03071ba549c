"""Where the other stations are dialled, and where we listen, after a line was set up.

The record comes first, then line.json: cut short between the two, the next start or the
same command writes the file. What is newer counts: a card that was imported, or a word
of the officer's.
Spec: docs/enrolment.md §9.7
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.seams import Clock
from hotline.sealing.card import Route
from hotline.station.cards import kept_card
from hotline.station.dialling import MAX_PORT
from hotline.station.drafts import draft_of
from hotline.station.home import Home, OpenLine, PeerCard, read_card, write_json
from hotline.station.identity import Listening, read_identity
from hotline.station.routes import LISTENING, listens_for
from hotline.station.upkeep import Work


@dataclass(frozen=True, slots=True)
class Rerouted:
    """Where a station is dialled from the next start on, and where it was before."""

    peer: str
    now: str
    before: str


def reroute(work: Work, route: Route, peer: str = "") -> Rerouted:
    """Dial another station elsewhere from the next start on.

    Args:
        peer: Which one; "" for the only one that is dialled.
    Raises:
        OperatorError: it dials us, or it is dialled there already.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/enrolment.md §9.7
    """
    opened = work.opened
    found = _dialled(opened, peer)
    _check_changes(found.station, _words(found), route.host, route.port)
    _take(opened, found, route, work.bench.clock())
    return Rerouted(found.station, f"{route.host}:{route.port}", _words(found))


def listen_anew(work: Work) -> Rerouted:
    """Listen from the next start on where station.json says now.

    Raises:
        OperatorError: this station dials, has no route, or listens there already.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/enrolment.md §9.7
    """
    opened = work.opened
    card, identity = opened.card, read_identity(work.bench.home)
    at = identity.listening or identity.route
    if at is None or not card.listens or len(card.peers) != 1:
        raise OperatorError(
            "this station does not listen for one other station alone",
            hint="say where another one is dialled: hotline line route --to",
        )
    before = f"{card.host}:{card.port}"
    _check_changes(card.station, before, at.host, at.port)
    _record(opened, card.station, at, before, work.bench.clock())
    with contextlib.suppress(FileNotFoundError):
        # It says where we listened last, and would be gone back to.
        (opened.directory / LISTENING).unlink()
    changed = read_card(opened.directory).model_copy(update={"host": at.host, "port": at.port})
    write_json(opened.directory / "line.json", changed)
    return Rerouted(card.station, f"{at.host}:{at.port}", before)


def routes_of_cards(home: Home, opened: OpenLine, clock: Clock) -> OpenLine:
    """Take the routes on cards that were imported since; return the line as it is then.

    A card counts when its root is the one that the line knows, and it was made after the
    route was told last. One that does not read any more is passed over.

    Raises:
        StorageError: it could not be made durable.
    Spec: docs/enrolment.md §9.7
    """
    for peer in opened.card.peers:
        if peer.home or listens_for(opened, peer.station):
            continue
        told = route_told(opened, peer.station)
        if told.route is not None and is_elsewhere(peer, told.route):
            # A crash came between the record and the file.
            opened = _write(opened, peer, told.route)
        card = _newer_card(home, opened, peer, told.at_ms)
        if card is not None and is_elsewhere(peer, card):
            opened = _take(opened, peer, card, clock())
    return opened


@dataclass(frozen=True, slots=True)
class Told:
    """What the record said last of a station's route; None: nothing since it began."""

    at_ms: int
    route: Route | None


def route_told(opened: OpenLine, station: str) -> Told:
    """Return what the record said last of a station's route, and when."""
    for entry in opened.ledger.of_kind(ev.RouteChanged.kind, newest_first=True):
        event = ev.decode_event(entry.kind, entry.content) if entry.erased is None else None
        if isinstance(event, ev.RouteChanged) and event.peer == station:
            return Told(entry.recorded_at_ms, Route(host=event.host, port=event.port))
    return Told(next(iter(opened.ledger.leaves(0, 1))).recorded_at_ms, None)


def _newer_card(home: Home, opened: OpenLine, peer: PeerCard, told_ms: int) -> Route | None:
    """Return where a card leads that was made after `told_ms`, of a root that the line knows.

    A station that several dial listens for us `rank` ports after that of its route.
    Spec: docs/enrolment.md §8.6
    """
    card = None
    with contextlib.suppress(OperatorError):
        card = kept_card(home, peer.station)
    root = opened.line.roster.lineages[peer.station].first.digest
    if card is None or card.root.digest != root or card.made_ms <= told_ms:
        return None
    route = card.body.route
    if route is None or route.port + peer.rank > MAX_PORT:
        return None
    return Route(host=route.host, port=route.port + peer.rank)


def is_elsewhere(peer: PeerCard, route: Route) -> bool:
    """Return whether a route leads elsewhere than where a peer is dialled."""
    return (peer.host, peer.port) != (route.host, route.port)


def _take(opened: OpenLine, peer: PeerCard, route: Route, now_ms: int) -> OpenLine:
    """Record a route, then write it into line.json; return the line with it."""
    _record(opened, peer.station, route, _words(peer), now_ms)
    return _write(opened, peer, route)


def _write(opened: OpenLine, peer: PeerCard, route: Route) -> OpenLine:
    # What a certificate that came meanwhile added to line.json stays.
    card = read_card(opened.directory)
    moved = peer.model_copy(update={"host": route.host, "port": route.port, "home": ""})
    peers = tuple(moved if one.station == peer.station else one for one in card.peers)
    card = card.model_copy(update={"peers": peers})
    write_json(opened.directory / "line.json", card)
    return replace(opened, card=card)


def _record(
    opened: OpenLine, station: str, at: Route | Listening, before: str, now_ms: int
) -> None:
    changed = ev.RouteChanged(peer=station, host=at.host, port=at.port, before=before)
    opened.ledger.append([draft_of(Planned(changed), now_ms)])


def _check_changes(station: str, before: str, host: str, port: int) -> None:
    if before == f"{host}:{port}":
        raise OperatorError(f"{station} is reached at {before} already", hint="nothing was changed")


def _dialled(opened: OpenLine, peer: str) -> PeerCard:
    dialled = [one for one in opened.card.peers if not listens_for(opened, one.station)]
    found = [one for one in dialled if peer in ("", one.station)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.station for one in dialled)
    if found:
        raise OperatorError("several stations are dialled", hint=f"say which with --peer: {names}")
    raise OperatorError(
        f"this station does not dial {peer or 'anybody'}",
        hint=f"it dials {names}" if names else "say its own address: hotline card export --route",
    )


def _words(peer: PeerCard) -> str:
    return f"{peer.host}:{peer.port}"
