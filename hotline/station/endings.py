"""When the certificates of a line end, how soon that is, and what to do about each.

Spec: docs/enrolment.md §10.6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.roster import Roster

NEAR_DAYS, ALARM_DAYS, URGENT_DAYS = 29, 14, 3
"""From so many days on an end is to be planned for, is an alarm, and cannot wait a day."""
_DAY_MS = 86_400_000


class Nearness(IntEnum):
    """How soon a certificate ends."""

    FAR = 0
    NEAR = 1
    SOON = 2
    URGENT = 3
    ENDED = 4


@dataclass(frozen=True, slots=True)
class Ending:
    """The newest certificate of one key's holder, and how long it lasts.

    Attributes:
        ours: Whether it is of this station.
        days: Whole days left; below 0 it has ended.
        spare: Whether it is of a spare console that has not taken over.
    """

    station: str
    person: str
    usage: Usage
    ours: bool
    days: int
    spare: bool = False

    @property
    def nearness(self) -> Nearness:
        """How soon it ends."""
        if self.days < 0:
            return Nearness.ENDED
        bounds = {
            Nearness.URGENT: URGENT_DAYS,
            Nearness.SOON: ALARM_DAYS,
            Nearness.NEAR: NEAR_DAYS,
        }
        return next((near for near, days in bounds.items() if self.days <= days), Nearness.FAR)

    @property
    def what(self) -> str:
        """Whose certificate it is and how long it lasts, as a clause."""
        whose = f"the certificate of {self._holder} of {self.station}"
        if self.days < 0:
            return f"{whose} has ended"
        return f"{whose} ends in {self.days} {'day' if self.days == 1 else 'days'}"

    @property
    def _holder(self) -> str:
        match self.usage:
            case Usage.TRANSPORT:
                return self.person if self.spare else "the console"
            case Usage.LEDGER:
                return "the ledger key"
            case _:
                return f"officer {self.person}"

    @property
    def command(self) -> str:
        """The command that renews it, at its own station."""
        match self.usage:
            case Usage.TRANSPORT:
                return "hotline spare renew HOME SPARE" if self.spare else "hotline renew HOME"
            case Usage.LEDGER:
                return "hotline ledger rekey HOME"
            case _:
                return f"hotline officer renew HOME --person {self.person}"

    @property
    def remedy(self) -> str:
        """What to do now, as a clause."""
        if self.ours:
            return f"stop the station and run {self.command}"
        asked = f"ask {self.station} to run {self.command}"
        if self.usage is Usage.TRANSPORT and self.days < 0 and not self.spare:
            return f"{asked}, and if the line stays down for the card to import here"
        return asked


def endings(roster: Roster, station: str, now_ms: int) -> tuple[Ending, ...]:
    """Return how long the newest certificate of each holder lasts, the most urgent first.

    One that is withdrawn has ended otherwise and is left out, as is every older one.

    Args:
        station: This station.
    """
    newest: dict[tuple[str, str, str], Certificate] = {}
    # The last one issued, not the one that ends last: the key of that may be gone.
    for one in sorted(
        roster.certificates.values(), key=lambda one: (one.not_before_ms, one.serial)
    ):
        if _matters(roster, one) and not roster.is_withdrawn(one, now_ms):
            newest[one.station, one.person.casefold(), one.usage] = one
    found = [
        Ending(
            station=one.station,
            person=one.person,
            usage=one.usage,
            ours=one.station == station,
            days=(one.not_after_ms - now_ms) // _DAY_MS,
            spare=_is_aside(roster, one),
        )
        for one in newest.values()
    ]
    return tuple(sorted(found, key=_urgency))


def _matters(roster: Roster, one: Certificate) -> bool:
    """Return whether a key is in use: a console that was left behind needs no certificate.

    Nor does the ledger key of a spare before it takes over: it has signed nothing yet.
    """
    left = one.endpoint < roster.standing.endpoint_of(one.station)
    return one.usage is Usage.STATEMENT or not (
        left or (one.usage is Usage.LEDGER and _is_aside(roster, one))
    )


def _is_aside(roster: Roster, one: Certificate) -> bool:
    in_office = roster.standing.endpoint_of(one.station)
    return one.usage is not Usage.STATEMENT and one.endpoint > in_office


def _urgency(ending: Ending) -> tuple[int, bool, bool, int, str, str]:
    """Sort by nearness; of one nearness the consoles first, without which nothing is read."""
    later = ending.usage is not Usage.TRANSPORT
    return (-ending.nearness, later, not ending.ours, ending.days, ending.station, ending.person)


def alarming(found: Sequence[Ending]) -> tuple[Ending, ...]:
    """Return those that are an alarm: near their end, or past it.

    Of another station's officers one who has left is no alarm of ours.
    """
    return tuple(
        one
        for one in found
        if one.nearness >= Nearness.SOON
        and (one.ours or one.usage is Usage.TRANSPORT or one.nearness < Nearness.ENDED)
    )
