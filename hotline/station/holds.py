"""Legal holds: while one stands, no month's content is erased (docs/ledger.md §20)."""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.keeping_events import MAX_CASE_CHARACTERS
from hotline.sealing.authorisation import Act
from hotline.station.upkeep import MAX_REASON_CHARACTERS, Work, clean


def place_hold(work: Work, case: str, reason: str, person: str) -> int:
    """Record a hold on a case; one officer's key is enough. Return the entry's index.

    Raises:
        OperatorError: such a hold stands, a text may not be recorded, a wrong passphrase.
        StorageError: it could not be made durable.
    Spec: docs/ledger.md §20.9
    """
    case = clean(case, "the name of the case", MAX_CASE_CHARACTERS)
    if case in work.situation.holds:
        raise OperatorError(
            f"a hold on case {case} stands already", hint="choose another name for another case"
        )
    ((certificate, _),) = work.officers([person])
    held = ev.HoldPlaced(
        case=case,
        reason=clean(reason, "the reason", MAX_REASON_CHARACTERS),
        by=" ".join(
            part for part in (certificate.role, certificate.rank, certificate.name) if part
        ),
    )
    return work.record(Planned(held))


def release_hold(work: Work, case: str, reason: str, persons: Sequence[str]) -> int:
    """Record that two officers released a hold. Return the entry's index.

    Raises:
        OperatorError: no such hold stands, not two persons, a wrong passphrase.
        StorageError: it could not be made durable.
    Spec: docs/ledger.md §20.9
    """
    if case not in work.situation.holds:
        standing = ", ".join(sorted(work.situation.holds)) or "none"
        raise OperatorError("no hold on that case stands", hint=f"the holds that stand: {standing}")
    record, verified = work.authorise(Act.RELEASE_HOLD, {"case": case}, reason, persons)
    released = ev.HoldReleased(
        case=case,
        reason=verified.authorisation.reason,
        authorisation=verified.digest.hex(),
        officers=verified.names,
    )
    return work.record(Planned(released, item=record))
