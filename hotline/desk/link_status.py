"""The link to each peer in words: on row 0, and route by route on the link screen.

Spec: docs/transport.md §12.5, §12.7
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hotline.core.exchange.channels import officers_due_ms, watched
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Link, Situation
from hotline.core.exchange.tested import DAY_MS, PeerTests, RouteTests
from hotline.core.protocols.channel import Channel, ChannelTimes, Colour, colour, is_good
from hotline.core.times import format_clock, format_span
from hotline.desk.link_views import PeerLinkView, RouteView
from hotline.desk.views import LinkView, Mark

Health = Callable[[str, str], str]
"""Says of a peer's route how well it answers now; "" where nobody knows, as in a replay."""

_SEVERAL = 2
_MEANS = {
    "UP": "What you send goes out now.",
    "UP untested": "Connected, not tested yet. A test runs by itself; nothing is asked of you.",
    "UP n of n": "What you send goes out, but not every route is in order: see below.",
    "DEGRADED": "Connected, but tests do not come back. Use voice too for what cannot wait.",
    "NO ECHO": "Connected, but no test comes back: what you send may not arrive. Use voice.",
    "BLOCKED": "The other end shows another key. Nothing goes out. Use voice; call your "
    "security officer.",
    "DOWN": "Nothing goes out. What you send waits here and goes out by itself. Use voice for "
    "what cannot wait.",
}


def link_state(
    situation: Situation, times: ChannelTimes, peer: str, now_ms: int
) -> tuple[str, str, Colour]:
    """Return the word of the link to a peer, its kind in `_MEANS`, and the colour.

    Spec: docs/transport.md §12.5
    """
    names = situation.routes.get(peer, {})
    routes = [watched(situation, peer, name) for name in names]
    shade = colour(times, routes, now_ms)
    link = situation.links.get(peer, Link())
    if link.state != "UP":
        down = f" {format_span(now_ms - link.since_ms)}" if link.since_ms else ""
        return f"{link.state}{down}", link.state, shade
    if shade is Colour.RED:
        silent = [name for name in names if _silent(situation, peer, name)]
        since_ms = min((situation.channels[peer, one].since_ms for one in silent), default=now_ms)
        return f"NO ECHO {format_span(now_ms - since_ms)}", "NO ECHO", shade
    if shade is Colour.GREEN:
        return "UP", "UP", shade
    good = sum(is_good(times, one, now_ms) for one in routes)
    if good:
        return f"UP {good} of {len(routes)}", "UP n of n", shade
    if any(one.up and one.state is Channel.DEGRADED for one in routes):
        return "DEGRADED", "DEGRADED", shade
    return "UP untested", "UP untested", shade


def _silent(situation: Situation, peer: str, name: str) -> bool:
    one = watched(situation, peer, name)
    return one.up and one.state is Channel.DOWN


_MARKS = {Colour.GREEN: Mark.CALM, Colour.AMBER: Mark.NOTICE, Colour.RED: Mark.WARNING}


def link_words(
    situation: Situation, times: ChannelTimes, peer: str, now_ms: int
) -> tuple[str, Mark]:
    """Return what row 0 says of the link to a peer, and how much that matters."""
    word, kind, shade = link_state(situation, times, peer, now_ms)
    return word, Mark.WARNING if kind == "DEGRADED" else _MARKS[shade]


def link_views(
    situation: Situation, times: ChannelTimes, peers: Sequence[str], now_ms: int
) -> tuple[LinkView, ...]:
    """Return the link to each of several peers, () where there is one."""
    if len(peers) < _SEVERAL:
        return ()
    views = []
    for peer in peers:
        word, kind, shade = link_state(situation, times, peer, now_ms)
        symbol = "x" if kind == "BLOCKED" else "-" if shade is Colour.RED else "+"
        views.append(LinkView(peer, word, symbol, link_words(situation, times, peer, now_ms)[1]))
    return tuple(views)


def summary_of(links: Sequence[LinkView]) -> tuple[str, Mark]:
    """Return the state of several links in a few words."""
    up = sum(link.symbol == "+" for link in links)
    worst = max((link.mark for link in links), key=list(Mark).index)
    return f"{up} of {len(links)} UP", worst


# --- the link screen -----------------------------------------------------------------------------


def peer_links(
    situation: Situation, rules: Rules, peers: Iterable[str], now_ms: int, health: Health
) -> tuple[PeerLinkView, ...]:
    """Return everything that the link screen shows."""
    return tuple(_peer_link(situation, rules.channel, peer, now_ms, health) for peer in peers)


def _peer_link(
    situation: Situation, times: ChannelTimes, peer: str, now_ms: int, health: Health
) -> PeerLinkView:
    word, kind, shade = link_state(situation, times, peer, now_ms)
    known = situation.tests.get(peer, PeerTests())
    routes = situation.routes.get(peer, {})
    return PeerLinkView(
        peer=peer,
        colour=shade,
        word=word,
        mark=link_words(situation, times, peer, now_ms)[1],
        means=_MEANS[kind],
        routes=tuple(
            _route(
                link,
                situation.channels.get((peer, name), RouteTests()),
                name,
                now_ms,
                health(peer, name),
            )
            for name, link in routes.items()
        ),
        lines=(day_words(known, now_ms), _officers_words(times, known, peer, now_ms)),
    )


def _route(link: Link, tests: RouteTests, name: str, now_ms: int, health: str) -> RouteView:
    """Return one route: since when it is what it is, and what its tests said."""
    up = link.state == "UP"
    word, mark = link.state, Mark.CALM if up else Mark.WARNING
    if up and tests.state in (Channel.DEGRADED, Channel.DOWN):
        word, mark = ("DEGRADED" if tests.state is Channel.DEGRADED else "NO ECHO"), Mark.WARNING
    lines = [f"{'up' if up else 'not up'} since {format_clock(link.since_ms)}: {link.reason}"]
    if health:
        lines.append(health)
    if tests.passed_ms:
        took = f"{tests.rtt_ms} ms" if tests.rtt_ms < _SLOW_MS else f"{tests.rtt_ms // 1000} s"
        lines.append(f"last echo {format_clock(tests.passed_ms)}, after {took}")
    else:
        lines.append("no test has come back yet")
    if tests.waiting:
        lines.append(f"test {tests.serial} is on its way since {format_clock(tests.tested_ms)}")
    if tests.misses:
        many = f"{tests.misses} tests" if tests.misses > 1 else "1 test"
        lines.append(f"{many} missed in a row, the last one due {format_clock(tests.tested_ms)}")
    lately = [passed for at_ms, passed in tests.results if at_ms > now_ms - DAY_MS]
    if lately:
        lines.append(f"last 24 hours: {sum(lately)} of {len(lately)} tests came back")
    if tests.heard_ms:
        lines.append(f"their last test came {format_clock(tests.heard_ms)}")
    return RouteView(name, word, mark, tuple(lines))


_SLOW_MS = 10_000


def day_words(known: PeerTests, now_ms: int) -> str:
    """Return the tests of today in one sentence."""
    passed, of = known.days.get(now_ms // DAY_MS, (0, 0))
    return f"Channel tests today: {passed} of {of}." if of else "No channel test today yet."


def _officers_words(times: ChannelTimes, known: PeerTests, peer: str, now_ms: int) -> str:
    """Return how the test from officer to officer stands.

    Spec: docs/transport.md §12.8
    """
    due_ms = officers_due_ms(times, known)
    if not due_ms:
        return f"Officers' test: due from when {peer} is first reached."
    last = f"last {format_clock(known.officers_ms)}" if known.officers_ms else "none yet"
    if due_ms <= now_ms:
        return f"Officers' test: {last}; OVERDUE since {format_clock(due_ms)}. F3, Link test."
    return f"Officers' test: {last}; next by {format_clock(due_ms)}."
