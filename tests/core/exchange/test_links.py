"""Several routes to a peer in the fold: each of them, and the link that they make together."""

from __future__ import annotations

from hotline.core.exchange.fold import apply
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev


def folded(*changes: tuple[str, str]) -> Situation:
    situation = Situation()
    for index, (route, state) in enumerate(changes):
        event = ev.LinkChanged(peer="SOUTH", route=route, state=state, reason=f"reason {index}")
        apply(situation, Happening(index, 1_000 * index, event))
    return situation


def link_of(*changes: tuple[str, str]) -> str:
    return folded(*changes).links["SOUTH"].state


def test_link_is_up_while_any_route_is() -> None:
    """Spec: docs/transport.md §11.2"""
    both = (("direct", "UP"), ("relay-a", "UP"))
    assert link_of(*both) == "UP"
    assert link_of(*both, ("direct", "DOWN")) == "UP"
    assert link_of(*both, ("direct", "BLOCKED")) == "UP"
    assert link_of(*both, ("direct", "DOWN"), ("relay-a", "DOWN")) == "DOWN"
    assert link_of(("direct", "DOWN"), ("relay-a", "BLOCKED")) == "BLOCKED"


def test_link_keeps_its_time_while_only_routes_change() -> None:
    situation = folded(("direct", "UP"), ("relay-a", "UP"), ("direct", "DOWN"), ("direct", "UP"))
    assert situation.links["SOUTH"].since_ms == 0
    assert situation.routes["SOUTH"]["direct"].since_ms == 3_000
    assert situation.routes["SOUTH"]["relay-a"].state == "UP"


def test_one_route_is_the_link() -> None:
    situation = folded(("direct", "UP"), ("direct", "DOWN"))
    assert situation.links["SOUTH"] == situation.routes["SOUTH"]["direct"]


def test_route_that_is_worked_no_longer_counts_for_nothing() -> None:
    """Spec: docs/transport.md §11.2"""
    situation = folded(("relay-a", "BLOCKED"), ("direct", "DOWN"), ("relay-a", "GONE"))
    assert list(situation.routes["SOUTH"]) == ["direct"]
    assert situation.links["SOUTH"].state == "DOWN"
