"""Forks resolved: two officers sign for it, and the peer is told (docs/protocol.md §7.11)."""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import AdmitResolution
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.forks import fork_evidence, standing_forks
from hotline.core.records import events as ev
from hotline.ledger.reader import LedgerReader
from hotline.sealing.authorisation import Act, verify_authorisation
from hotline.sealing.items import ForkResolvedItem
from hotline.station.line import Line
from hotline.station.upkeep import Work

MAX_TOLD = 16
"""Resolutions told to the peer whenever the link comes up, the newest ones."""

_DETAILS = {"peer", "forks", "evidence", "generation", "seq"}


def resolve_forks(work: Work, reason: str, persons: Sequence[str]) -> int:
    """Record that two officers resolved the forks that stand. Return the first entry's index.

    Raises:
        OperatorError: none stands, not two persons, a wrong passphrase.
        StorageError: it could not be made durable.
    Spec: docs/protocol.md §7.11
    """
    standing = standing_forks(work.situation)
    if not standing:
        raise OperatorError("no fork stands on this line", hint="nothing needs to be resolved")
    planned = []
    for peer in dict.fromkeys(fork.peer for fork in standing):
        forks = [fork for fork in standing if fork.peer == peer]
        details: dict[str, str | int] = {
            "peer": peer,
            "forks": len(forks),
            "evidence": fork_evidence(forks),
            "generation": forks[0].generation,
            "seq": forks[0].seq,
        }
        record, verified = work.authorise(Act.RESOLVE_FORK, details, reason, persons)
        resolved = ev.ForkResolved(
            peer=peer,
            forks=len(forks),
            evidence=fork_evidence(forks),
            authorisation=verified.digest.hex(),
            officers=verified.names,
            reason=verified.authorisation.reason,
        )
        planned.append(Planned(resolved, item=record))
    return work.record(*planned)


def resolutions_of(reader: LedgerReader, peer: str) -> list[ForkResolvedItem]:
    """Return what a peer is told of how its forks were resolved here, oldest first.

    Raises:
        IntegrityError: an entry does not read.
    """
    found = []
    for entry in reader.of_kind(ev.ForkResolved.kind, newest_first=True):
        event = ev.decode_event(entry.kind, entry.content) if entry.erased is None else None
        if isinstance(event, ev.ForkResolved) and event.peer == peer:
            found.append(ForkResolvedItem(envelope=reader.enclosure(entry.index)))
        if len(found) >= MAX_TOLD:
            break
    return found[::-1]


def read_resolution(line: Line, peer: str, item: ForkResolvedItem) -> AdmitResolution:
    """Verify that the peer's officers resolved forks of our order.

    Raises:
        PeerError: not two officers of the peer's, of another act, or about somebody else.
    Spec: docs/protocol.md §7.11
    """
    verified = verify_authorisation(line.roster, item.envelope, act=Act.RESOLVE_FORK)
    authorisation = verified.authorisation
    if authorisation.station != peer:
        raise PeerError("fork-resolved: it is not of the station that sent it")
    details = authorisation.details
    numbers = [details.get(name) for name in ("forks", "generation", "seq")]
    if set(details) != _DETAILS or not all(isinstance(one, int) for one in numbers):
        raise PeerError("fork-resolved: its details are not those of a resolution")
    if details["peer"] != line.station:
        raise PeerError("fork-resolved: it is about the order of another station")
    forks, generation, seq = (int(one or 0) for one in numbers)
    event = ev.ForkResolvedThere(
        peer=peer,
        forks=forks,
        generation=generation,
        seq=seq,
        authorisation=verified.digest.hex(),
        officers=verified.names,
        reason=authorisation.reason,
    )
    return AdmitResolution(event, item.envelope)
