"""Step 8: who opens the line, by which rules; or the file of a line that they opened."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from hotline.desk.guided.views import TEST_PERIODS, TWO_OFFICERS
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.page import GuidePage

_TWO_TOLD = {
    "none": "Faster. One officer signs whatever is said.",
    "ladder": "Proposals to calm down, and answers to them.",
    "most": "Slower. Aid, safety and ships that meet: one officer.",
}


class ChoicePage(GuidePage):
    """Which of the two opens the line."""

    STEP, TITLE = 8, "WHO OPENS THE LINE"

    @property
    def _peer(self) -> str:
        return self.view.peers[0].station

    def now(self) -> str:
        """Say what happens."""
        return "One station opens the line: it writes the rules. The other one joins."

    def why(self) -> str:
        """Say why."""
        opener, _ = self.guide.suggest(self._peer)
        return f"Agree by telephone. Both setups suggest the same: {opener} opens."

    def then(self) -> str:
        """Say what comes next."""
        return "Who opens chooses the rules. Who joins waits for a file with them."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Right and Left choose. F2 shows our words, if they still have to compare them."

    def questions(self) -> ComposeResult:
        """Yield who opens; of several stations, with which."""
        peers = [peer.station for peer in self.view.peers]
        if len(peers) > 1:
            told = "Several cards were accepted. This line is of two."
            choices = tuple((one, one) for one in peers)
            yield Ask("peer", "With which station?", value=peers[0], told=told, choices=choices)
        opener, _ = self.guide.suggest(self._peer)
        opens = self.answers.opens
        ours = opener == self.view.station if opens is None else opens
        yield Ask(
            "opens",
            "Who opens?",
            value="us" if ours else "them",
            told="Afterwards it makes no difference.",
            choices=(
                ("us", f"{self.view.station}, this station"),
                ("them", "they do; this station joins"),
            ),
        )

    def press(self, button: str) -> None:
        """Go the one way or the other."""
        self.answers.opens = self.typed("opens") == "us"
        peer = self.typed("peer") or self._peer
        _, usual = self.guide.suggest(peer)
        if self.answers.line is None or self.answers.line.peer != peer:
            self.answers.line = usual
        self.shell.go("policy" if self.answers.opens else "opening")


class PolicyPage(GuidePage):
    """The rules of the line, by plain questions."""

    STEP, TITLE = 8, "THE RULES OF THE LINE"

    def now(self) -> str:
        """Say what happens."""
        return "You choose the rules of the line. The usual answers stand there."

    def why(self) -> str:
        """Say why."""
        return "They become the charter, which both sign. It binds both."

    def then(self) -> str:
        """Say what comes next."""
        return "You read the charter, before you sign it."

    def guide_words(self) -> str:
        """Say which keys."""
        return "Right and Left change an answer. Enter goes on."

    def questions(self) -> ComposeResult:
        """Yield name, who signs, how often it is tested, what is seen."""
        line = self.answers.line
        if line is None:
            return
        told = "Letters, digits and -. Both stations see it."
        yield Ask("name", "Name of the line", value=line.name, told=told)
        yield Ask(
            "two",
            "Two officers sign",
            value=line.two_officers,
            told=_TWO_TOLD[line.two_officers],
            choices=TWO_OFFICERS,
        )
        yield Ask(
            "test",
            "Test the line",
            value=str(line.test_s),
            told="By the machines themselves: it shows that it works.",
            choices=tuple((str(seconds), words) for seconds, words in TEST_PERIODS),
        )
        yield Ask(
            "presence",
            "Show an empty desk?",
            value="yes" if line.presence else "no",
            told="yes: they see when nobody sits at the desk here.",
            choices=(("no", "no"), ("yes", "yes")),
        )

    def follow(self, ask: Ask) -> None:
        """Say what the chosen answer means."""
        if ask.name == "two":
            ask.tell(_TWO_TOLD[ask.value])

    def press(self, button: str) -> None:
        """Write the charter that the answers make, and show it."""
        line = self.answers.line
        if line is None:
            return
        name = self.typed("name")
        line = self.answers.line = replace(
            line,
            name=name,
            two_officers=self.typed("two"),
            test_s=int(self.typed("test")),
            presence=self.typed("presence") == "yes",
        )
        if self.refused({"name": self.guide.line_fault(name)}):
            return
        charter = self.shell.attempt(lambda: self.guide.draft(line))
        if charter is not None:
            self.answers.charter = charter
            self.shell.go("charter")


class OpeningPage(GuidePage):
    """The file of a line that the other station opened."""

    STEP, TITLE = 8, "THEIR OPENING FILE"

    def now(self) -> str:
        """Say what happens."""
        return "You take in the file of the line that the other station has opened."

    def why(self) -> str:
        """Say why."""
        return "It holds the charter, the rules of the line, signed by their root key."

    def then(self) -> str:
        """Say what comes next."""
        return "You read the charter, before you sign it."

    def guide_words(self) -> str:
        """Say what to do while it has not come."""
        return "No file yet? Leave with ^X, and go on here when it has come."

    def questions(self) -> ComposeResult:
        """Yield where it is."""
        told = "As in /media/stick/north-opening.enrol"
        yield Ask("file", "Their opening file", told=told, about=("file", "read"))

    def press(self, button: str) -> None:
        """Check it and show its charter."""
        file = self.typed("file")
        if self.refused({} if file else {"file": "Type the path of the file."}):
            return
        charter = self.shell.attempt(lambda: self.guide.look_at_opening(file))
        if charter is not None:
            self.answers.charter = charter
            self.shell.go("charter", "The file is whole, and from the station that you know.")
