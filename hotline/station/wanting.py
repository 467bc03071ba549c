"""What an officer wants changed in a charter; all else stays as the line has it.

Spec: docs/enrolment.md §9.1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from hotline.core.errors import OperatorError
from hotline.core.messages.statement import first_fault
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
    """

    name: str | None = None
    two: Sequence[str] = ()
    one: Sequence[str] = ()
    languages: Sequence[str] = ()
    authentic: str | None = None
    test_period_s: int | None = None
    presence: bool | None = None


def wanted_after(home: Home, amendment: Amendment) -> tuple[list[str], Wanted]:
    """Return with whom, and what, the charter is to say that follows the home's line.

    Raises:
        OperatorError: no line, nothing would change, or a
            value that no charter can have.
    Spec: docs/enrolment.md §9.1
    """
    roster = current_roster(home)
    charter = roster.charter
    peers = [name for name in charter.stations if name != read_identity(home).station]
    policy = _policy(charter.policy, amendment)
    name = amendment.name or charter.name
    # A charter that names the newest roots is another one, whatever else it says.
    rooted = any(lineage.later for lineage in roster.lineages.values())
    if (name, policy) == (charter.name, charter.policy) and not rooted:
        raise OperatorError(
            "the charter would say what it says already", hint="name what is to change; see --help"
        )
    return peers, Wanted(name, policy, charter.line)


def previewed(home: Home, wanted: Wanted) -> Charter:
    """Return what the charter will say, before anybody signs it; it has no id of its own yet.

    Raises:
        OperatorError: the home has no line.
    Spec: docs/enrolment.md §9.1
    """
    roster = current_roster(home)
    members = tuple(
        member.model_copy(update={"root": roster.lineages[member.station].newest.digest})
        for member in roster.charter.members
    )
    return replace(
        roster.charter,
        name=wanted.name,
        policy=wanted.policy,
        members=members,
        predecessor=wanted.predecessor,
    )


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
