"""How far a home has come, read from the home itself: there is no other memory of it.

Spec: docs/enrolment.md §12.2
"""

from __future__ import annotations

from collections.abc import Callable

from hotline.core.times import format_time
from hotline.desk.guided.checks import shown
from hotline.desk.guided.lining import check_first
from hotline.desk.guided.views import (
    CONSOLE_KEY,
    ROOT_KEY,
    SUCCESSOR_KEY,
    LineView,
    PeerView,
    SetupView,
    Words,
)
from hotline.host.keyfile import is_protected
from hotline.sealing.card import Card, Route
from hotline.sealing.certificate import Usage
from hotline.sealing.charter import Charter
from hotline.sealing.roster import Roster
from hotline.station.cards import accepted_card, kept_stations
from hotline.station.founded import ANSWER_FILE
from hotline.station.home import Home, LineCard, read_card
from hotline.station.identity import STATION_FILE, Listening, read_identity
from hotline.station.lineup import read_lineup
from hotline.station.opening import waiting_line

Say = Callable[[Charter], Words]


def is_station(home: Home) -> bool:
    """Return whether a station stands there already."""
    return (home.path / STATION_FILE).is_file()


def read_setup(home: Home, held: frozenset[str], say: Say) -> SetupView:
    """Return how far the station of a home has come.

    Args:
        held: Names of the key files whose passphrases are known.
        say: Puts a charter into words.
    Raises:
        OperatorError, IntegrityError, StorageError: something in it does not read.
    """
    if not is_station(home):
        return SetupView(home=shown(home.path))
    identity = read_identity(home)
    officers = identity.officers().items()
    return SetupView(
        home=shown(home.path),
        made=True,
        station=identity.station,
        realm=identity.realm.value,
        route=address_words(identity.route),
        listening=address_words(identity.listening),
        protected=is_protected(home.keys / CONSOLE_KEY),
        held=held,
        root_here=(home.keys / ROOT_KEY).is_file(),
        successor_here=(home.keys / SUCCESSOR_KEY).is_file(),
        officers=tuple((one, held.shown, _day(held.not_after_ms)) for one, held in officers),
        peers=tuple(peer_view(accepted_card(home, name)) for name in kept_stations(home)),
        line=_whole_line(home, say) or _opened_line(home, say),
    )


def address_words(address: Route | Listening | None) -> str:
    """Return HOST:PORT, "" for none."""
    return f"{address.host}:{address.port}" if address is not None else ""


def peer_view(card: Card) -> PeerView:
    """Return what a card says of its station."""
    newest = {one.person: one.shown for one in card.station.certified(Usage.STATEMENT)}
    return PeerView(
        card.name, tuple(newest.values()), address_words(card.body.route), _day(card.made_ms)
    )


def _whole_line(home: Home, say: Say) -> LineView | None:
    found = read_lineup(home.lines).current
    if found is None:
        return None
    directory = found.directory
    card = read_card(directory)
    charter = Roster.read([record.encode() for record in card.records]).charter
    joined = (directory / ANSWER_FILE).is_file()
    peers = " and ".join(peer.station for peer in card.peers)
    return LineView(charter.name, peers, True, joined, say(charter), _dialled(card))


def _dialled(card: LineCard) -> str:
    """Say who dials on a line of two; of more, `hotline line show` does."""
    peer, *more = card.peers
    if more:
        return ""
    if card.listens:
        return f"{card.station} listens at {card.host}:{card.port}; {peer.station} dials it."
    return f"{card.station} dials {peer.station} at {peer.host}:{peer.port}."


def _opened_line(home: Home, say: Say) -> LineView | None:
    waiting = waiting_line(home)
    if waiting is None:
        return None
    check_first(waiting.charter)
    (peer,) = waiting.own.recipients
    return LineView(waiting.charter.name, peer, False, False, say(waiting.charter))


def _day(at_ms: int) -> str:
    return format_time(at_ms)[:10]
