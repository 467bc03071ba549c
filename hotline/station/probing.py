"""`hotline spare test`: a spare console and the peer prove their keys to each other, no more.

Spec: docs/enrolment.md §11.4, docs/protocol.md §4.35
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import HotlineError, LinkError, OperatorError, PeerError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.records import events as ev
from hotline.core.seams import Clock
from hotline.host.clock import monotonic_s
from hotline.host.entropy import system_chance
from hotline.host.keyfile import read_key_file
from hotline.sealing.certificate import FIRST_ENDPOINT
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.items import Item
from hotline.station.courier import Courier
from hotline.station.home import LineCard, read_line
from hotline.station.identity import read_identity
from hotline.station.journal import JournalOwner, open_journal
from hotline.station.laying import CONSOLE_KEY
from hotline.station.line import Line
from hotline.station.routes import ROUTE_NAME, route_planner
from hotline.station.upkeep import Bench
from hotline.transport.link import Timings
from hotline.transport.route import Route

ASK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Probed:
    """A line that is looked at without a ledger."""

    directory: Path
    card: LineCard
    line: Line


async def probe_spare(
    bench: Bench, catalogue: Catalogue, timings: Timings, limit_s: float
) -> ev.SpareTested:
    """Meet the peer as a spare and prove keys to each other; recorded in our journal, and there.

    Raises:
        OperatorError: this is no spare, or it is in office; a wrong passphrase.
        LinkError: the peer did not answer in time, or does not know this spare.
        StorageError: it could not be recorded.
    Spec: docs/enrolment.md §11.4
    """
    passphrase = bench.passphrase(bench.home.keys / CONSOLE_KEY)
    probed = Probed(*read_line(bench.home, passphrase, bench.clock, bench.entropy))
    line = probed.line
    if line.endpoint == FIRST_ENDPOINT or line.endpoint == line.roster.standing.endpoint_of(
        line.station
    ):
        raise OperatorError("only a spare console that has not taken over is tested")
    (peer,) = line.peers
    probe = _Probe(Courier(line), peer, bench.clock)
    plan = route_planner(
        bench.home, probed, monotonic=monotonic_s, chance=system_chance, timings=timings
    )
    direct = next(one for one in plan(peer) if one.name == ROUTE_NAME)
    route = direct.make(probe.hear, probe.changed, _ignore)
    instance = await probe.meet(route, limit_s)
    tested = ev.SpareTested(
        station=line.station, endpoint=line.endpoint, peer=peer, instance=instance
    )
    _note(bench, catalogue, passphrase, tested)
    return tested


class _Probe:
    """The handshake of a spare, and nothing else of a station."""

    def __init__(self, courier: Courier, peer: str, clock: Clock) -> None:
        self._courier, self._peer, self._clock = courier, peer, clock
        self._pair = courier.pairs[peer]
        self._news = asyncio.Event()
        self._answers: list[Item] = []

    async def hear(self, cell: bytes) -> None:
        """Take the peer's part of the handshake; everything else is passed over."""
        with contextlib.suppress(PeerError):
            verified = self._courier.open(cell)
            self._answers += self._pair.settle(verified, self._clock())
            self._news.set()

    async def changed(self, _state: str, _reason: str) -> None:
        """Ask as soon as the link is up."""
        self._news.set()

    async def meet(self, route: Route, limit_s: float) -> str:
        """Work the route until the peer has proved itself; return the start of it that did.

        Raises:
            LinkError: it did not in time.
        """
        work = asyncio.create_task(route.run())
        try:
            async with asyncio.timeout(limit_s):
                while not await self._is_over(route):
                    await self._say(route)
        except TimeoutError as error:
            raise LinkError(
                f"{self._peer} did not answer this spare console",
                hint=f"see that {self._peer} runs and has admitted it; stop the first console",
            ) from error
        finally:
            await route.close()
            work.cancel()
            await asyncio.wait([work])
        return self._pair.instance

    async def _is_over(self, route: Route) -> bool:
        """Return whether the peer has proved itself, and has taken what was said to that.

        The first console may still dial, and its session take the place of this one.
        """
        if not self._pair.ready or self._answers:
            return False
        try:
            await route.ping()
        except LinkError:
            self._pair.doubt()
            return False
        return True

    async def _say(self, route: Route) -> None:
        """Say what is to be said now, then wait for news, or ask again."""
        items, self._answers = self._answers, []
        if not items and route.up:
            items = [self._pair.ask(self._clock())]
        for item in items:
            with contextlib.suppress(HotlineError):
                await route.send(self._courier.seal(self._peer, [item]))
        self._news.clear()
        if self._answers or self._pair.ready:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_S):
                await self._news.wait()


def _ignore(_fault: Exception) -> None:
    """What a route reports is said by the test's outcome."""


def _note(bench: Bench, catalogue: Catalogue, passphrase: str | None, event: ev.Event) -> None:
    """Record in the station's own ledger, which a spare has before it has one of the line."""
    identity = read_identity(bench.home)
    seeds = read_key_file(bench.home.keys / CONSOLE_KEY, passphrase).seeds
    owner = JournalOwner(
        station=identity.station,
        realm=identity.realm,
        root=identity.verified().root.digest,
        records=identity.envelopes,
        packs={one.name: one.digest.hex() for one in catalogue.packs},
        signer=Ed25519Signer(seeds["ledger/ed25519"]),
        passphrase=passphrase,
    )
    with contextlib.closing(open_journal(bench.home.path, owner, bench.clock, bench.entropy)) as it:
        it.record(event)
