"""A scripted guide: what it shows is fixed, what it is asked to do is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hotline.core.errors import HotlineError
from hotline.desk.guided.saying import advice
from hotline.desk.guided.views import (
    LineAnswers,
    LineView,
    NewStationAnswers,
    OfficerAnswers,
    PeerView,
    SetupView,
    Unlocking,
    Words,
)
from hotline.tui.guided.answers import Answers

OURS = tuple(["legal", "winner", "thank", "year", "wave", "sausage", "worth", "useful"] * 3)
THEIRS = tuple(["letter", "advice", "cage", "absurd", "amount", "doctor", "acoustic", "avoid"] * 3)
SOUTH = PeerView("SOUTH", ("LT B. Okoye",), "", "2026-11-22")
CHARTER: Words = (
    ("Line", "north-south"),
    ("Realm", "LIVE: real. What is said on it counts."),
    ("Members", "NORTH and SOUTH, nobody else"),
    ("Two officers", "must sign: Proposal to cease (DEESC-01); Proposal to close (DEESC-06)"),
    ("Test", "the machines test the line every day"),
    ("Empty desk", "the other station does not see that nobody is at the desk"),
    ("Language", "en; en decides"),
    ("Made", "2026-11-22 14:31 UTC"),
    ("Root NORTH", "K7QX 2M4D " * 6 + "K7QX"),
    ("Root SOUTH", "3YHV 2FL3 " * 6 + "XKIE"),
    ("Number", "ab" * 32),
)
NEW = SetupView()
MADE = SetupView(
    home="north",
    made=True,
    station="NORTH",
    realm="LIVE",
    route="north.example:4711",
    protected=True,
    held=frozenset({"console.key", "root.key"}),
    root_here=True,
    successor_here=True,
)
STAFFED = replace(
    MADE,
    held=frozenset({"console.key"}),
    officers=(("lind", "Watch officer CDR A. Lind", "2027-02-22"),),
)
RETURNED = replace(STAFFED, held=frozenset(), root_here=False)
KNOWING = replace(STAFFED, peers=(SOUTH,))
OPENED = replace(KNOWING, line=LineView("north-south", "SOUTH", False, False, CHARTER))
DIALLED = "NORTH listens at north.example:4711; SOUTH dials it."
WHOLE = replace(KNOWING, line=LineView("north-south", "SOUTH", True, False, CHARTER, DIALLED))
JOINED = replace(
    WHOLE,
    root_here=False,
    successor_here=False,
    line=LineView("north-south", "SOUTH", True, True, CHARTER, DIALLED),
)
LINE = LineAnswers("SOUTH", "north-south", "none", 86_400, presence=False)


@dataclass
class FakeGuide:
    """Shows `shown`; refuses every act with `refusal` when there is one."""

    shown: SetupView = NEW
    places: tuple[int, ...] = (2, 5, 11, 12, 17, 24)
    right: int = 0
    refusal: Exception | None = None
    asked: list[tuple[str, object]] = field(default_factory=list)

    def view(self) -> SetupView:
        return self.shown

    def advise(self, error: Exception) -> str:
        return advice(error) if isinstance(error, HotlineError) else "fault"

    def _does(self, act: str, about: object) -> None:
        self.asked.append((act, about))
        if self.refusal is not None:
            raise self.refusal

    def name_home(self, home: str) -> SetupView:
        self._does("name_home", home)
        return self.shown

    def holds_station(self, home: str) -> bool:
        return home == "north"

    def place_faults(self, home: str, station: str, realm: str) -> dict[str, str]:
        return {} if station else {"station": "A name must stand here."}

    def address_fault(self, text: str, *, dialled: bool) -> str:
        return "" if ":" in text else "an address is written as HOST:PORT"

    def phrase_fault(self, typed: str, again: str) -> dict[str, str]:
        return {} if typed == again else {"again": "The two are not the same. Type both again."}

    def officer_faults(self, officer: OfficerAnswers) -> dict[str, str]:
        return {} if officer.person else {"person": "An id must stand here."}

    def line_fault(self, name: str) -> str:
        return "" if name else "A name must stand here."

    def card_file(self) -> str:
        return "north.card"

    def travelling_file(self) -> str:
        return "north-opening.enrol"

    async def make(self, new: NewStationAnswers) -> None:
        self._does("make", new)

    def change_route(self, route: str, listening: str) -> SetupView:
        self._does("change_route", (route, listening))
        return self.shown

    async def certify(self, officer: OfficerAnswers, unlocking: Unlocking) -> None:
        self._does("certify", (officer, unlocking))

    async def write_card(self, path: str, unlocking: Unlocking) -> str:
        self._does("write_card", (path, unlocking))
        return path

    def own_words(self) -> tuple[str, ...]:
        return OURS

    def look_at_card(self, path: str) -> tuple[PeerView, bool]:
        self._does("look_at_card", path)
        return SOUTH, False

    def asked_places(self) -> tuple[int, ...]:
        return self.places

    def heard(self) -> int:
        return self.right

    def hear(self, typed: str) -> bool:
        self._does("hear", typed)
        return typed == THEIRS[self.places[self.right] - 1]

    def their_words(self) -> tuple[str, ...]:
        return THEIRS

    def settle(self, *, agreed: bool) -> PeerView:
        self._does("settle", agreed)
        return SOUTH

    def suggest(self, peer: str) -> tuple[str, LineAnswers]:
        return "NORTH", LINE

    def draft(self, answers: LineAnswers) -> Words:
        self._does("draft", answers)
        return CHARTER

    def look_at_opening(self, path: str) -> Words:
        self._does("look_at_opening", path)
        return CHARTER

    async def sign(self, unlocking: Unlocking) -> None:
        self._does("sign", unlocking)

    async def write_travelling(self, path: str) -> str:
        self._does("write_travelling", path)
        return path

    async def complete(self, path: str, unlocking: Unlocking) -> None:
        self._does("complete", (path, unlocking))

    def give_up(self) -> SetupView:
        self._does("give_up", None)
        return self.shown


def _answers(**given: object) -> Callable[[], Answers]:
    return lambda: Answers(**given)  # type: ignore[arg-type]


LIND = OfficerAnswers("lind", "A. Lind", "CDR", "Watch officer")
NAMED = _answers(station="NORTH", realm="LIVE", home="north")
EXERCISED = _answers(station="NORTH", realm="EXERCISE")
NOTHING = _answers()

SCENES: dict[str, tuple[str, SetupView, Callable[[], Answers]]] = {
    "place": ("place", NEW, NOTHING),
    "place-made": ("place", KNOWING, NOTHING),
    "route": ("route", NEW, NAMED),
    "keys-console": ("console", NEW, NAMED),
    "keys-console-exercise": ("console", NEW, EXERCISED),
    "keys-root": ("root", NEW, NAMED),
    "keys-successor": ("successor", NEW, NAMED),
    "who": ("who", MADE, NOTHING),
    "officer-key": ("officer-key", MADE, _answers(officer=LIND)),
    "officer-key-returned": (
        "officer-key",
        replace(RETURNED, officers=()),
        _answers(officer=LIND),
    ),
    "officers": ("officers", STAFFED, NOTHING),
    "card": ("card", STAFFED, NOTHING),
    "card-returned": ("card", RETURNED, NOTHING),
    "card-written": ("card", STAFFED, _answers(written={"card": "north.card"})),
    "theirs": ("theirs", STAFFED, NOTHING),
    "theirs-known": ("theirs", KNOWING, NOTHING),
    "own-words": ("own-words", STAFFED, _answers(looked_at=SOUTH)),
    "hear": ("hear", STAFFED, _answers(looked_at=SOUTH)),
    "compare": ("compare", STAFFED, _answers(looked_at=SOUTH)),
    "choice": ("choice", KNOWING, NOTHING),
    "policy": ("policy", KNOWING, _answers(opens=True, line=LINE)),
    "opening": ("opening", KNOWING, _answers(opens=False)),
    "charter": ("charter", KNOWING, _answers(opens=True, line=LINE, charter=CHARTER)),
    "sign": ("sign", replace(KNOWING, held=frozenset()), _answers(opens=True, charter=CHARTER)),
    "carry": ("carry", OPENED, NOTHING),
    "carry-written": ("carry", OPENED, _answers(written={"file": "north-opening.enrol"})),
    "carry-joined": ("carry", JOINED, NOTHING),
    "answer": ("answer", OPENED, NOTHING),
    "give-up": ("give-up", OPENED, NOTHING),
    "done": ("done", WHOLE, NOTHING),
    "done-joined": ("done", JOINED, NOTHING),
}
"""Every page, with what it shows: name, page, view, answers so far."""
