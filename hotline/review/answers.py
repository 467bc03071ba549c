"""What a check of a disclosed entry or of a fork found, in sentences and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hotline.core.canonical import to_base64
from hotline.core.records.checkpoint import Checkpoint, Origin
from hotline.core.records.disclosed import Disclosure
from hotline.core.records.events import Event
from hotline.core.records.fork_evidence import Contradiction, ForkEvidence
from hotline.core.seams import LedgerIdentity
from hotline.core.times import format_time
from hotline.review.sentences import event_words, printable
from hotline.review.shown_statement import ShownStatement

_ROOT_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Known:
    """A witness whose cosignature verifies.

    Attributes:
        name: Station of a member, key name of an outside witness.
        at_s: When it signed by its clock, seconds UTC.
        outside: Whether it is no member of the line.
    """

    name: str
    at_s: int
    outside: bool

    def clause(self, station: str, size: int) -> str:
        """Say what it countersigned and when."""
        who = f"the outside witness {self.name}" if self.outside else self.name
        entries = "the first entry" if size == 1 else f"the first {size} entries"
        return (
            f"{who} countersigned {entries} of {station}, this one among them, "
            f"at {_at_s(self.at_s)} by its clock"
        )


@dataclass(frozen=True, slots=True)
class DisclosureAnswer:
    """A disclosed entry whose signatures verify.

    Attributes:
        size: How many entries the head covers.
        unjudged: Key names of cosignatures for which no key was given.
        unvouched: Stations that signed and whose root stands on no card given by hand.
        statement: The enclosed statement, if it is shown.
    """

    origin: Origin
    identity: LedgerIdentity
    disclosure: Disclosure
    event: Event
    size: int
    cosigners: tuple[Known, ...]
    unjudged: tuple[str, ...]
    unvouched: tuple[str, ...]
    statement: ShownStatement | None

    ok = True
    """Whether it proves what it is for: what does not verify has no answer, but an error."""

    def lines(self) -> list[str]:
        """Return the findings as lines of text, each printable."""
        return [printable(line) for line in self._lines()]

    def _lines(self) -> Iterator[str]:
        yield self._claim()
        words = event_words(self.event)
        if words:
            yield f"  It says: {words}."
        if self.statement is not None:
            yield from self.statement.lines()
        if self.unjudged:
            names = ", ".join(self.unjudged)
            yield f"  Not judged, since no key was given (--witness): cosignatures of {names}."
        yield from identity_lines(self.identity, self.unvouched)

    def _claim(self) -> str:
        leaf, station = self.disclosure.leaf, self.origin.station
        said = "Internally consistent" if self.unvouched else "PROVED"
        generation = self.origin.generation
        later = f", generation {generation}" if generation > 1 else ""
        recorded = (
            f"{station} recorded entry {leaf.index}, {type(self.event).__name__}, at "
            f"{format_time(leaf.recorded_at_ms)} by its own clock"
        )
        line = f"line {self.identity.name}, {self.identity.realm}{later}"
        witnessed = "; ".join(one.clause(station, self.size) for one in self.cosigners)
        alone = f"nobody countersigned the head shown, so {station} alone vouches for it"
        return f"{said}: {recorded}, on {line}; {witnessed or alone}."

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a machine."""
        leaf, disclosed = self.disclosure.leaf, self.disclosure.disclosed
        return {
            "ok": True,
            "is": "disclosure",
            "identity": _identity_word(self.unvouched),
            **_whose(self.origin, self.identity),
            "entry": leaf.index,
            "kind": type(self.event).__name__,
            "subject": leaf.subject.hex(),
            "recorded_at": format_time(leaf.recorded_at_ms),
            "content": self.event.model_dump(mode="json"),
            "salt": to_base64(disclosed.salt),
            "size": self.size,
            "countersigned": [
                {"by": one.name, "outside": one.outside, "at": _at_s(one.at_s)}
                for one in self.cosigners
            ],
            "not_judged": list(self.unjudged),
            "statement": None if self.statement is None else self.statement.as_json(),
        }


@dataclass(frozen=True, slots=True)
class ForkAnswer:
    """Two heads that their station's ledger key signed."""

    origin: Origin
    identity: LedgerIdentity
    evidence: ForkEvidence
    contradiction: Contradiction
    unvouched: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the two heads alone prove two histories."""
        return self.contradiction is Contradiction.FORK

    def lines(self) -> list[str]:
        """Return the findings as lines of text, each printable."""
        held, shown = self.evidence.heads
        claim = self._proved(held.size) if self.ok else self._unjoined(held, shown)
        heads = [_head_line("witnessed before", held), _head_line("shown then", shown)]
        return [printable(line) for line in [claim, *heads, *self._identity()]]

    def _proved(self, size: int) -> str:
        entries = "1 entry" if size == 1 else f"{size} entries"
        return (
            f"FORK PROVED: {self.origin.station}'s ledger key signed two different histories "
            f"of {entries} on line {self.identity.name}, {self.identity.realm}; "
            f"{self.evidence.observer} saw both."
        )

    def _unjoined(self, held: Checkpoint, shown: Checkpoint) -> str:
        station, observer = self.origin.station, self.evidence.observer
        return (
            f"NOT PROVED by this file alone: {station} signed heads of {held.size} and "
            f"{shown.size} entries, and {observer} says that {station} gave no proof that joins "
            f"them. {station} clears itself with a consistency proof; without one ask why."
        )

    def _identity(self) -> Iterator[str]:
        yield from identity_lines(self.identity, self.unvouched)

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a machine."""
        return {
            "ok": self.ok,
            "is": "fork evidence",
            "contradiction": self.contradiction.value,
            "identity": _identity_word(self.unvouched),
            **_whose(self.origin, self.identity),
            "observer": self.evidence.observer,
            "heads": [{"size": one.size, "root": one.root.hex()} for one in self.evidence.heads],
        }


def identity_lines(identity: LedgerIdentity, unvouched: tuple[str, ...]) -> Iterator[str]:
    """Yield what no card vouches for, with the words to compare."""
    if not unvouched:
        return
    yield (
        "Identity not established: the keys come from the file itself. Compare the roots with "
        "the stations' cards, or give the cards with --card:"
    )
    yield from (f"  {station}: {identity.root_words[station]}" for station in unvouched)


def _head_line(when: str, head: Checkpoint) -> str:
    root = head.root.hex()[:_ROOT_CHARACTERS]
    return f"  {when}: {head.size} entries, root {root}..."


def _identity_word(unvouched: tuple[str, ...]) -> str:
    return "not established" if unvouched else "established"


def _whose(origin: Origin, identity: LedgerIdentity) -> dict[str, Any]:
    return {
        "station": origin.station,
        "realm": origin.realm.value,
        "line": origin.line,
        "line_name": identity.name,
        "generation": origin.generation,
        "root_words": dict(identity.root_words),
    }


def _at_s(at_s: int) -> str:
    """Return a witness's time; one that no clock shows stays a number."""
    try:
        return format_time(at_s * 1000)
    except (ValueError, OverflowError):
        return f"{at_s} s after 1970"
