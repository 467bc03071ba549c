"""Legal holds: while one stands, no month's content is erased (docs/ledger.md §20)."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Sequence

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.keeping_events import MAX_CASE_CHARACTERS
from hotline.ledger.reader import LedgerReader
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
        by=certificate.shown,
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


def standing_holds(reader: LedgerReader, past: Sequence[LedgerReader]) -> dict[str, str]:
    """Return case to reason of the holds that stand, those of earlier generations too.

    Args:
        past: Earlier generations, oldest first.
    Raises:
        IntegrityError: an entry of the ledger at work does not read.
    """
    holds: dict[str, str] = {}
    for earlier in past:
        # Read as far as it goes, as the station reads it.
        with contextlib.suppress(IntegrityError):
            _follow(earlier, holds)
    _follow(reader, holds)
    return holds


def _follow(reader: LedgerReader, holds: dict[str, str]) -> None:
    kinds = (ev.HoldPlaced.kind, ev.HoldReleased.kind)
    for entry in heapq.merge(*map(reader.of_kind, kinds), key=lambda entry: entry.index):
        event = ev.decode_event(entry.kind, entry.content) if entry.erased is None else None
        if isinstance(event, ev.HoldPlaced):
            holds[event.case] = event.reason
        elif isinstance(event, ev.HoldReleased):
            holds.pop(event.case, None)
