"""A station being set up step by step, by the same calls as the commands make."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hotline.core.errors import HotlineError, InvariantError, OperatorError
from hotline.core.seams import Clock
from hotline.core.values import Realm
from hotline.desk.guided import checks
from hotline.desk.guided.hearing import Hearing
from hotline.desk.guided.lining import Lining
from hotline.desk.guided.reading import is_station, peer_view, read_setup
from hotline.desk.guided.saying import advice, charter_words
from hotline.desk.guided.views import (
    CONSOLE_KEY,
    ROOT_KEY,
    LineAnswers,
    NewStationAnswers,
    OfficerAnswers,
    PeerView,
    SetupView,
    Unlocking,
    Words,
)
from hotline.desk.opening import LANGUAGE
from hotline.host.keyfile import is_protected
from hotline.host.packs import load_catalogue
from hotline.host.phrases import load_phrasebook
from hotline.sealing.charter import Charter
from hotline.sealing.enrol import Subject
from hotline.sealing.fingerprint import root_words
from hotline.station.assembly import Machine
from hotline.station.beginning import NewStation, begin_home
from hotline.station.cards import accept_card, check_card, read_file, words_differ
from hotline.station.home import Home
from hotline.station.identity import own_card, read_identity, ready_console
from hotline.station.officers import add_officer
from hotline.station.reach import change_reach, read_listening, read_route
from hotline.station.shelf import write_durably
from hotline.station.upkeep import Bench


class SettingUp:
    """One station of one home; a `Guide`.

    The passphrase of console.key is kept in memory once it was right, that of root.key
    from the making of the station to its first officer; no other, and nothing on disk.
    Spec: docs/enrolment.md §12.3
    """

    def __init__(self, machine: Machine, home: Path | None = None) -> None:
        self._machine = machine
        self._home = None if home is None else Home(home.absolute())
        self._catalogue = load_catalogue(machine.config)
        self._book = load_phrasebook(machine.config, LANGUAGE)
        self._held: dict[str, str] = {}
        self._hearing: Hearing | None = None
        self._lining = Lining(self._catalogue)

    @property
    def _place(self) -> Home:
        if self._home is None:
            raise InvariantError("no home was named yet")
        return self._home

    @property
    def clock(self) -> Clock:
        """Milliseconds."""
        return self._machine.clock

    def _say(self, charter: Charter) -> Words:
        return charter_words(charter, dict(self._catalogue.templates), self._book)

    def view(self) -> SetupView:
        """Read from the home how far it has come."""
        if self._home is None:
            return SetupView()
        return read_setup(self._home, frozenset(self._held), self._say)

    def advise(self, error: Exception) -> str:
        """Say in one sentence what went wrong and what to do next, here."""
        if isinstance(error, HotlineError):
            return advice(error)
        return f"Not done: a fault of hotline ({type(error).__name__}); report this."

    def name_home(self, home: str) -> SetupView:
        """Take a directory for the home; one that holds a station is gone on with."""
        self._home, self._held, self._hearing = Home(checks.path_of(home)), {}, None
        return self.view()

    def place_faults(self, home: str, station: str, realm: str) -> dict[str, str]:
        """Say what is wrong with the answers to the first step, by field."""
        return checks.place_faults(home, station, realm)

    def holds_station(self, home: str) -> bool:
        """Return whether a station stands in that directory already."""
        try:
            return bool(home.strip()) and is_station(Home(checks.path_of(home)))
        except (OperatorError, OSError):
            return False

    def address_fault(self, text: str, *, dialled: bool) -> str:
        """Say what is wrong with HOST:PORT; `dialled`: by others, so with a port."""
        return checks.address_fault(text, dialled=dialled)

    def phrase_fault(self, typed: str, again: str) -> dict[str, str]:
        """Say what is wrong with a new passphrase, by the field `new` or `again`."""
        return checks.phrase_fault(typed, again)

    def officer_faults(self, officer: OfficerAnswers) -> dict[str, str]:
        """Say what is wrong with an officer's particulars, by field."""
        known = {person for person, _, _ in self.view().officers}
        return checks.officer_faults(officer, known)

    def line_fault(self, name: str) -> str:
        """Say what is wrong with a line's name."""
        return checks.line_fault(name)

    def card_file(self) -> str:
        """Return where this station's card is written, unless the person says otherwise."""
        name = read_identity(self._place).station.lower()
        return checks.shown(self._place.path.parent / f"{name}.card")

    def travelling_file(self) -> str:
        """Return where the file that goes to the other station is written, unless told so."""
        line = self.view().line
        name = "answer" if line is not None and line.whole else "opening"
        station = read_identity(self._place).station.lower()
        return checks.shown(self._place.path.parent / f"{station}-{name}.enrol")

    async def make(self, new: NewStationAnswers) -> None:
        """Make the station."""
        place = Home(checks.path_of(new.home))
        wanted = NewStation(
            new.station,
            Realm(new.realm),
            read_route(new.route or None),
            read_listening(new.listening or None),
        )
        work = partial(begin_home, place, wanted, new.phrases.get, self._catalogue)
        await asyncio.to_thread(work, self._machine.clock, self._machine.entropy)
        self._home = place
        self._hold(new.phrases, CONSOLE_KEY, ROOT_KEY)

    def _hold(self, phrases: Mapping[str, str], *names: str) -> None:
        self._held |= {name: phrases[name] for name in names if phrases.get(name)}

    def _bench(self, unlocking: Unlocking) -> Bench:
        """Return what an act needs; it is told what was typed now, and what is held."""
        known = {**self._held, **{name: one for name, one in unlocking.phrases.items() if one}}

        def ask(name: str) -> str:
            asked = ROOT_KEY if name == Path(unlocking.root_file).name else name
            if asked not in known:
                raise OperatorError(
                    f"{name} is protected and no passphrase was given", hint="type it below"
                )
            return known[asked]

        return Bench(self._place, self._machine.clock, self._machine.entropy, ask)

    def _root_file(self, unlocking: Unlocking) -> Path:
        if unlocking.root_file.strip():
            return checks.path_of(unlocking.root_file)
        return self._place.keys / ROOT_KEY

    def change_route(self, route: str, listening: str) -> SetupView:
        """Have the next card say another address."""
        change_reach(self._place, read_route(route or None), read_listening(listening or None))
        return self.view()

    async def certify(self, officer: OfficerAnswers, unlocking: Unlocking) -> None:
        """Make an officer's key and have the root certify it."""
        subject = Subject(officer.person, officer.name, officer.rank, officer.role)
        bench, root_file = self._bench(unlocking), self._root_file(unlocking)
        protected = is_protected(self._place.keys / CONSOLE_KEY)
        ask_new = bench.ask if protected else _open
        work = partial(add_officer, bench, subject, ask_new, root_file, self._catalogue)
        await asyncio.to_thread(work)
        self._hold(unlocking.phrases, CONSOLE_KEY)
        self._held.pop(ROOT_KEY, None)

    async def write_card(self, path: str, unlocking: Unlocking) -> str:
        """Write this station's card; return the file's path."""
        out, bench = checks.path_of(path), self._bench(unlocking)

        def work() -> None:
            passphrase = bench.passphrase(bench.home.keys / CONSOLE_KEY)
            held = ready_console(bench.home, passphrase, bench.entropy)
            write_durably(out, own_card(bench.home, held, bench.clock))

        await asyncio.to_thread(work)
        self._hold(unlocking.phrases, CONSOLE_KEY)
        return checks.shown(out)

    def own_words(self) -> tuple[str, ...]:
        """Return the 24 words of this station's root."""
        return tuple(root_words(read_identity(self._place).verified().root.digest).split())

    def look_at_card(self, path: str) -> tuple[PeerView, bool]:
        """Check another station's card; also say whether it was compared before, and is kept."""
        file = checks.path_of(path)
        encoded = read_file(file, file.name)
        card, compared = check_card(self._place, encoded, self.clock)
        if compared:
            accept_card(self._place, encoded, _compared, self.clock)
            self._hearing = None
        else:
            self._hearing = Hearing(card, encoded, self._machine.entropy)
        return peer_view(card), compared

    def asked_places(self) -> tuple[int, ...]:
        """Return which words of the card that was looked at are typed, from 1, in order."""
        return () if self._hearing is None else tuple(one + 1 for one in self._hearing.places)

    def heard(self) -> int:
        """Return how many of those were typed right."""
        return 0 if self._hearing is None else self._hearing.heard

    def hear(self, typed: str) -> bool:
        """Take the next word as it was heard; False: it is another, there is one more try."""
        hearing = self._listening()
        try:
            return hearing.hear(typed)
        except OperatorError:
            self._hearing = None
            raise

    def their_words(self) -> tuple[str, ...]:
        """Return all words of the card once those that were asked for are right, else ()."""
        return () if self._hearing is None else self._hearing.words

    def settle(self, *, agreed: bool) -> PeerView:
        """Accept the card whose words agree; forget one whose words differ.

        Spec: docs/enrolment.md §4.2
        """
        hearing = self._listening()
        if agreed and not hearing.words:
            raise OperatorError("not all words were heard yet", hint="type them first")
        if not agreed:
            self._hearing = None
            raise words_differ(hearing.card)
        accept_card(self._place, hearing.encoded, _compared, self.clock)
        self._hearing = None
        return peer_view(hearing.card)

    def _listening(self) -> Hearing:
        if self._hearing is None:
            raise OperatorError("no card is being compared", hint="take the card in again")
        return self._hearing

    def suggest(self, peer: str) -> tuple[str, LineAnswers]:
        """Return who opens the line best, and the usual answers for it."""
        return self._lining.suggest(self.view(), peer)

    def draft(self, answers: LineAnswers) -> Words:
        """Write a charter and return what it says, before it is signed."""
        return self._say(self._lining.draft(self._bench(Unlocking()), answers))

    def look_at_opening(self, path: str) -> Words:
        """Check the file of a line that the other station opened; return what its charter says."""
        return self._say(self._lining.look_at(self._bench(Unlocking()), checks.path_of(path)))

    async def sign(self, unlocking: Unlocking) -> None:
        """Sign the charter that was shown last: open the line, or join it."""
        bench, root_file = self._bench(unlocking), self._root_file(unlocking)
        await asyncio.to_thread(self._lining.sign, bench, root_file)
        self._hold(unlocking.phrases, CONSOLE_KEY)

    async def write_travelling(self, path: str) -> str:
        """Write the file that goes to the other station; return its path."""
        out = checks.path_of(path)
        write_durably(out, self._lining.travelling(self._bench(Unlocking())))
        return checks.shown(out)

    async def complete(self, path: str, unlocking: Unlocking) -> None:
        """Complete the line with the other station's answer."""
        bench, file = self._bench(unlocking), checks.path_of(path)
        await asyncio.to_thread(self._lining.complete, bench, file)
        self._hold(unlocking.phrases, CONSOLE_KEY)

    def give_up(self) -> SetupView:
        """Forget a line that was opened here and is not complete."""
        self._lining.give_up(self._bench(Unlocking()))
        return self.view()


def _open(_name: str) -> None:
    """Leave a key file of an exercise open."""


def _compared(_card: object) -> None:
    """The words were compared, on the screens before."""
