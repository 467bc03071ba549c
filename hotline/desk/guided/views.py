"""What the guided setup shows: how far a home has come, in words ready to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = tuple[tuple[str, str], ...]
"""What something says, as pairs of a label and its words."""

CONSOLE_KEY, ROOT_KEY, SUCCESSOR_KEY = "console.key", "root.key", "successor.key"
"""Names of the key files that a station begins with."""


@dataclass(frozen=True, slots=True)
class PeerView:
    """Another station, as its card says it; hostile until its words were compared.

    Attributes:
        officers: As they are shown; `route` as HOST:PORT, "" for none.
        made: Day on which the card was written.
    """

    station: str
    officers: tuple[str, ...]
    route: str
    made: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A line that was opened here, or is whole here.

    Attributes:
        whole: Its side stands here; False: it waits for the answer.
        joined: The other station opened it: our answer goes back to it.
        dialled: Who dials whom, and where.
    """

    name: str
    peer: str
    whole: bool
    joined: bool
    charter: Words
    dialled: str = ""


@dataclass(frozen=True, slots=True)
class SetupView:
    """How far a station has come. Everything is read from its home.

    Attributes:
        home: Its directory; "" before one is named.
        protected: Whether its keys have passphrases.
        held: Names of the key files whose passphrases this run knows.
        officers: (id, as shown, last day) of each.
        peers: Whose cards were accepted.
        line: The line that is whole, or that was opened and waits.
    """

    home: str = ""
    made: bool = False
    station: str = ""
    realm: str = ""
    route: str = ""
    listening: str = ""
    protected: bool = False
    held: frozenset[str] = frozenset()
    root_here: bool = False
    successor_here: bool = False
    officers: tuple[tuple[str, str, str], ...] = ()
    peers: tuple[PeerView, ...] = ()
    line: LineView | None = None


@dataclass(frozen=True, slots=True)
class NewStationAnswers:
    """What a person says of a station that is about to be made.

    Attributes:
        route, listening: HOST:PORT, or "".
        phrases: Passphrases by key file; empty: the keys stay open, in exercises only.
    """

    home: str
    station: str
    realm: str
    route: str = ""
    listening: str = ""
    phrases: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OfficerAnswers:
    """What a person says of an officer."""

    person: str
    name: str
    rank: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class LineAnswers:
    """What a person says of a line that is about to be opened.

    Attributes:
        two_officers: One of `TWO_OFFICERS`.
        test_s: Seconds between tests.
        presence: The other station may see that nobody is at our desk.
    """

    peer: str
    name: str
    two_officers: str
    test_s: int
    presence: bool


@dataclass(frozen=True, slots=True)
class Unlocking:
    """What opens key files for one act.

    Attributes:
        phrases: Passphrases as typed now, by key file.
        root_file: Where root.key is; "": in the home.
    """

    phrases: Mapping[str, str] = field(default_factory=dict, repr=False)
    root_file: str = ""


TWO_OFFICERS: Words = (
    ("none", "nothing: one officer is enough"),
    ("ladder", "each step of the ladder"),
    ("most", "all but what a lone officer must be able to say"),
)
TEST_PERIODS: tuple[tuple[int, str], ...] = (
    (86_400, "every day"),
    (43_200, "every 12 hours"),
    (3_600, "every hour"),
    (604_800, "every week"),
)
