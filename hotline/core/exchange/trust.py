"""What records of trust mean for the Situation: who is withdrawn, which roots are right.

Spec: docs/protocol.md §4.23, §4.25
"""

from __future__ import annotations

from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev

TRUST_SHOWN = (
    ev.KeyCertified,
    ev.TrustWithdrawn,
    ev.SuspensionLifted,
    ev.RevocationsRefused,
    ev.RootChanged,
    ev.RootCompared,
    ev.ReachRenewed,
    ev.EndpointTaken,
    ev.SpareAdmitted,
    ev.SpareTested,
)
"""Events of trust that stand in the timeline as rows of their own."""

MAX_REFUSED_LISTS = 1_000
"""Distinct refused heads of one peer's revocation list that are recorded; one is enough to act on.

Each peer has its own: a flood of one does not hide what another does.
"""


def admit_record(command: AdmitRecord) -> Decision:
    """Bind a public record, and say what it changes.

    Spec: docs/protocol.md §4.22, docs/ledger.md §20.11
    """
    admitted = ev.RecordAdmitted(record=command.digest)
    return Decision((Planned(admitted, public=command.record), Planned(command.event)))


def keep_trust(situation: Situation, event: ev.Event) -> None:
    """Fold the events of trust; no other event changes anything here."""
    match event:
        case ev.TrustWithdrawn():
            before = situation.withdrawn.get(event.certificate)
            if before is None or before.how == "suspended":
                situation.withdrawn[event.certificate] = event
        case ev.SuspensionLifted():
            held = situation.withdrawn.get(event.certificate)
            if held is not None and held.record == event.suspension:
                del situation.withdrawn[event.certificate]
        case ev.RevocationsRefused():
            situation.refused_lists.add((event.peer, event.counter, event.digest))
        case ev.RootCompared():
            situation.compared_roots[event.root] = event.agreed
        case _:
            pass


def doubt(situation: Situation, event: ev.Event) -> None:
    """Note a statement that nobody could verify, until somebody has it on a screen."""
    if not isinstance(event, ev.StatementReceived) or event.verdict == "VERIFIED":
        return
    # It may have come before, in an earlier generation, and been looked at.
    if situation.statements[event.digest].least <= Delivery.DELIVERED:
        situation.doubted[event.digest] = None


def is_list_known(situation: Situation, event: ev.RevocationsRefused) -> bool:
    """Return whether the record says already that this list was refused, or enough of its peer.

    Spec: docs/ledger.md §3.4
    """
    told = (event.peer, event.counter, event.digest)
    lists = situation.refused_lists
    kept = sum(peer == event.peer for peer, *_ in lists)
    return told in lists or kept >= MAX_REFUSED_LISTS
