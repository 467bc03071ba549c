"""An officer at the keys: reads the screen, does what it says, knows nothing else.

What the officer decides (courses, times, answers) stands in DECISIONS by the
label of the field. Which form, which key, which statement: the screen says it.
"""

from __future__ import annotations

import itertools
import re
import time

from hotline.tui.alarm import KEY_GUARD_MS
from tests.fakes.tmux import Terminal

DECISIONS = {
    "Our ship": "F 213",
    "Your ship": "DDG-51",
    "Position": "54-30.6N 011-02.1E",
    "Course": "045",
    "Speed": "8",
    "Seen at": "-2m",
    "Intention": "to open the distance",
    "Keep clear by": "2",
    "Until": "+2h",
    "Act": "a crossing close ahead",
    "Time": "-1m",
    "Least range": "0.4",
    "Full reply by": "+15m",
    "Answer": "Our ship altered course to keep clear",
    "Answer/DEESC-04": "we accept",
    "Means": "radar",
    "Confirmed": "yes",
    "Observation": "Both ships keep to what was agreed",
    "Point": "54-32.0N 011-03.0E",
    "Distance": "5",
    "Summary": "Both ships are on their own routes",
}
_UNITS = re.compile(r"([\d.]+) (?:degrees true|knots|nautical miles?)$")
_CODE = re.compile(r"\(([A-Z-]+)\)$")
MAX_PRESSES = 60


class Officer:
    """One person at one terminal; `step` does one thing that the screen asks for."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.read: dict[str, str] = {}
        self.said: list[str] = []
        self.released: list[str] = []

    # --- looking ---------------------------------------------------------------

    def place(self, rows: list[str] | None = None) -> str:
        """Return which screen is up, as in "MESSAGE PB9"; "" when the console is not."""
        first = (rows or self.terminal.rows())[0]
        found = re.match(r" (?:HOTLINE )? ?(?:LIVE|EXERCISE) +(.*?)  +[A-Z]+-[A-Z]+  ", first)
        return found[1] if found else ""

    def guide(self, rows: list[str] | None = None) -> str:
        """Return the row that says what to do, whole when it wraps."""
        words: list[str] = []
        for row in (rows or self.terminal.rows())[1:6]:
            if row.startswith((" > ", " ! ", " * ")) or (words and row[:1] not in " ╭"):
                words.append(row.strip())
            elif words:
                break
        return " ".join(words)

    def _until(self, words: str, *, gone: bool = False) -> list[str]:
        def seen(rows: list[str]) -> bool:
            return (words in "\n".join(rows)) is not gone

        return self.terminal.until(seen, f"{'no ' if gone else ''}{words}")

    def _until_place(self, words: str) -> None:
        self.terminal.until(lambda rows: self.place(rows).startswith(words), words)

    def _press_until(self, key: str, words: str) -> None:
        """Press a key until the words are on the screen; each press is seen before the next."""
        for _ in range(MAX_PRESSES):
            before = self.terminal.rows()
            if any(words in row for row in before):
                return
            self.terminal.keys(key)
            self.terminal.until(lambda rows, seen=before: rows[1:] != seen[1:], f"{key}: {words}")
        raise AssertionError(f"{key} does not lead to {words}\n" + "\n".join(self.terminal.rows()))

    # --- acting ----------------------------------------------------------------

    def step(self) -> bool:
        """Do what the screen asks for now; False when it asks for nothing."""
        rows = self.terminal.rows()
        place, guide = self.place(rows), self.guide(rows)
        if place == "WATCH":
            return self._watch(guide)
        if place.startswith("RELEASE "):
            return self._release(place.removeprefix("RELEASE "))
        if place.startswith("MESSAGE "):
            return self._message(place.removeprefix("MESSAGE "), guide, rows)
        return False

    def _watch(self, guide: str) -> bool:
        if found := re.search(r"NEXT: read (\w{3}) ", guide):
            self.terminal.keys("Enter" if "beside" in guide else "F8")
            self._until_place(f"MESSAGE {found[1]}")
        elif found := re.search(r"NEXT: read back (\w{3}):", guide):
            self._open(found[1])
        elif found := re.search(r"NEXT: (\w{3}) needs a second officer", guide):
            self.terminal.keys("C-r")
            self._until_place(f"RELEASE {found[1]}")
        elif found := re.search(r"EXCON: .*F3, then ([A-Z]+-\d\d) ", guide):
            self._write(found[1])
        else:
            return False
        return True

    def _open(self, token: str) -> None:
        """Mark a statement in TIMELINE with Up, open it with Enter."""
        while f" {token} " not in (marked := self._marked(self.terminal.rows())):
            self.terminal.keys("Up")
            self.terminal.until(
                lambda rows, seen=marked: self._marked(rows) != seen, f"the mark above {marked}"
            )
        self.terminal.keys("Enter")
        self._until_place(f"MESSAGE {token}")

    @staticmethod
    def _marked(rows: list[str]) -> str:
        found = (re.search(r"│>(\d\d:\d\dZ .*?)│", row) for row in rows)
        return next((one[1] for one in found if one), "")

    def _message(self, token: str, guide: str, rows: list[str]) -> bool:
        page = self._page(token, rows)
        if not any(page) or guide in ("", ">"):
            return True
        self._remember(token, page)
        if "reads on" in guide:
            keys = ("Tab", "PageDown") if "Tab" in guide else ("PageDown",)
            self.terminal.keys(*keys)
            self.terminal.until(
                lambda now: self._page(token, now) != page or self.guide(now) != guide,
                f"the next page of {token}",
            )
        elif "then F8" in guide:
            self.terminal.keys("F8")
            self.terminal.until(lambda now: self.guide(now) != guide, f"{token} read")
        elif guide.startswith("> Now read back"):
            self.terminal.keys(*(("Tab", "Enter") if "Tab" in guide else ("Enter",)))
            self._until_place(f"READ BACK {token}")
            self._read_back(token)
        else:
            self.terminal.keys("F2")
            self._until_place("WATCH")
        return True

    @staticmethod
    def _page(token: str, rows: list[str]) -> list[str]:
        """Return the lines of the statement that are in sight."""
        head = next((n for n, row in enumerate(rows) if f" MESSAGE {token} ─" in row), len(rows))
        page = itertools.takewhile(lambda row: row.startswith("│"), rows[head + 1 :])
        return [row.strip("│ ") for row in page]

    def _remember(self, token: str, page: list[str]) -> None:
        """Join the page in sight to the pages that were read before it."""
        known = self.read.get(token, "").split("\n")
        joint = max(
            (n for n in range(len(page) + 1) if known[len(known) - n :] == page[:n]), default=0
        )
        self.read[token] = "\n".join([*known, *page[joint:]])

    def _value(self, token: str, label: str) -> str:
        """Return from memory what the statement said behind `label`."""
        text = self.read[token]
        sentences = re.findall(
            r"^\d+\. (.*?)(?=^\d+\. |^EXERCISE )", text, re.DOTALL | re.MULTILINE
        )
        whole = "\n".join(" ".join(one.split()) for one in sentences)
        found = re.search(rf"^{re.escape(label)}:? (.*?)\.?$", whole, re.MULTILINE)
        assert found, f"nothing read of {label!r} in:\n{text}"
        for short in (_UNITS.match(found[1]), _CODE.search(found[1])):
            if short:
                return short[1]
        return found[1]

    def _read_back(self, token: str) -> None:
        rows = self._until("[ COMPARE ]")
        labels = [found[1] for row in rows if (found := re.match(r" (\S.*?) +\[ +\]$", row))]
        assert labels
        for label in labels:
            value = self._value(token, label)
            self.terminal.type(value)
            self._until(f"[{value} ")
            self.terminal.keys("Tab")
        self._until("> COMPARE <")
        self.terminal.keys("Enter")
        self._until_place("MESSAGE")
        assert "was read back right" in " ".join(self._until("was read back right"))

    # --- writing ---------------------------------------------------------------

    def _write(self, number: str) -> None:
        self.terminal.keys("F3")
        self._until("WHAT DO YOU WANT TO WRITE?")
        self._press_until("Down", f">{number} ")
        self.terminal.keys("Enter")
        self._until(f"─ {number} ")
        self._fill(number)
        self.terminal.keys("C-g")
        self._until_place("SEND")
        self._send()
        self.said.append(number)
        self.terminal.keys("F2")
        self._until_place("WATCH")

    def _fill(self, number: str) -> None:
        """^P turns to the first field that is wrong and says so; fill it; again."""
        done: set[str] = set()
        while True:
            self.terminal.keys("C-p")
            rows = self.terminal.until(
                lambda rows: self._checked(rows, done), f"^P has checked {number} beyond {done}"
            )
            label = self._first_fault(rows)
            if not label:
                return
            done.add(label)
            self._fill_field(label, DECISIONS.get(f"{label}/{number}", "") or DECISIONS[label])

    def _checked(self, rows: list[str], done: set[str]) -> bool:
        guide, fault = self.guide(rows), self._first_fault(rows)
        return "> Checked." in guide or ("> Not ready" in guide and fault not in ("", *done))

    @staticmethod
    def _first_fault(rows: list[str]) -> str:
        left = (row[:46] for row in rows)
        faults = (re.match(r"│  ! ([^:]+): ", row) for row in left)
        return next((found[1] for found in faults if found), "")

    def _fill_field(self, label: str, value: str) -> None:
        row = next(one for one in self.terminal.rows() if one.startswith((f"│*{label[:11]}",)))
        if " < " not in row[:46]:
            self.terminal.type(value)
            self._until(value[-8:])
            return
        self.terminal.keys("Enter")
        self._until_place("CHOOSE")
        self._press_until("Down", f"> {value} (")
        self.terminal.keys("Enter")
        self._until_place("COMPOSE")

    def _send(self) -> None:
        if "PgDn reads on" in self.guide():
            self._press_until("PageDown", "> Step 2")
        if found := re.search(r"type (\w{4}),", self.guide()):
            self.terminal.keys("Tab")
            self._until(f"> Step 2: type {found[1]}")
            self.terminal.type(found[1])
        ready = self._until("> Step 2: Tab to S")
        self._press_until("Tab", "> SEND <" if "Tab to SEND" in "\n".join(ready) else "> SIGN <")
        while self.place() == "SEND":
            time.sleep(KEY_GUARD_MS / 1000)  # the guard is a span of time, not a condition
            self.terminal.keys("Enter")
            self.terminal.until(
                lambda rows: self.place(rows) != "SEND" or "early" in self.guide(rows),
                "the statement sent",
            )

    def _release(self, token: str) -> bool:
        """Come to the desk as the second officer: an exercise key has no passphrase."""
        if "PgDn reads on" in self.guide():
            self._press_until("PageDown", "> Step 2")
        if found := re.search(r"type (\w{4});", self.guide()):
            self._press_until("Tab", f"Type {found[1]}")
            self.terminal.type(found[1])
        self._press_until("Tab", "> RELEASE <")
        while self.place() == f"RELEASE {token}":
            time.sleep(KEY_GUARD_MS / 1000)  # the guard is a span of time, not a condition
            self.terminal.keys("Enter")
            self.terminal.until(
                lambda rows: (
                    not self.place(rows).startswith("RELEASE ") or "early" in self.guide(rows)
                ),
                "the statement released",
            )
        self.released.append(token)
        return True

    def leave(self) -> str:
        """Leave by ^X; return all that the terminal shows afterwards."""
        self.terminal.keys("C-x")
        self._until("Leave the console?")
        self._press_until("Tab", "> Leave <")
        self.terminal.keys("Enter")
        self._until("EXIT=")
        return self.terminal.text()
