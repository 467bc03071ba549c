"""`hotline disclose`: single entries, or evidence of forks, for somebody without the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.passphrases import ask_passphrase
from hotline.core.errors import OperatorError

Ledger = Annotated[
    Path,
    typer.Argument(
        metavar="LEDGER", help="A ledger.db, its directory, or a station's home with one line."
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        metavar="FILE", help="What to write; a directory for several entries and for forks."
    ),
]
Entries = Annotated[
    list[int] | None,
    typer.Option(metavar="N", help="An entry to disclose; several may be given."),
]
Statement = Annotated[
    bool, typer.Option("--statement", help="Show the statement that the entry encloses, too.")
]
Cards = Annotated[
    bool, typer.Option("--cards", help="Write the records that name the keys beside it (.cards).")
]
Cosigned = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A head of this ledger with an outside witness's answer."),
]
Forks = Annotated[
    bool, typer.Option("--forks", help="Write evidence for each contradicting head refused here.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def disclose(
    ledger: Ledger,
    out: Out,
    entry: Entries = None,
    statement: Statement = False,
    cards: Cards = False,
    cosigned: Cosigned = None,
    forks: Forks = False,
    as_json: AsJson = False,
) -> int:
    """Write one entry with its proof as a file that anybody can check.

    Needs the content key beside the ledger. The file shows what the entry says;
    `hotline check` verifies it without the ledger.
    """
    if forks == bool(entry):
        raise OperatorError("say what to disclose", hint="give --entry N, or --forks")
    if forks and (statement or cards or cosigned is not None):
        raise OperatorError("--forks goes with --out alone", hint="leave the other options out")
    if forks:
        return _forks(ledger, out, as_json=as_json)
    from hotline.review import disclosing

    wish = disclosing.Wish(tuple(entry or ()), statement, cards, cosigned)
    files = [str(file) for file in disclosing.disclose(ledger, out, wish, ask_passphrase)]
    print(json.dumps({"files": files}) if as_json else "\n".join(map(_wrote, files)))
    return 0


def _forks(ledger: Path, out: Path, *, as_json: bool) -> int:
    from hotline.review.forks import extract_forks

    found = extract_forks(ledger, out, ask_passphrase)
    files = [str(file) for file in found.files]
    if as_json:
        print(json.dumps({"files": files, "alone": list(found.alone)}))
        return 0
    lines = [_wrote(file) for file in files]
    lines += [
        f"Entry {index} refused a head, but the head that it contradicts is not in this ledger."
        for index in found.alone
    ]
    print("\n".join(lines))
    return 0


def _wrote(file: str) -> str:
    from hotline.review.sentences import printable

    return printable(f"Wrote {file}")
