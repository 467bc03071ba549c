"""What the pages have in common that write a file for the other station."""

from __future__ import annotations

from typing import ClassVar

from hotline.tui.guided.page import Buttons, GuidePage


class FileOutPage(GuidePage):
    """Writes a file that is carried; once it is written, going on comes first.

    Attributes:
        FILE: Of which file the setup remembers that it was written.
        NAME: This page's.
        WRITE: The word on the button.
    """

    FILE: ClassVar[str]
    NAME: ClassVar[str]
    WRITE: ClassVar[str]

    @property
    def written(self) -> str:
        """Where it was written in this run, "" if it was not."""
        return self.answers.written.get(self.FILE, "")

    def guide_words(self) -> str:
        """Say which keys."""
        if self.written:
            return "Give them the file, then Enter on Next. You may write it again at any time."
        return f"Enter goes on. If you gave them the {self.FILE} already, go to Next with Tab."

    def buttons(self) -> Buttons:
        """Return both ways; what is written is not the first one any more."""
        if self.written:
            return (("next", "Next"), ("write", "Write it again"))
        return (("write", self.WRITE), ("next", "Next"))

    def begin(self) -> None:
        """Once it is written, the button is next."""
        if self.written:
            self.query_one("#next").focus()
        else:
            super().begin()

    def done(self, path: str) -> None:
        """Say where it was written."""
        self.answers.written[self.FILE] = path
        self.shell.go(self.NAME, f"Wrote {path}")
