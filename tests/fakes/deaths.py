"""How stations and their relay die in a campaign of kills, and what it came to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.fakes.mortal import POINTS, SIDES
from tests.fakes.mortal_mutants import MUTANTS
from tests.fakes.mortal_relay import RELAY_POINTS
from tests.fakes.promises import Account
from tests.fakes.stormy import PERSONS
from tests.fakes.stormy_relay import RELAY

ANY = "any moment"
ONCE_A_LIFE = ("keys", "send hello", "commit link")


@dataclass(frozen=True)
class Death:
    """How a station dies next.

    Attributes:
        point: One of POINTS, or ANY: killed from outside.
        power: Whether the power fails with it: what was not synced is gone.
    """

    victim: str
    point: str
    side: str = "before"
    nth: int = 1
    power: bool = False
    mutant: str = ""

    @property
    def words(self) -> str:
        """Where it dies, for the figures."""
        where = self.point if self.point == ANY else f"{self.side} {self.point}"
        return f"{where}, power cut" if self.power else where


@dataclass
class Figures:
    """What a campaign came to.

    Attributes:
        forgotten: Statements that a station said it had recorded and does not hold.
        halted: Stations that would not open, or stopped, after a death.
    """

    deaths: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    forgotten: int = 0
    account: Account = field(default_factory=Account)
    halted: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return self.account.kept and not self.forgotten and not self.halted

    def add(self, other: Figures) -> None:
        self.deaths.update(other.deaths)
        self.acknowledged += other.acknowledged
        self.forgotten += other.forgotten
        self.account.add(other.account)
        self.halted += other.halted

    def __str__(self) -> str:
        deaths = ", ".join(f"{count} {where}" for where, count in sorted(self.deaths.items()))
        return (
            f"{self.deaths.total()} kills ({deaths}); {self.acknowledged} acknowledged, "
            f"forgotten {self.forgotten}; {self.account}; halted {self.halted}"
        )


def deaths_at_every_point(*, power: bool = False) -> list[Death]:
    """Return a death at each side of each point, of either station at half of them.

    Whoever dies next need not be killed to be doomed anew. Keys are written once a day, so
    that point comes first, and NORTH dies there in a home that is new.
    """
    return [
        Death(victim, point, side, 1 + len(point) % 2 * (point not in ONCE_A_LIFE), power)
        for victim, points in zip(sorted(PERSONS), (POINTS[::2], POINTS[1::2]), strict=True)
        for point in sorted(points, key=lambda point: point != "keys")
        for side in SIDES
    ]


def deaths_of_the_relay() -> list[Death]:
    """Return a death of the relay at each side of each of its points, and some at any moment."""
    at_points = [
        Death(RELAY, point, side, 1 + number % 3)
        for number, point in enumerate(RELAY_POINTS)
        for side in SIDES
    ]
    return [*at_points, Death(RELAY, ANY), Death(RELAY, ANY)]


def deaths_by_chance(
    seed: int, *, forgets: bool, victims: Sequence[str] = tuple(PERSONS)
) -> Iterator[Death]:
    """Yield deaths without end, every second one at a point, some with a power cut."""
    chance = random.Random(seed)
    while True:
        victim, side = chance.choice(victims), chance.choice(SIDES)
        # Keys are written once a day, and no home waits for that.
        points = RELAY_POINTS if victim == RELAY else [one for one in POINTS if one != "keys"]
        point = chance.choice([ANY, chance.choice(points)])
        power = forgets and chance.random() < 0.3
        nth = 1 if point in ONCE_A_LIFE else chance.randint(1, 3)
        yield Death(victim, point, side, nth, power)


def death_of_mutant(name: str, victim: str = "SOUTH") -> Death:
    """Return the death at which a station that is wrong shows it."""
    mutant = MUTANTS[name]
    return Death(victim, mutant.point, mutant.side, power=mutant.power, mutant=name)
