"""Where passphrases come from: a terminal, standard input, a file descriptor, or a keyring.

Never an argument or a variable of the environment: others on the machine can read those.
Spec: docs/enrolment.md §1.3
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from hotline.core.errors import OperatorError
from hotline.core.values import MIN_PASSPHRASE_CHARACTERS

if TYPE_CHECKING:
    from pathlib import Path

    from hotline.station.upkeep import Bench

MAX_PASSPHRASE_CHARACTERS = 4_096
ATTEMPTS = 3
NEW_PASSPHRASES = (
    f"Each new key file gets a passphrase, typed twice: {MIN_PASSPHRASE_CHARACTERS} characters or\n"
    "more, several words are best. It is not shown while you type, and nobody can\n"
    "find a lost one."
)

PassphraseFd = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Read passphrases from this descriptor, one a line, in the order they are asked for.",
    ),
]
UseKeyring = Annotated[
    bool,
    typer.Option(
        "--keyring", help="Look in the login's keyring first; see hotline keyring --help."
    ),
]

Kept = Callable[[str], str | None]
"""Returns the passphrase that is kept for the key file of a name, or None."""


def kept_by(home: Path, keyring: bool) -> Kept | None:
    """Return where passphrases of a home are kept; None when nobody asked for it.

    Raises:
        OperatorError: there is no such home.
    """
    if not keyring:
        return None
    from hotline.host.keyring import HomeKeyring

    return HomeKeyring(home).find


class Asker:
    """Asks for passphrases by the names of their key files."""

    def __init__(
        self,
        descriptor: int | None = None,
        *,
        unprotected: bool = False,
        kept: Kept | None = None,
    ) -> None:
        """Read from `descriptor` if there is one.

        Args:
            unprotected: New files get no passphrase.
            kept: Where a passphrase is looked for before anybody is asked.
        """
        self._kept = kept
        self._lines = None if descriptor is None else _open(descriptor)
        self._unprotected = unprotected
        self._told = False

    def ask(self, name: str) -> str:
        """Return the passphrase of the file `name`: kept, typed unseen, or a line that was given.

        Raises:
            OperatorError: there was none, or the keyring cannot be used.
        Spec: docs/enrolment.md §1.6
        """
        kept = self._kept(name) if self._kept is not None else None
        if kept:
            return kept
        try:
            typed = self._typed(f"Passphrase of {name}: ")
        except EOFError:
            typed = ""
        if not typed:
            raise OperatorError(
                f"{name} is protected and no passphrase was given",
                hint="run it in a terminal, or give the passphrase as a line on standard input",
            )
        return typed

    def ask_new(self, name: str) -> str | None:
        """Return a passphrase for a file that is about to be made; on a terminal typed twice.

        Raises:
            OperatorError: none, too short, or never twice the same.
        Spec: docs/enrolment.md §1.4
        """
        if self._unprotected:
            return None
        for _ in range(ATTEMPTS if self.by_person else 1):
            typed = self._typed_new(name)
            fault = self._fault(typed, name)
            if fault is None:
                return typed
            if self.by_person:
                print(fault, file=sys.stderr)
        raise OperatorError(
            f"no good passphrase was given for {name}",
            hint=f"choose one of at least {MIN_PASSPHRASE_CHARACTERS} characters; nothing was made",
        )

    def _typed_new(self, name: str) -> str:
        if self.by_person and not self._told:
            print(NEW_PASSPHRASES, file=sys.stderr)
            self._told = True
        try:
            return self._typed(f"New passphrase for {name}: ")
        except EOFError:
            return ""

    def _fault(self, typed: str, name: str) -> str | None:
        if len(typed) < MIN_PASSPHRASE_CHARACTERS:
            return f"That is too short: at least {MIN_PASSPHRASE_CHARACTERS} characters."
        if self.by_person and self._typed(f"The same again for {name}: ") != typed:
            return "The two were not the same."
        return None

    @property
    def by_person(self) -> bool:
        """Whether somebody types at a terminal."""
        return self._lines is None and sys.stdin is not None and sys.stdin.isatty()

    def _typed(self, prompt: str) -> str:
        if self.by_person:
            return getpass.getpass(prompt)
        lines = self._lines or sys.stdin
        if lines is None:
            return ""
        return lines.readline(MAX_PASSPHRASE_CHARACTERS).removesuffix("\n")


def ask_passphrase(name: str) -> str:
    """Return the passphrase of the file `name`, as `Asker.ask` does without a descriptor."""
    return Asker().ask(name)


def bench_with(home: Path, asker: Asker) -> Bench:
    """Return what work at a home needs: its paths, clock, chance, and who is asked."""
    from hotline.host.clock import system_clock
    from hotline.host.entropy import system_entropy
    from hotline.station.home import Home
    from hotline.station.upkeep import Bench

    return Bench(Home(home), system_clock, system_entropy, asker.ask)


def _open(descriptor: int) -> TextIO:
    try:
        return os.fdopen(os.dup(descriptor), "r", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"there is no file descriptor {descriptor} to read passphrases from",
            hint="open it in the shell, as in 3< FILE",
        ) from error
