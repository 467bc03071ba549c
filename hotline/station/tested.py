"""What a peer says of the channel: its tests, echoes of ours, its queries.

Spec: docs/protocol.md §7.40
"""

from __future__ import annotations

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import HearEcho, HearQuery, HearTest
from hotline.core.records.checkpoint import Checkpoint
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem


def read_tested(
    item: LineTestItem | LineEchoItem | QueryItem, peer: str, by: str, held: Checkpoint | None
) -> HearTest | HearEcho | HearQuery:
    """Return what to decide of an item that came from `peer` by the route `by`.

    Args:
        held: The newest head of the peer's ledger that is witnessed here.
    Raises:
        PeerError: an echo that says its ledger is shorter than that.
    """
    match item:
        case LineTestItem():
            return HearTest(peer, by, item.serial, item.phrase)
        case QueryItem():
            return HearQuery(peer, item.digest.hex(), item.step)
        case LineEchoItem():
            if held is not None and item.size < held.size:
                raise PeerError("test: its echo names a shorter ledger than is witnessed here")
            return HearEcho(peer, by, item.serial, item.phrase, item.size)
