"""The box for a passphrase: what is typed does not show, and leaves the box when it is taken."""

from __future__ import annotations

from textual.widgets import Input


class PassphraseBox(Input):
    """Takes a passphrase. Enter means it is whole, so no key goes on from here."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False, password=True)
        self.cursor_blink = False

    def take(self) -> str:
        """Return what was typed, and empty the box."""
        typed, self.value = self.value, ""
        return typed
