"""By what the direct link to a peer knows a console: our key, and what the roster says of theirs.

Spec: docs/transport.md §4.8, §4.9
"""

from __future__ import annotations

from collections.abc import Collection

from hotline.core.errors import PeerError
from hotline.sealing.certificate import Usage
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import Roster
from hotline.station.line import Line
from hotline.transport.greeting import party_id
from hotline.transport.proof import Party


def party_towards(line: Line, peer: str, endpoints: Collection[int]) -> Party:
    """Return who we are on a direct route to `peer`, and which of its consoles may open it.

    Args:
        endpoints: Numbers of the consoles of the peer that this route leads to.
    """

    def recognises(key: bytes, introduction: bytes) -> bool:
        roster = _with(line.roster, introduction)
        return may_open(roster, peer, endpoints, key, line.clock())

    def name(station: str) -> bytes:
        return party_id(line.realm, line.roster.line, station)

    return Party(
        ours=name(line.station),
        theirs=name(peer),
        signer=line.console,
        introduction=line.console_record,
        recognises=recognises,
        verifier=verify_ed25519,
        entropy=line.entropy,
    )


def may_open(
    roster: Roster, station: str, endpoints: Collection[int], key: bytes, now_ms: int
) -> bool:
    """Return whether a key is of one of a station's consoles and nothing withdraws it.

    Its dates are not asked for, as those of a TLS certificate are not: every packet is
    judged by them, and two stations whose clocks differ must still meet.
    Spec: docs/transport.md §4.8
    """
    return any(
        one.key.ed25519 == key and one.endpoint in endpoints
        for one in roster.unrevoked(station, Usage.TRANSPORT, now_ms)
    )


def _with(roster: Roster, introduction: bytes) -> Roster:
    """Return the roster with a certificate that a caller brought, where that verifies.

    The line's own roster stays as it is: what counts is recorded when a packet brings it.
    Spec: docs/transport.md §4.9, docs/protocol.md §4.34
    """
    if not introduction:
        return roster
    try:
        return roster.with_certificate(introduction)[0]
    except PeerError:
        return roster
