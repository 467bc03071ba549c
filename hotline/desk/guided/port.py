"""What the screens of the guided setup may ask for."""

from __future__ import annotations

from typing import Protocol

from hotline.desk.guided.views import (
    LineAnswers,
    NewStationAnswers,
    OfficerAnswers,
    PeerView,
    SetupView,
    Unlocking,
    Words,
)


class Guide(Protocol):
    """One station being set up. What it raises is a HotlineError; `advise` words it.

    Quick questions return at once; acts (`async`) derive keys and write to the disk in
    a thread of their own, and what they did is on the disk when they return.
    """

    def view(self) -> SetupView:
        """Read from the home how far it has come."""

    def advise(self, error: Exception) -> str:
        """Say in one sentence what went wrong and what to do next, here."""

    def name_home(self, home: str) -> SetupView:
        """Take a directory for the home; one that holds a station is gone on with."""

    def holds_station(self, home: str) -> bool:
        """Return whether a station stands in that directory already."""

    def place_faults(self, home: str, station: str, realm: str) -> dict[str, str]:
        """Say what is wrong with the answers to the first step, by field."""

    def address_fault(self, text: str, *, dialled: bool) -> str:
        """Say what is wrong with HOST:PORT; `dialled`: by others, so with a port."""

    def phrase_fault(self, typed: str, again: str) -> dict[str, str]:
        """Say what is wrong with a new passphrase, by the field `new` or `again`."""

    def officer_faults(self, officer: OfficerAnswers) -> dict[str, str]:
        """Say what is wrong with an officer's particulars, by field."""

    def line_fault(self, name: str) -> str:
        """Say what is wrong with a line's name."""

    def card_file(self) -> str:
        """Return where this station's card is written, unless the person says otherwise."""

    def travelling_file(self) -> str:
        """Return where the file that goes to the other station is written, unless told so."""

    async def make(self, new: NewStationAnswers) -> None:
        """Make the station."""

    def change_route(self, route: str, listening: str) -> SetupView:
        """Have the next card say another address."""

    async def certify(self, officer: OfficerAnswers, unlocking: Unlocking) -> None:
        """Make an officer's key and have the root certify it."""

    async def write_card(self, path: str, unlocking: Unlocking) -> str:
        """Write this station's card; return the file's path."""

    def own_words(self) -> tuple[str, ...]:
        """Return the 24 words of this station's root."""

    def look_at_card(self, path: str) -> tuple[PeerView, bool]:
        """Check another station's card; also say whether it was compared before, and is kept."""

    def asked_places(self) -> tuple[int, ...]:
        """Return which words of the card that was looked at are typed, from 1, in order."""

    def heard(self) -> int:
        """Return how many of those were typed right."""

    def hear(self, typed: str) -> bool:
        """Take the next word as it was heard; False: it is another, there is one more try."""

    def their_words(self) -> tuple[str, ...]:
        """Return all words of the card once those that were asked for are right, else ()."""

    def settle(self, *, agreed: bool) -> PeerView:
        """Accept the card whose words agree; forget one whose words differ."""

    def suggest(self, peer: str) -> tuple[str, LineAnswers]:
        """Return who opens the line best, and the usual answers for it."""

    def draft(self, answers: LineAnswers) -> Words:
        """Write a charter and return what it says, before it is signed."""

    def look_at_opening(self, path: str) -> Words:
        """Check the file of a line that the other station opened; return what its charter says."""

    async def sign(self, unlocking: Unlocking) -> None:
        """Sign the charter that was shown last: open the line, or join it."""

    async def write_travelling(self, path: str) -> str:
        """Write the file that goes to the other station; return its path."""

    async def complete(self, path: str, unlocking: Unlocking) -> None:
        """Complete the line with the other station's answer."""

    def give_up(self) -> SetupView:
        """Forget a line that was opened here and is not complete."""
