"""What upkeep of a line's ledger begins with: the line open as its one writer, and its past.

The station is stopped meanwhile: the ledger's lock sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.fold import apply
from hotline.core.exchange.situation import Situation
from hotline.core.seams import Clock, Entropy
from hotline.core.text import check_text
from hotline.host.keyfile import is_protected
from hotline.sealing.authorisation import (
    Act,
    Authorisation,
    VerifiedAuthorisation,
    sign_authorisation,
    verify_authorisation,
)
from hotline.sealing.certificate import Certificate
from hotline.sealing.hybrid import HybridSigner
from hotline.sealing.roster import Roster
from hotline.station.drafts import draft_of
from hotline.station.happenings import happenings
from hotline.station.home import Home, OpenLine, check_trusted, open_line, open_officer
from hotline.station.line import Line
from hotline.station.snapshotting import SituationCache

MAX_REASON_CHARACTERS = 240

AskPassphrase = Callable[[str], str]
"""Asks for the passphrase of the key file that it is given the name of."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What upkeep takes from the machine and the person at it."""

    home: Home
    clock: Clock
    entropy: Entropy
    ask: AskPassphrase
    _told: dict[Path, str] = field(default_factory=dict, repr=False)

    def passphrase(self, path: Path) -> str | None:
        """Return the passphrase of a key file, asked for once; None when it has none."""
        if not is_protected(path):
            return None
        if path not in self._told:
            self._told[path] = self.ask(path.name)
        return self._told[path]

    def forget(self, path: Path) -> None:
        """Forget the passphrase of a key file: nobody here needs it again."""
        self._told.pop(path, None)

    def officers(
        self, roster: Roster, persons: Sequence[str]
    ) -> list[tuple[Certificate, HybridSigner]]:
        """Unlock the keys of officers whom `roster` certifies.

        Raises:
            OperatorError: no such key file, a wrong passphrase, no certificate, or one that
                is revoked or suspended.
        """
        found = [
            open_officer(self.home, roster, one, self.passphrase(self.home.officer_here(one)))
            for one in persons
        ]
        for certificate, _ in found:
            check_trusted(roster, certificate, self.clock())
        return found

    def authorise(
        self,
        line: Line,
        act: Act,
        details: Mapping[str, str | int],
        reason: str,
        persons: Sequence[str],
    ) -> tuple[bytes, VerifiedAuthorisation]:
        """Have officers sign for an act; return the record and what was verified of it.

        Raises:
            OperatorError: not two persons, a wrong passphrase, a certificate that expired.
        """
        officers = self.officers(line.roster, persons)
        authorisation = Authorisation(
            line=line.roster.line,
            station=line.station,
            act=act,
            details=details,
            reason=clean(reason, "the reason", MAX_REASON_CHARACTERS),
            at_ms=self.clock(),
        )
        record = sign_authorisation(authorisation, officers)
        return record, verify_authorisation(line.roster, record, act=act)


@dataclass(frozen=True, slots=True)
class Work:
    """A line at work for upkeep.

    Attributes:
        passphrase: Of the home's own key files.
    """

    bench: Bench
    opened: OpenLine
    passphrase: str | None = field(repr=False)
    _folded: list[Situation] = field(default_factory=list, repr=False)

    @property
    def situation(self) -> Situation:
        """What was so when it was first asked for, earlier generations included."""
        if not self._folded:
            self._folded.append(_situation(self.opened))
        return self._folded[0]

    def record(self, *planned: Planned) -> int:
        """Make events durable, in one commit; return the index of the first.

        Raises:
            StorageError: nobody knows whether they are.
        """
        first = self.opened.ledger.size
        now_ms = self.bench.clock()
        self.opened.ledger.append([draft_of(one, now_ms) for one in planned])
        return first

    def officers(self, persons: Sequence[str]) -> list[tuple[Certificate, HybridSigner]]:
        """Unlock the keys of officers.

        Raises:
            OperatorError: no such key file, a wrong passphrase, no certificate.
        """
        return self.bench.officers(self.opened.line.roster, persons)

    def authorise(
        self, act: Act, details: Mapping[str, str | int], reason: str, persons: Sequence[str]
    ) -> tuple[bytes, VerifiedAuthorisation]:
        """Have officers sign for an act on this line, as `Bench.authorise` does."""
        return self.bench.authorise(self.opened.line, act, details, reason, persons)


@contextmanager
def station_stopped() -> Iterator[None]:
    """Say what to do when a file is locked: a station runs, and must not.

    Raises:
        StorageError: another process has the file, or the disk refused.
    """
    try:
        yield
    except StorageError as error:
        if "another process" not in str(error):
            raise
        raise StorageError(
            "a station works this home now", hint="stop it, then run the command again"
        ) from error


@contextmanager
def at_work(bench: Bench) -> Iterator[Work]:
    """Open a home's one line as its writer and say what is so; close it at the end.

    Raises:
        OperatorError: not one line, a wrong passphrase.
        IntegrityError: records or ledger do not verify, or the ledger was put back.
        StorageError: the disk, or a station works this line.
    """
    passphrase = bench.passphrase(bench.home.keys / "console.key")
    with station_stopped():
        opened = open_line(bench.home, passphrase, bench.clock, bench.entropy)
    try:
        yield Work(bench, opened, passphrase)
    finally:
        opened.shelf.past.close()
        opened.ledger.close()


def _situation(opened: OpenLine) -> Situation:
    ledger = opened.ledger
    cache = SituationCache(opened.directory, opened.months, opened.shelf.past.readers)
    kept = cache.read(ledger)
    situation = kept if kept is not None else opened.shelf.past.situation()
    ours = situation.generation == opened.line.generation
    first = situation.length if ours else 0
    for happening in happenings(ledger.entries(first, ledger.size), ledger.enclosure):
        apply(situation, happening)
    return situation


def clean(text: str, what: str, most: int) -> str:
    """Return a text that may be recorded.

    Raises:
        OperatorError: empty, longer than `most` characters, or a character that may not stand.
    """
    if not text.strip() or len(text) > most:
        raise OperatorError(f"{what} must have 1 to {most} characters")
    try:
        return check_text(text, what=what, newlines=False)
    except PeerError as error:
        raise OperatorError(str(error)) from error
