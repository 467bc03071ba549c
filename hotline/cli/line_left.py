"""`hotline line notice` and `line end`: a station that is not on the line that follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.card import OutFile
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by


def notice(home: HomePath, out: OutFile) -> None:
    """Write what tells a station that it is not on the line that follows.

    It is the new charter with the signatures of all who are on it, and holds nothing secret.
    Say it to that station by voice, and on the old line while that is worked.
    """
    from hotline.cli.line_words import and_list
    from hotline.station.home import Home
    from hotline.station.parting import notice_of
    from hotline.station.shelf import write_durably

    found = notice_of(Home(home))
    write_durably(out, found.encoded)
    print(f"Wrote {out}. Carry it to {and_list(found.gone)}, not on the line {found.charter.name};")
    print("there: hotline line end HOME FILE, in the minute in which the others change over.")


def end(
    home: HomePath,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What line notice wrote at a station that stays.")
    ],
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Close a line that the others closed in favour of one that this station is not on.

    Who signed that charter is checked first. Nothing can be said on the line afterwards;
    its record stays. What was left on it is listed. The console must not run. Asks for the
    passphrase of console.key.
    """
    from hotline.cli.line_words import and_list
    from hotline.station.cards import read_file
    from hotline.station.parting import end_line

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    done = end_line(bench, read_file(file, file.name))
    # What a next line would take over is none of this station's concern.
    for line in replace(done.left, notes=()).lines():
        print(line)
    others, name = and_list(done.charter.stations), done.charter.name
    print(f"{others} are on the line {name}, which follows this one without this station.")
    print(f"The line is closed here with {done.end.size} entries, and kept.")
