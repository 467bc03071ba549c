"""What an officer wants changed in a charter; all else stays as the line has it.

Spec: docs/enrolment.md §9.1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from hotline.core.errors import OperatorError
from hotline.core.messages.statement import first_fault
from hotline.sealing.amendment import MIN_STAYING
from hotline.sealing.charter import Charter, Policy
from hotline.station.amending import current_roster
from hotline.station.enrolling import Wanted
from hotline.station.home import Home
from hotline.station.identity import read_identity


@dataclass(frozen=True, slots=True)
class Amendment:
    """What shall be otherwise; None, and nothing named, leaves it as it is.

    Attributes:
        two: Templates that two officers must sign from now on.
        one: Templates that one officer may sign from now on.
        languages: All that are approved, instead of those before.
        add: Stations that join the line, whose cards are here.
        remove: Stations that are on the line and leave it.
    """

    name: str | None = None
    two: Sequence[str] = ()
    one: Sequence[str] = ()
    languages: Sequence[str] = ()
    authentic: str | None = None
    test_period_s: int | None = None
    presence: bool | None = None
    add: Sequence[str] = ()
    remove: Sequence[str] = ()


def wanted_after(home: Home, amendment: Amendment) -> tuple[list[str], Wanted]:
    """Return with whom, and what, the charter is to say that follows the home's line.

    Raises:
        OperatorError: no line, nothing would change, a station cannot join or leave, or a
            value that no charter can have.
    Spec: docs/enrolment.md §9.1, §9.8
    """
    roster = current_roster(home)
    charter = roster.charter
    peers = _peers(charter, read_identity(home).station, amendment)
    policy = _policy(charter.policy, amendment)
    name = amendment.name or charter.name
    # A charter that names the newest roots is another one, whatever else it says.
    rooted = any(lineage.later for lineage in roster.lineages.values())
    moved = bool(amendment.add or amendment.remove)
    if (name, policy) == (charter.name, charter.policy) and not rooted and not moved:
        raise OperatorError(
            "the charter would say what it says already", hint="name what is to change; see --help"
        )
    return peers, Wanted(name, policy, charter.line)


def _peers(charter: Charter, ours: str, amendment: Amendment) -> list[str]:
    """Return who is with us on the line that follows: who stays, in its order, then who joins.

    Raises:
        OperatorError: somebody joins who is on the line, leaves who is not, or too few stay.
    Spec: docs/enrolment.md §9.8
    """
    there = ", ".join(charter.stations)
    for station in amendment.add:
        if station in charter.stations or amendment.add.count(station) > 1:
            raise OperatorError(
                f"{station} cannot join the line: it would be on it twice", hint=f"on it: {there}"
            )
    for station in amendment.remove:
        if station not in charter.stations:
            raise OperatorError(f"{station} is not on this line", hint=f"on it are {there}")
    if ours in amendment.remove:
        raise OperatorError(
            f"{ours} cannot leave by a charter of its own",
            hint="another station of the line opens the one that this station is not on",
        )
    staying = [one for one in charter.stations if one not in amendment.remove]
    if len(staying) < MIN_STAYING:
        raise OperatorError(
            f"{ours} alone would stay on the line",
            hint="a line with nobody of the old one begins in another home: hotline line open",
        )
    return [*(one for one in staying if one != ours), *amendment.add]


def _policy(before: Policy, amendment: Amendment) -> Policy:
    for template in amendment.one:
        if template not in before.two_person:
            there = ", ".join(before.two_person) or "none"
            raise OperatorError(
                f"one officer may sign {template!r} already", hint=f"two sign: {there}"
            )
    two = {*before.two_person, *amendment.two} - set(amendment.one)
    languages = tuple(amendment.languages) or before.languages
    kept = before.authentic if before.authentic in languages else languages[0]
    period, presence = amendment.test_period_s, amendment.presence
    try:
        return Policy(
            suite_floor=before.suite_floor,
            languages=languages,
            authentic=amendment.authentic or kept,
            test_period_s=before.test_period_s if period is None else period,
            two_person=tuple(sorted(two)),
            presence=before.presence if presence is None else presence,
        )
    except ValidationError as error:
        raise OperatorError(f"the policy of the line: {first_fault(error)}") from error
