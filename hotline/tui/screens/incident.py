"""One incident: ladder and facts at the left, its statements and what comes next at the right."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from hotline.desk.views import IncidentView, TimelineRow, WatchView
from hotline.tui.actions import INCIDENT
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, PLAIN, QUIET
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.widgets.choice_list import ChoiceList, offer_of
from hotline.tui.widgets.incident_rows import IncidentRows
from hotline.tui.widgets.ladder import Ladder
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.rows import Rows


class IncidentScreen(FrameScreen):
    """Shows where an incident stands; Enter on NEXT opens the composer, nothing is sent."""

    PLACE = INCIDENT
    FOOTER = (
        "help",
        "watch",
        "compose",
        "incident",
        "acknowledge",
        "step_back",
        "step_on",
        "play",
        "open",
        "pane",
        "back",
        "chord",
    )
    WORDS = {"incident": "Next one"}

    def __init__(self, name: str) -> None:
        super().__init__()
        self.incident = name

    def place_words(self) -> str:
        """Name the incident."""
        return f"INCIDENT {clean(self.incident)}"

    def compose_body(self) -> ComposeResult:
        """Yield the panes."""
        facts = Lines(id="facts")
        facts.entitle("FACTS")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Ladder(id="ladder")
                yield facts
            with Vertical(id="right"):
                yield IncidentRows(id="rows")
                yield ChoiceList("NEXT", "Nothing is expected next.", id="next")

    def begin(self) -> None:
        """Show the incident; keys go to what comes next when there is anything."""
        offers = self.query_one(ChoiceList)
        (offers if offers.row_count() else self.query_one(IncidentRows)).focus()

    def show_incident(self, name: str) -> None:
        """Turn to another incident."""
        self.incident = name
        self.refresh_view()

    def guide_words(self) -> str:
        """Say what Enter does; whose turn it is stands above the ladder."""
        if self.shell.post is None:
            return "Enter opens the marked statement. Esc goes back."
        if isinstance(self.focused, ChoiceList) and self.focused.row_count():
            return "Enter in NEXT opens a form; nothing is sent by it. Esc goes back."
        return "Enter opens the marked statement; Tab goes to NEXT. Esc goes back."

    def show(self, view: WatchView) -> None:
        """Bring all panes up to date."""
        incident = self.shell.feed.incident(self.incident)
        if incident is None:
            # A replay that steps back may come to before the incident began.
            self.query_one(Ladder).show(None, "")
            self.query_one("#facts", Lines).set_lines([literal("Not opened yet.", QUIET)])
            self.query_one(IncidentRows).show(())
            return
        self.query_one(Ladder).show(incident.ladder, incident.name)
        self.query_one("#facts", Lines).set_lines(_fact_lines(incident))
        self.query_one(IncidentRows).show(incident.rows)
        offers = self.query_one(ChoiceList)
        offers.show(tuple(offer_of(choice) for choice in incident.next))
        offers.display = self.shell.post is not None

    @property
    def marked_digest(self) -> str | None:
        """The statement that the mark is on."""
        row = self._marked_row()
        return row.digest if row else None

    def _marked_row(self) -> TimelineRow | None:
        return self.query_one(IncidentRows).marked_row()

    def on_descendant_focus(self) -> None:
        """Guidance depends on where the keys go."""
        self.refresh_words()

    def on_rows_marked(self, message: Rows.Marked) -> None:
        """F8 is about the marked statement: the footer names it."""
        self.refresh_words()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Open the form, or the statement."""
        if isinstance(message.rows, ChoiceList):
            choice = message.rows.offer_at(message.index).choice
            if choice is not None:
                self.shell.open_choice(choice)
        elif self.marked_digest:
            self.shell.open_message(self.marked_digest)


def _fact_lines(incident: IncidentView) -> list[Content]:
    lines = [literal(incident.title, BRIGHT), literal(incident.state_word, PLAIN)]
    for label, words in incident.facts:
        lines.append(line_of((f"{clean(label):8} ", QUIET), literal(words, PLAIN)))
    return lines
