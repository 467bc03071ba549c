"""The end: the line is complete, and what a person does now."""

from __future__ import annotations

from textual.app import ComposeResult

from hotline.desk.guided.views import LineView
from hotline.tui.guided.head import STEPS
from hotline.tui.guided.page import Buttons, GuidePage
from hotline.tui.guided.said import SaidLines


class DonePage(GuidePage):
    """Says what to do with the keys and the files, and how to start the console."""

    STEP, TITLE = len(STEPS) + 1, "DONE"

    @property
    def _line(self) -> LineView:
        return self.view.line or LineView("", "", True, False, ())

    def now(self) -> str:
        """Say what stands."""
        return (
            f"The line {self._line.name} with {self._line.peer} stands here. {self._line.dialled}"
        )

    def then(self) -> str:
        """Say what is still to be done at the other side."""
        if self._line.joined:
            return f"{self._line.peer} still needs your answer file: Esc goes back to it."
        return ""

    def guide_words(self) -> str:
        """Say which keys."""
        return "Read what is left to do. Then Enter leaves."

    def questions(self) -> ComposeResult:
        """Yield what is left to do."""
        view = self.view
        keys = [name for name, here in self._keys() if here]
        todo: list[tuple[str, str]] = []
        if keys:
            todo.append(("Keys", f"Move {' and '.join(keys)} away from this machine:"))
            todo.append(("", f"out of {view.home}/keys, onto two media, into two safes."))
            todo.append(("", "Who has root.key and its passphrase can name your officers."))
        else:
            todo.append(("Keys", "root.key and successor.key are away from here: good."))
        todo.append(("Files", "When both are done: destroy opening file and answer file."))
        todo.append(("Officers", f"A certificate ends on {self._first_end()}. Before that:"))
        todo.append(("", f"hotline officer renew {view.home} --person ID"))
        todo.append(("Start", f"hotline console {view.home}"))
        todo.append(("", "Both stations start it. The line works while it is open."))
        yield SaidLines(todo)

    def _keys(self) -> tuple[tuple[str, bool], ...]:
        return (("root.key", self.view.root_here), ("successor.key", self.view.successor_here))

    def _first_end(self) -> str:
        return min((day for _, _, day in self.view.officers), default="")

    def buttons(self) -> Buttons:
        """Return the way out."""
        return (("leave", "Leave"),)

    def press(self, button: str) -> None:
        """Leave."""
        self.shell.leave()
