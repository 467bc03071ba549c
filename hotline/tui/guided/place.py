"""Steps 1 and 2: the station's name, realm and directory; whether others can dial it."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.tui.guided.ask import Ask
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import SaidLines

REALM_WORDS = {
    "": "LIVE is real. EXERCISE is practice. They never mix.",
    "LIVE": "Real: what is said counts. All keys are locked.",
    "EXERCISE": "Practice: these keys never speak on a live line.",
}


class PlacePage(GuidePage):
    """What the station is called, whether it is real, and where its home goes."""

    STEP, TITLE = 1, "THE STATION"

    def now(self) -> str:
        """Say what happens."""
        if self.view.made:
            return f"The station {self.view.station} is made. Its name and realm stay as they are."
        return "You give your station a name. Nothing is written to the disk yet."

    def why(self) -> str:
        """Say why."""
        return "The other side sees the name. The directory holds keys and record."

    def then(self) -> str:
        """Say what comes next."""
        return "Whether others can reach this machine."

    def guide_words(self) -> str:
        """Say which keys."""
        if self.view.made:
            return "Enter goes on."
        return "Type; Enter goes on to the next field. Right and Left choose the realm."

    def questions(self) -> ComposeResult:
        """Yield name, realm and directory; of a station that is made, what it is."""
        view, answers = self.view, self.answers
        if view.made:
            yield SaidLines(
                (("Station", view.station), ("Realm", view.realm), ("Directory", view.home))
            )
            return
        yield Ask(
            "station",
            "Station name",
            value=answers.station,
            told="As in NORTH: A-Z, digits and -, at most 16.",
        )
        choices = (("LIVE", "LIVE"), ("EXERCISE", "EXERCISE"))
        told = REALM_WORDS[answers.realm]
        yield Ask("realm", "Real or practice", value=answers.realm, told=told, choices=choices)
        yield Ask(
            "home",
            "Directory",
            value=answers.home,
            told="New. If you type nothing: named like the station.",
        )

    def follow(self, ask: Ask) -> None:
        """Say what the chosen realm means."""
        ask.tell(REALM_WORDS[ask.value])

    def press(self, button: str) -> None:
        """Check the answers, or go on with a station that stands there."""
        if self.view.made:
            self.shell.go("route")
            return
        answers = self.answers
        home, station, realm = self.typed("home"), self.typed("station"), self.typed("realm")
        if self.guide.holds_station(home):
            self.shell.go_on_with(home)
            return
        answers.home, answers.station, answers.realm = home, station, realm
        if not self.refused(self.guide.place_faults(home, station, realm)):
            answers.protect = realm == "LIVE" or answers.protect
            self.shell.go("route")


class RoutePage(GuidePage):
    """Whether the other station can dial this machine, and where."""

    STEP, TITLE = 2, "THE ROUTE"

    def now(self) -> str:
        """Say what happens."""
        return "You say whether the other station can reach this machine by network."

    def why(self) -> str:
        """Say why."""
        return "One of the two must be reachable; the other one dials. One is enough."

    def then(self) -> str:
        """Say what comes next."""
        if self.view.made:
            return "The officers."
        return "Passphrases for the station's keys."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Right and Left choose. If you do not know, leave it at no."

    def questions(self) -> ComposeResult:
        """Yield whether, where, and where inside."""
        view, answers = self.view, self.answers
        route = view.route if view.made else answers.route
        listening = view.listening if view.made else answers.listening
        dialled = bool(route) if view.made or answers.dialled is None else answers.dialled
        yield Ask(
            "dialled",
            "Can they dial us?",
            value="yes" if dialled else "no",
            told="no: we dial them. yes: type our address below.",
            choices=(("no", "no, this station dials"), ("yes", "yes, at this address")),
        )
        yield Ask(
            "route",
            "Our address",
            value=route,
            told="Only if yes. As in hotline.example:4711",
        )
        yield Ask(
            "listening",
            "Inside address",
            value=listening,
            told="Only if it is another one, as behind a router.",
        )

    def press(self, button: str) -> None:
        """Take the answer; a station that is made shows it on its next card."""
        answers = self.answers
        answers.dialled = self.typed("dialled") == "yes"
        answers.route, answers.listening = self.typed("route"), self.typed("listening")
        faults = {}
        if answers.dialled:
            faults["route"] = self.guide.address_fault(answers.route, dialled=True)
            if answers.listening:
                fault = self.guide.address_fault(answers.listening, dialled=False)
                faults["listening"] = fault
        if self.refused(faults):
            return
        if not answers.dialled:
            answers.route = answers.listening = ""
        if not self.view.made:
            self.shell.go("console")
        elif self._changed():
            self._change()
        else:
            self.shell.go("officers" if self.view.officers else "who")

    def _changed(self) -> bool:
        now = (self.view.route, self.view.listening)
        return (self.answers.route, self.answers.listening) != now and self.answers.dialled is True

    def _change(self) -> None:
        if self.view.line is not None:
            self.shell.say("The line is signed: its address stays as it is.", fault=True)
            return
        answers = self.answers
        done = self.shell.attempt(lambda: self.guide.change_route(answers.route, answers.listening))
        if done is not None:
            self.shell.go(
                "card", "The address is changed. Write the card again, and give it to them."
            )

    def buttons(self) -> Buttons:
        """Return the one way on."""
        return (("next", "Next"),)
