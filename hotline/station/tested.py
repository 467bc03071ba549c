"""What a peer says of the channel: its tests, echoes of ours, its queries.

Spec: docs/protocol.md §7.40
"""

from __future__ import annotations

from hotline.core.exchange.commands import HearEcho, HearQuery, HearTest
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem


def read_tested(
    item: LineTestItem | LineEchoItem | QueryItem, peer: str, by: str
) -> HearTest | HearEcho | HearQuery:
    """Return what to decide of an item that came from `peer` by the route `by`."""
    match item:
        case LineTestItem():
            return HearTest(peer, by, item.serial, item.phrase)
        case QueryItem():
            return HearQuery(peer, item.digest.hex(), item.step)
        case LineEchoItem():
            # Its size is what the peer said then: a newer head may have come by another route.
            return HearEcho(peer, by, item.serial, item.phrase, item.size)
