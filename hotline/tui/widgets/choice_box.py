"""A field that takes one of some values: Left and Right go through them, Enter lists them."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from hotline.tui.drawing import line_of, strip_of
from hotline.tui.literal import fit
from hotline.tui.look import KEY, SELECTED

UNCHOSEN = "(choose)"


class ChoiceBox(Widget, can_focus=True):
    """Shows "< words > 2/7". A letter goes to the next value that begins with it."""

    class Chosen(Message):
        """The value changed by the officer's key."""

        def __init__(self, box: ChoiceBox) -> None:
            super().__init__()
            self.box = box

    class ListAsked(Message):
        """Enter asks for the whole list."""

        def __init__(self, box: ChoiceBox) -> None:
            super().__init__()
            self.box = box

    def __init__(
        self, choices: tuple[tuple[str, str], ...], value: str, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.choices = choices
        self._values = [one for one, _ in choices]
        self.value = value if value in self._values else ""

    def take(self, value: str) -> None:
        """Set the value and tell the screen."""
        if value in self._values and value != self.value:
            self.value = value
            self.refresh()
            self.post_message(self.Chosen(self))

    def turn(self, delta: int) -> None:
        """Go to the value before or after; round at the ends."""
        if not self._values:
            return
        if self.value not in self._values:
            self.take(self._values[0 if delta > 0 else -1])
        else:
            place = (self._values.index(self.value) + delta) % len(self._values)
            self.take(self._values[place])

    def on_key(self, event: events.Key) -> None:
        """Turn, list, or go to a letter.

        Not by bindings: those run after the event has gone up to the app, and a ^P
        right behind the key would then check the value before.
        """
        match event.key:
            case "left" | "right":
                self.turn(-1 if event.key == "left" else 1)
            case "enter":
                self.post_message(self.ListAsked(self))
            case _ if (event.character or "").isalnum():
                self._go_to_letter((event.character or "").lower())
            case _:
                return
        event.stop()

    def _go_to_letter(self, letter: str) -> None:
        place = self._values.index(self.value) + 1 if self.value in self._values else 0
        turned = self.choices[place:] + self.choices[:place]
        for value, words in turned:
            if words.lower().startswith(letter):
                self.take(value)
                return

    def render_line(self, y: int) -> Strip:
        """Draw the value between arrows, and which of how many it is."""
        width = self.size.width
        words = dict(self.choices).get(self.value, UNCHOSEN)
        place = self._values.index(self.value) + 1 if self.value in self._values else 0
        count = f" {place}/{len(self._values)}"
        shown = fit(words, max(4, width - len(count) - 5))
        base = self.visual_style + SELECTED if self.has_focus else self.visual_style
        line = line_of(("< ", KEY), shown, (" >", KEY), count)
        return strip_of(line, width, base)
