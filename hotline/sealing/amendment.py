"""A charter that follows another: what must hold between the two, and what changes.

Spec: docs/protocol.md §4.30, §4.31, §4.40, §4.41
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.sealing.charter import Charter, Policy, charter_of
from hotline.sealing.dsse import Envelope, hybrid_signatures
from hotline.sealing.fingerprint import root_groups
from hotline.sealing.roster import Roster

MIN_STAYING = 2
"""Stations of a line that stay on the one that follows it: one alone begins another line."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a new charter says otherwise than the one that it follows."""

    what: str
    before: str
    after: str


def check_successor(before: Roster, charter: Charter) -> None:
    """Refuse a charter that does not follow the line of `before` as it is known now.

    Raises:
        PeerError: as `check_follows`; or it names for a member of that line another root than
            the newest one that the line knows.
    Spec: docs/protocol.md §4.30, §4.31
    """
    check_follows(before.charter, charter)
    for member in charter.members:
        lineage = before.lineages.get(member.station)
        if lineage is not None and lineage.newest.digest != member.root:
            raise PeerError(
                f"charter: the root that it names for {member.station} is not the newest one "
                "that the line before knows"
            )


def check_follows(before: Charter, charter: Charter) -> None:
    """Refuse a charter that does not follow another one, as far as the two alone can tell.

    Raises:
        PeerError: it names another line or none, is of another realm or older, its opener was
            not on that line, or fewer than MIN_STAYING of that line stay.
    Spec: docs/protocol.md §4.30, §4.40
    """
    if charter.predecessor != before.line:
        raise PeerError("charter: it does not follow this line")
    if charter.realm != before.realm:
        raise PeerError("charter: it is of another realm than the line that it follows")
    if charter.created_ms < before.created_ms:
        raise PeerError("charter: it is older than the one that it follows")
    if charter.stations[0] not in before.stations:
        raise PeerError("charter: its opener is not on the line that it follows")
    if len(set(charter.stations) & set(before.stations)) < MIN_STAYING:
        raise PeerError("charter: of the line that it follows at least two stations must stay")


def check_ended(before: Roster, envelope: Envelope, station: str) -> Charter:
    """Return the charter for which the others closed a line that `station` is on, and it is not.

    The signatures of those who stay are verified; of one who joins nothing is known here.

    Raises:
        PeerError: it does not follow this line, names `station`, or somebody of this line
            who is on the new one did not sign it by the newest root that the line knows.
    Spec: docs/protocol.md §4.41
    """
    charter = charter_of(envelope)
    check_successor(before, charter)
    if station in charter.stations:
        raise PeerError(f"charter: it names {station}, which joins it or not, but did not leave")
    signatures = hybrid_signatures(envelope, what="charter")
    for member in charter.members:
        lineage = before.lineages.get(member.station)
        if lineage is None:
            continue
        signature = signatures.get(member.root)
        if signature is None or not lineage.newest.key.verify(envelope.message, signature):
            raise PeerError(f"charter: {member.station} did not sign it")
    return charter


def changes(before: Charter, after: Charter) -> tuple[Change, ...]:
    """Return what changes, field by field; nothing when both say the same.

    Spec: docs/protocol.md §4.30
    """
    said = zip(_said(before), _said(after), strict=True)
    found = [Change(what, old, new) for (what, old), (_, new) in said if old != new]
    return (*found, *_members(before, after))


def _said(charter: Charter) -> Iterator[tuple[str, str]]:
    policy = charter.policy
    yield "name", charter.name
    yield "languages", _languages(policy)
    yield "two officers sign", ", ".join(policy.two_person) or "nothing"
    yield "tested every", f"{policy.test_period_s} s"
    yield "who is at the desk", "is shown" if policy.presence else "is not shown"
    yield "lowest suite", str(policy.suite_floor)


def _languages(policy: Policy) -> str:
    return f"{', '.join(policy.languages)}; {policy.authentic} decides"


def _members(before: Charter, after: Charter) -> Iterator[Change]:
    old = {member.station: member.root for member in before.members}
    new = {member.station: member.root for member in after.members}
    for station in dict.fromkeys([*old, *new]):
        was, now = (root_groups(one[station]) if station in one else "" for one in (old, new))
        if not was:
            yield Change(f"{station} joins", "is not on the line", now)
        elif not now:
            yield Change(f"{station} leaves", was, "is not on the line any more")
        elif was != now:
            yield Change(f"root of {station}", was, now)
