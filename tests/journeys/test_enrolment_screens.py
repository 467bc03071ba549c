"""Two officers set a line up in two real terminals, with nothing but what the screens say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotline.review.reviewing import Asked, review_ledgers
from tests.fakes.ports import free_port
from tests.fakes.tmux import NEEDS_TMUX, Terminal, tmux_server
from tests.fakes.warm import warm_python

WORD = re.compile(r"\b(\d{1,2}) ([a-z]{3,8})\b")
ASKED = re.compile(r"^  word +(\d+): *$")
PHRASE = "one passphrase for the test"


class Shell:
    """A terminal with a shell in it, where one command after the other is typed."""

    def __init__(self, terminal: Terminal, directory: Path) -> None:
        self.terminal = terminal
        terminal.start(f"cd {directory}; PS1='READY ' exec bash --norc")
        self.sees("READY")

    def types(self, words: str) -> None:
        self.terminal.type(words)
        self.terminal.keys("Enter")

    def runs(self, words: str) -> None:
        """Clear the screen and start a hotline command."""
        self.types("clear")
        # Nothing of the command before may be taken for what this one says.
        self.terminal.until(lambda rows: "".join(rows).strip() == "READY", "a clear screen")
        self.types(f"{warm_python()} -m hotline {words}")

    def sees(self, words: str) -> str:
        rows = self.terminal.until(lambda rows: words in "\n".join(rows), words)
        return "\n".join(rows)

    def answers(self, prompt: str, words: str) -> None:
        """Type behind a prompt, once the cursor stands there, and see that it was taken."""
        asked = self.terminal.until(lambda rows: _last(rows).endswith(prompt.rstrip()), prompt)
        self.types(words)
        # The same prompt may come again, and throws away what was typed before it asks.
        self.terminal.until(lambda rows: rows != asked, f"what follows {prompt}")

    def done(self, words: str) -> str:
        """Return the screen once it shows `words` and the shell is ready again."""
        self.sees(words)
        rows = self.terminal.until(lambda rows: _last(rows).startswith("READY"), "the shell")
        return "\n".join(rows)


def _last(rows: list[str]) -> str:
    return next((row.rstrip() for row in reversed(rows) if row.strip()), "")


def compare(reader: Shell, home: str, typist: Shell, asks: str) -> None:
    """Have one officer read the words of `home`, the other type what is asked for."""
    reader.runs(f"card show {home} --ascii")
    words = {int(place): word for place, word in WORD.findall(reader.done("base32"))}
    assert len(words) == 24
    typist.runs(asks)
    slipped = False
    for _ in range(6):
        rows = typist.terminal.until(lambda rows: bool(ASKED.match(_last(rows))), "a word")
        match = ASKED.match(_last(rows))
        assert match is not None
        # Nothing on the screen gives the words away before they are typed.
        assert not {(str(place), word) for place, word in words.items()} & set(
            WORD.findall("\n".join(rows))
        )
        if not slipped:
            typist.types("slip")
            typist.answers("letter by letter:", words[int(match[1])])
            slipped = True
        else:
            typist.types(words[int(match[1])][:4])
        typist.terminal.until(
            lambda rows, asked=match[1]: f"word {int(asked):2}:" not in _last(rows), "the next"
        )
    typist.answers("Type yes:", "yes")
    typist.done("is accepted")


@NEEDS_TMUX
@pytest.mark.timeout(400)
def test_two_officers_set_a_line_up_by_their_screens_and_speak(tmp_path: Path) -> None:
    with tmux_server() as server:
        north = Shell(server.terminal("north", 100, 40), tmp_path)
        south = Shell(server.terminal("south", 100, 40), tmp_path)
        _make(north, south)
        compare(north, "north", south, "card import south north.card")
        compare(south, "south", north, "card import north south.card")
        north.runs("line open north --with SOUTH --name n-s --out opening")
        north.answers("console.key:", PHRASE)
        north.answers("root.key:", PHRASE)
        north.done("line complete")
        south.runs("line join south opening --out answer")
        assert "You are about to sign this charter" in south.done("Carry it back to NORTH")
        north.runs("line complete north answer")
        north.answers("console.key:", PHRASE)
        north.done("is complete")
        _speak(north, south)
    review = review_ledgers(tmp_path / "north", tmp_path / "south", Asked())
    assert review.ok
    assert "2 statements, 2 receipted" in "\n".join(review.lines())


def _make(north: Shell, south: Shell) -> None:
    north.runs(f"init north --station NORTH --realm exercise --route 127.0.0.1:{free_port()}")
    north.answers("New passphrase for root.key:", "short")
    north.answers("New passphrase for root.key:", PHRASE)
    north.answers("The same again for root.key:", "something else")
    for name in ("root.key", "successor.key", "console.key"):
        north.answers(f"New passphrase for {name}:", PHRASE)
        north.answers(f"The same again for {name}:", PHRASE)
    shown = north.done("card export")
    assert "That is too short" in shown
    assert "The two were not the same." in shown
    assert PHRASE not in shown
    south.runs("init south --station SOUTH --realm exercise --unprotected")
    south.done("card export")
    north.runs("officer add north --person lind --name Lind")
    for name in ("Passphrase of console.key:", "Passphrase of root.key:"):
        north.answers(name, PHRASE)
    north.answers("New passphrase for officer-lind.key:", PHRASE)
    north.answers("The same again for officer-lind.key:", PHRASE)
    north.done("is certified until")
    south.runs("officer add south --person okoye --name Okoye")
    south.done("is certified until")
    north.runs("card export north --out north.card")
    north.answers("console.key:", PHRASE)
    north.done("Wrote north.card")
    south.runs("card export south --out south.card")
    south.done("Wrote south.card")


def _speak(north: Shell, south: Shell) -> None:
    """Sit down at both consoles, say one thing, read it, and leave."""
    north.runs("console north")
    north.answers("console.key:", PHRASE)
    north.answers("officer-lind.key:", PHRASE)
    south.runs("console south")
    north.sees("LINK UP")
    south.sees("LINK UP")
    north.terminal.keys("F3")
    north.sees("Free text")
    north.terminal.keys("Enter")
    north.sees("To SOUTH")
    # The keys are in the first field that is to be filled, not in the precedence.
    north.terminal.type("First words.")
    north.sees("First words.")
    north.terminal.keys("C-p")
    north.sees("> First words.")
    north.terminal.keys("C-g")
    north.sees("> Cancel <")
    north.terminal.keys("Tab")
    north.sees("> SEND <")

    def sent(rows: list[str]) -> bool:
        """A key that comes too soon after the screen is passed over: an officer presses again."""
        shown = "\n".join(rows)
        if "> SEND <" in shown:
            north.terminal.keys("Enter")
        return "> SEND <" not in shown

    north.terminal.until(sent, "the end of sending")
    south.sees("Free text: First words.")
    south.terminal.keys("End")
    south.sees("F8 Read")
    south.terminal.keys("F8")
    north.sees("READ BY OFFICER")
    for shell in (south, north):
        shell.terminal.keys("C-x")
        shell.sees("Leave the console?")
        shell.terminal.keys("Tab", "Enter")
    for shell in (south, north):
        shell.done("The console is closed.")
