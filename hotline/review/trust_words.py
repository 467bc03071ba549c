"""Events of trust in words: certificates that come and go, roots that change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.records import events as ev
from hotline.core.times import format_time

_SHORT = 12


def _withdrawn(event: ev.TrustWithdrawn) -> str:
    whose = event.name or f"certificate {event.certificate[:_SHORT]}"
    since = format_time(event.since_ms)
    return f"{whose} of {event.station} {event.how}, not trusted from {since}: {event.reason}"


def _lifted(event: ev.SuspensionLifted) -> str:
    whose = f"certificate {event.certificate[:_SHORT]}" if event.certificate else "a certificate"
    return f"the suspension of {whose} of {event.station} is lifted: {event.reason}"


def _refused(event: ev.RevocationsRefused) -> str:
    return (
        f"EVIDENCE: {event.peer} showed revocation {event.counter} ({event.digest[:_SHORT]}) "
        f"where {event.known} are known"
    )


def _compared(event: ev.RootCompared) -> str:
    found = "the words agree" if event.agreed else "THE WORDS DIFFER"
    who = f"{event.role} {event.name}".strip()
    return f"{who} compared the new root of {event.station} by voice: {found}"


def _reached(event: ev.ReachRenewed) -> str:
    shows = f"shows the key {event.pin[:_SHORT]} on its links"
    return f"by a newer card {event.station} {shows}; its recovery key is {event.recovery}"


def _taken_over(event: ev.EndpointTaken) -> str:
    who = " and ".join(event.officers)
    return (
        f"spare console {event.endpoint} of {event.station} took over, authorised by {who}: "
        f"{event.reason}"
    )


TRUST_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.KeyCertified: lambda e: f"{e.station} certified {e.name} for {e.usage}",
    ev.TrustWithdrawn: _withdrawn,
    ev.SuspensionLifted: _lifted,
    ev.RevocationsRefused: _refused,
    ev.RootChanged: lambda e: f"{e.station} has a new root: {e.words}",
    ev.RootCompared: _compared,
    ev.ReachRenewed: _reached,
    ev.EndpointTaken: _taken_over,
    ev.SpareAdmitted: lambda e: f"spare console {e.endpoint} of {e.station} is known here",
    ev.SpareTested: lambda e: f"spare console {e.endpoint} of {e.station} tested with {e.peer}",
}
