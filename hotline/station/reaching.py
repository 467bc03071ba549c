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
from hotline.sealing.roster import Roster
from hotline.station.examining import Examined
from hotline.station.home import Home, LineCard, read_card
from hotline.station.routes import Way, ways_of
from hotline.station.vouching import own_identity
from hotline.transport.reach import reach
from hotline.transport.tls import client_context

LIMIT_S = 5.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  nothing is bound here


@dataclass(frozen=True, slots=True)
class Place:
    """One way to a peer.

    Attributes:
        said: How it is set up, as a sentence without its full stop.
        fault: What is wrong with that, or "".
        look: Raises a LinkError where nobody answers, or the wrong one.
    """

    peer: str
    said: str
    fault: str
    look: Callable[[], Awaitable[None]]


def configured(home: Home) -> Iterator[tuple[str, Examined]]:
    """Yield what is set up for each peer of the line that is worked; touches no network.

    Raises:
        HotlineError: the line's card does not read.
    Spec: docs/transport.md §9.12
    """
    yield from _own(home)
    for place in places(home):
        if place.fault:
            yield place.peer, Examined("FAIL", place.fault)
        else:
            yield place.peer, Examined("OK", f"{place.said}.")


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
            return place.peer, Examined("FAIL", f"{what[:1].upper()}{what[1:]}; {error.hint}.")
        return place.peer, Examined("OK", f"{place.said}, and that answers.")

    found = [place for place in places(home) if not place.fault]
    return list(await asyncio.gather(*map(one, found)))


def _own(home: Home) -> Iterator[tuple[str, Examined]]:
    """See that the certificate that this station shows has its key."""
    identity = own_identity(home)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(identity.certificate_path, identity.key_path)
    except (OSError, ValueError):
        what = "The certificate of its links, or its key, cannot be loaded: put tls/ back from a"
        yield "this station", Examined("FAIL", f"{what} backup, or no route opens.")


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


def places(home: Home) -> list[Place]:
    """Return every way to every peer of the line that is worked.

    Raises:
        HotlineError: the line's card does not read.
    """
    directory = home.only_line()
    card = read_card(directory)
    roster = Roster.read([record.encode() for record in card.records])
    laid = _Laid(directory, card, _Named(card.station, roster))
    peers = [peer.station for peer in card.peers]
    return [_place(peer, way) for peer in peers for way in ways_of(home, laid, peer)]


def _place(peer: str, way: Way) -> Place:
    at, fault = f"{way.host}:{way.port}", ""
    if not way.port:
        fault = f"Nobody knows where {peer} listens: run hotline line route HOME --to HOST:PORT."
    if way.dialled:
        return Place(peer, f"{peer} is dialled at {at}", fault, partial(_dial, way))
    return Place(peer, f"{peer} dials this station at {at}", "", partial(_listen, way))


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
