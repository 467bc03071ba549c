"""Forks resolved: two officers sign for it, and all are told (docs/protocol.md §7.11, §7.32)."""

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
"""Resolutions told to a peer whenever the link comes up, the newest ones."""

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


def resolutions(reader: LedgerReader) -> list[ForkResolvedItem]:
    """Return what every peer is told of the forks that were resolved here, oldest first.

    Raises:
        IntegrityError: an entry does not read.
    Spec: docs/protocol.md §7.32
    """
    found = []
    for entry in reader.of_kind(ev.ForkResolved.kind, newest_first=True):
        if entry.erased is None:
            found.append(ForkResolvedItem(envelope=reader.enclosure(entry.index)))
        if len(found) >= MAX_TOLD:
            break
    return found[::-1]


def read_resolution(line: Line, peer: str, item: ForkResolvedItem) -> AdmitResolution:
    """Verify that the peer's officers resolved forks of our order, or of a third station's.

    Raises:
        PeerError: not two officers of the peer's, of another act, or about no other member.
    Spec: docs/protocol.md §7.11, §7.32
    """
    verified = verify_authorisation(line.roster, item.envelope, act=Act.RESOLVE_FORK)
    authorisation = verified.authorisation
    if authorisation.station != peer:
        raise PeerError("fork-resolved: it is not of the station that sent it")
    details = authorisation.details
    numbers = [details.get(name) for name in ("forks", "generation", "seq")]
    if set(details) != _DETAILS or not all(isinstance(one, int) for one in numbers):
        raise PeerError("fork-resolved: its details are not those of a resolution")
    of = details["peer"]
    if not isinstance(of, str) or of not in line.roster.members or of == peer:
        raise PeerError("fork-resolved: it is about the order of no other member")
    forks, generation, seq = (int(one or 0) for one in numbers)
    said = {
        "peer": peer,
        "forks": forks,
        "generation": generation,
        "seq": seq,
        "authorisation": verified.digest.hex(),
        "officers": verified.names,
        "reason": authorisation.reason,
    }
    if of == line.station:
        return AdmitResolution(ev.ForkResolvedThere.model_validate(said), item.envelope)
    elsewhere = ev.ForkResolvedElsewhere.model_validate({**said, "of": of})
    return AdmitResolution(elsewhere, item.envelope)
