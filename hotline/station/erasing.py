"""Erasing a month: its content key is destroyed, every proof stays (docs/ledger.md §20).

First the erasure is durable in the ledger, then the key goes. A crash between
the two is finished at the next opening.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.forks import standing_forks
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.upkeep import is_later
from hotline.core.records import events as ev
from hotline.core.records.events import OrderRef
from hotline.host.keyfile import read_key_file
from hotline.sealing.authorisation import Act
from hotline.sealing.epoch import EpochSealer, epoch_of
from hotline.station.epoch_keys import destroy_keys
from hotline.station.months import CONTENT_KEY, make_sealer
from hotline.station.upkeep import Work


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    Attributes:
        entries: How many entries lost their content, earlier generations included.
        index: The entry that records it.
    """

    epoch: int
    entries: int
    index: int


def erase_epoch(work: Work, epoch: int, reason: str, persons: Sequence[str]) -> Erasure:
    """Destroy the content key of a month, on the authority of two officers.

    Args:
        epoch: As in 202610.
        persons: Person ids of two officers or more of this station.
    Raises:
        OperatorError: the month is not over, not known, erased before, not the oldest, or
            something of it is still open; a hold stands; not two persons.
        StorageError: the disk refused; what is recorded is finished at the next opening.
    Spec: docs/ledger.md §20.5
    """
    path = work.opened.directory / CONTENT_KEY
    sealer = make_sealer(read_key_file(path, work.passphrase), work.bench.entropy)
    counts = _counts(work)
    _check_epoch(sealer, epoch, counts, work.bench.clock())
    _check_holds(work.situation)
    until = min(one for one in sealer.epochs if one > epoch)
    _check_closed(work.situation, until)
    record, verified = work.authorise(Act.ERASE, {"epoch": epoch}, reason, persons)
    ours, theirs = _orders(work.situation, until)
    event = ev.EpochKeyDestroyed(
        epoch=epoch,
        authorisation=verified.digest.hex(),
        officers=verified.names,
        our_order=ours,
        their_orders=theirs,
    )
    index = work.record(Planned(event, public=record))
    destroy_keys(path, {epoch: verified.digest}, work.passphrase, work.bench.entropy)
    return Erasure(epoch, counts.get(epoch, 0), index)


def _counts(work: Work) -> Counter[int]:
    """Return how many entries are sealed under each epoch, in all generations."""
    counts: Counter[int] = Counter()
    for reader in (*work.opened.shelf.past.readers, work.opened.ledger):
        counts.update(reader.count_by_epoch())
    return counts


def _check_epoch(sealer: EpochSealer, epoch: int, counts: Mapping[int, int], now_ms: int) -> None:
    if epoch in sealer.erased:
        raise OperatorError(f"the content of epoch {epoch} was erased before")
    if epoch >= min(epoch_of(now_ms), sealer.epoch_for(now_ms)):
        raise OperatorError(
            f"epoch {epoch} is not over: entries are still sealed under it",
            hint="a month can be erased once a later one has a key of its own",
        )
    if counts.get(epoch) and epoch not in sealer.epochs:
        raise OperatorError(
            f"the key of epoch {epoch} is not here, and no erasure of it is recorded",
            hint="put the station's content.key in its place",
        )
    if not counts.get(epoch):
        used = ", ".join(str(one) for one in sorted(counts) if one in sealer.epochs)
        raise OperatorError(
            f"no entry of this ledger is sealed under epoch {epoch}",
            hint=f"the epochs in use: {used or 'none'}",
        )
    older = [one for one in sorted(counts) if one < epoch and one in sealer.epochs]
    if older:
        raise OperatorError(
            f"epoch {older[0]} is older and still readable", hint="erase the oldest month first"
        )


def _check_holds(situation: Situation) -> None:
    """Refuse while a hold stands.

    Spec: docs/ledger.md §20.8
    """
    if situation.holds:
        cases = ", ".join(sorted(situation.holds))
        raise OperatorError(
            f"a legal hold stands on {cases}, so nothing is erased",
            hint="two officers can release it: hotline ledger release",
        )


def _check_closed(situation: Situation, until: int) -> None:
    """Refuse while something of that time still waits for somebody."""
    for digest in situation.outbox:
        if epoch_of(situation.statements[digest].at_ms) < until:
            raise OperatorError(
                "a statement of that time is not receipted yet, and is sent again until it is",
                hint="let the station run until the other side has it",
            )
    for incident in situation.incidents.values():
        if epoch_of(incident.at_ms) < until and incident.closed_at_ms is None:
            raise OperatorError(
                f"incident {incident.name} of that time is still open", hint="close it first"
            )
    for release in awaiting(situation):
        if epoch_of(release.at_ms) < until:
            raise OperatorError(
                f"{release.token} of that time still awaits release",
                hint="let the station run until it is released or has expired",
            )
    for fork in standing_forks(situation):
        if epoch_of(fork.at_ms) < until:
            raise OperatorError(
                f"the fork at number {fork.seq} of {fork.peer}, seen in that time, stands",
                hint="two officers resolve it first: hotline ledger resolve",
            )


def _orders(situation: Situation, until: int) -> tuple[OrderRef | None, dict[str, OrderRef]]:
    """Return the newest order of ours and of each other station before epoch `until`."""
    newest = dict(situation.erased_orders)
    for state in situation.statements.values():
        sender = state.statement.sender
        if epoch_of(state.at_ms) < until and is_later(state.order, newest.get(sender)):
            newest[sender] = state.order
    return newest.pop(situation.station, None), newest
