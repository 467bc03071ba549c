"""The routes of a line as a check-up sees them: what is set up, and, where asked, who answers.

Spec: docs/transport.md §9.12
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hotline.core.errors import LinkError, OperatorError
from hotline.core.values import Realm
from hotline.sealing.roster import Roster
from hotline.station.examining import Examined
from hotline.station.home import Home, LineCard, read_card
from hotline.station.relays import LineRelay, read_relays
from hotline.station.routes import Way, ways_of
from hotline.station.vouching import own_identity
from hotline.transport.reach import reach
from hotline.transport.relay.calling import RelayAddress
from hotline.transport.relay.tls import pinned_context
from hotline.transport.tls import client_context

LIMIT_S = 5.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  nothing is bound here


@dataclass(frozen=True, slots=True)
class Place:
    """One way to a peer, or a relay.

    Attributes:
        about: What a finding on it is about.
        said: How it is set up, as a sentence without its full stop.
        fault: What is wrong with that, or "".
        look: Raises a LinkError where nobody answers, or the wrong one.
    """

    about: str
    said: str
    fault: str
    look: Callable[[], Awaitable[None]]
    relay: bool = False


def configured(home: Home) -> Iterator[tuple[str, Examined]]:
    """Yield what is set up for each peer of the line that is worked; touches no network.

    Raises:
        HotlineError: the line's card does not read.
    Spec: docs/transport.md §9.12
    """
    yield from _own(home)
    laid = _lay(home)
    found = _places(home, laid)
    for place in found:
        if place.fault:
            yield place.about, Examined("FAIL", place.fault)
        else:
            yield place.about, Examined("OK", f"{place.said}.")
    if not any(place.relay for place in found):
        what = "No relay is set up, so that what cuts the direct route ends the line: add one with"
        live = laid.line.roster.realm is Realm.LIVE
        yield "relays", Examined("WARN" if live else "OK", f"{what} hotline line relay add.")


async def reached(home: Home) -> list[tuple[str, Examined]]:
    """Look whether somebody answers at each place; all at once, in bounded time.

    Raises:
        HotlineError: the line's card does not read.
    Spec: docs/transport.md §9.12
    """

    async def one(place: Place) -> tuple[str, Examined]:
        try:
            await place.look()
        except (LinkError, OperatorError) as error:
            what = str(error)
            return place.about, Examined("FAIL", f"{what[:1].upper()}{what[1:]}; {error.hint}.")
        return place.about, Examined("OK", f"{place.said}, and that answers.")

    found = [place for place in _places(home, _lay(home)) if not place.fault]
    return list(await asyncio.gather(*map(one, found)))


def _own(home: Home) -> Iterator[tuple[str, Examined]]:
    """See that the certificate that this station shows has its key."""
    identity = own_identity(home)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(identity.certificate_path, identity.key_path)
    except (OSError, ValueError):
        what = "The certificate of its links, or its key, cannot be loaded: put tls/ back from a"
        yield "links", Examined("FAIL", f"{what} backup, or no route opens.")


@dataclass(frozen=True, slots=True)
class _Named:
    station: str
    roster: Roster


@dataclass(frozen=True, slots=True)
class _Laid:
    """A line as its open files describe it: no key is needed to look at its routes."""

    directory: Path
    card: LineCard
    line: _Named


def _lay(home: Home) -> _Laid:
    directory = home.only_line()
    card = read_card(directory)
    roster = Roster.read([record.encode() for record in card.records])
    return _Laid(directory, card, _Named(card.station, roster))


def _places(home: Home, laid: _Laid) -> list[Place]:
    """Return every way to every peer of a line, then its relays."""
    peers = [peer.station for peer in laid.card.peers]
    direct = [_place(peer, way) for peer in peers for way in ways_of(home, laid, peer)]
    return [*direct, *map(_relay, read_relays(laid.directory).relays)]


def _relay(relay: LineRelay) -> Place:
    at = relay.card.address
    said = f"The relay {relay.name} is dialled at {at.host}:{at.port}"
    return Place(f"relay {relay.name}", said, "", partial(_call, at), relay=True)


async def _call(at: RelayAddress) -> None:
    await reach(at.host, at.port, pinned_context(at.tls), at.tls, LIMIT_S)


def _place(peer: str, way: Way) -> Place:
    about, at, fault = f"route to {peer}", f"{way.host}:{way.port}", ""
    if not way.port:
        fault = f"Nobody knows where {peer} listens: run hotline line route HOME --to HOST:PORT."
    if way.dialled:
        return Place(about, f"{peer} is dialled at {at}", fault, partial(_dial, way))
    return Place(about, f"{peer} dials this station at {at}", "", partial(_listen, way))


async def _dial(way: Way) -> None:
    context = client_context(way.identity, way.peer)
    await reach(way.host, way.port, context, way.peer, LIMIT_S)


async def _listen(way: Way) -> None:
    """See that something of ours takes connections where the peer will come."""
    try:
        async with asyncio.timeout(LIMIT_S):
            host = _ANYWHERE.get(way.host, way.host)
            _, writer = await asyncio.open_connection(host, way.port)
        writer.transport.abort()
    except (OSError, TimeoutError) as error:
        raise LinkError(
            f"nothing of this station listens at {way.host}:{way.port}",
            hint="start the station (hotline console), or see who else has the port",
        ) from error
