"""Steps 5 and 6: this station's card goes out, the other one's comes in."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.guided.views import CONSOLE_KEY, PeerView
from hotline.tui.guided.ask import Ask
from hotline.tui.guided.going_out import FileOutPage
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import SaidLines


class OwnCardPage(FileOutPage):
    """Writes this station's card to a file."""

    STEP, TITLE = 5, "OUR CARD"
    FILE, NAME, WRITE = "card", "card", "Write the card"

    def now(self) -> str:
        """Say what happens."""
        if self.written:
            return f"Carry {self.written} to the other station."
        return "You write this station's card: a file that says who you are."

    def why(self) -> str:
        """Say why."""
        return "It names officers and address. It holds no secret: a mail will do."

    def then(self) -> str:
        """Say what comes next."""
        return "Their card, which they give to you."

    def questions(self) -> ComposeResult:
        """Yield where it goes."""
        yield Ask(
            "file",
            "File",
            value=self.written or self.guide.card_file(),
            told="On the medium that you carry, or as it stands here.",
            about=("write", "cannot"),
        )
        if not self.written:
            yield from self.unlocking(CONSOLE_KEY)

    def press(self, button: str) -> None:
        """Write it, or go on."""
        if button == "next":
            self.shell.go("theirs")
        elif not self.refused(self.missing_phrases()):
            work = self.guide.write_card(self.typed("file"), self.unlocked())
            self.shell.work("The card is signed and written. A moment.", work, self.done)


class TheirCardPage(GuidePage):
    """Reads the other station's card."""

    STEP, TITLE = 6, "THEIR CARD"

    def now(self) -> str:
        """Say what happens."""
        return "You take in the card of the other station: a file that they gave you."

    def why(self) -> str:
        """Say why."""
        return "It says who they are. Before its words are compared it counts nothing."

    def then(self) -> str:
        """Say what comes next."""
        return "A telephone call. You read words to each other."

    def guide_words(self) -> str:
        """Say which keys."""
        if self.view.peers:
            return "Enter on Next goes on. A newer card of theirs can be taken in here."
        return "No card yet? Leave with ^X, and go on here when it has come."

    def questions(self) -> ComposeResult:
        """Yield whose card is here already, and where the new one is."""
        for peer in self.view.peers:
            yield SaidLines(peer_lines(peer))
        yield Ask(
            "file",
            "File of their card",
            value="",
            told="As in /media/stick/south.card",
            about=("card", "read"),
        )

    def buttons(self) -> Buttons:
        """Return the ways on."""
        known = (("next", "Next"),) if self.view.peers else ()
        return (("read", "Read the card"), *known)

    def press(self, button: str) -> None:
        """Check the card; unless its root is known, its words are compared next."""
        if button == "next":
            self.shell.go("choice" if self.view.line is None else "carry")
            return
        file = self.typed("file")
        if self.refused({} if file else {"file": "Type the path of the file."}):
            return
        found = self.shell.attempt(lambda: self.guide.look_at_card(file))
        if found is None:
            return
        self.answers.looked_at, compared = found
        if compared:
            self.answers.looked_at = None
            self.shell.go("theirs", "The newer card is taken in. Its words were compared before.")
        else:
            self.shell.go("own-words", "The file is whole. Now its words must be compared.")


def peer_lines(peer: PeerView) -> tuple[tuple[str, str], ...]:
    """Say whose card it is."""
    return (
        ("Station", peer.station),
        ("Officers", ", ".join(peer.officers) or "none yet"),
        ("Dialled at", peer.route or "nowhere: it dials us"),
        ("Card made on", peer.made),
    )
