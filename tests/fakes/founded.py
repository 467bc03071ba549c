"""Lines that were founded before: half of what a small test of two stations costs is founding.

A line with the same stations and officers is founded once in a process, and each test gets a
copy of the files, in its own directory and to its own liking. Two lines of one test are two
lines, and so is what a fixture of wider scope keeps: only in a test's own directory are lines
alike. A clock that a test sets, or passphrases, found a line of their own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from hotline.core.messages.catalogue import Catalogue
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home

Clock = Callable[[], int]


def found_or_copy(
    founders: Sequence[Founder],
    *,
    name: str,
    realm: Realm,
    catalogue: Catalogue,
    clock: Clock,
    two_person: Sequence[str] = (),
) -> None:
    """Do what `found_line` does, with a copy of what it did before where that is the same."""

    def found(places: Sequence[Founder]) -> None:
        found_line(
            places,
            name=name,
            realm=realm,
            catalogue=catalogue,
            clock=clock,
            entropy=system_entropy,
            two_person=two_person,
        )

    test = _test_of([founder.home.path for founder in founders])
    if not test or clock is not system_clock or any(one.passphrase for one in founders):
        found(founders)
        return
    kind = (
        *(name, realm, id(catalogue), tuple(two_person)),
        *((one.station, one.home.path.name, one.officers) for one in founders),
    )
    _asked[test, kind] += 1
    template = _directory() / _number_of(kind, _asked[test, kind])
    if not template.exists():
        found([replace(one, home=Home(template / one.home.path.name)) for one in founders])
    for one in founders:
        shutil.copytree(template / one.home.path.name, one.home.path)


_asked: Counter[tuple[str, object]] = Counter()


def _test_of(homes: Sequence[Path]) -> str:
    """Return which test asks; "" outside a test's own directory, and where a home stands."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    own = all(any(part.startswith("test_") for part in home.parent.parts) for home in homes)
    return test if own and not any(home.exists() for home in homes) else ""


@cache
def _number_of(_kind: object, _nth: int) -> str:
    return str(next(_numbers))


_numbers = iter(range(1 << 20))


@cache
def _directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="hl-founded-"))
    owner = os.getpid()
    # A child that was forked shares the files and does not own them.
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(directory, ignore_errors=True))
    return directory
