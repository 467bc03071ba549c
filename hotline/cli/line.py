"""`hotline line`: set a line up with other stations; one opens, the others join, then complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.card import OutFile
from hotline.cli.line_after import (
    amend,
    change,
    change_lines,
    give_up,
    lineup_lines,
    route,
    sign_shown,
)
from hotline.cli.line_left import end, notice
from hotline.cli.line_relay import app as relay_app
from hotline.cli.line_tls import tls
from hotline.cli.line_words import (
    charter_lines,
    completed,
    joined,
    opened,
    still_missing,
    waiting_for,
)
from hotline.cli.officer import HomePath, RootFile, check_templates, packs, root_in
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.sealing.charter import Policy

app = typer.Typer(no_args_is_help=True, help="Set a line up with other stations.")

ANSWERS_MISSING = 3

DAY_S = 86_400


TwoPerson = Annotated[
    list[str] | None,
    typer.Option(metavar="TEMPLATE", help="A template that two officers must sign; repeat it."),
]
Languages = Annotated[
    list[str] | None,
    typer.Option(metavar="LL", help="An approved language (default en); repeat it."),
]
Authentic = Annotated[
    str | None, typer.Option(metavar="LL", help="The language that decides; default the first.")
]


@app.command("open", short_help="Open a line: write its charter and our half.")
def open_line(
    home: HomePath,
    peers: Annotated[
        list[str],
        typer.Option(
            "--with", metavar="STATION", help="Another station, whose card is here; repeat it."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="The line's name: letters, digits, -.")],
    out: OutFile,
    two_person: TwoPerson = None,
    language: Languages = None,
    authentic: Authentic = None,
    test_period: Annotated[
        int, typer.Option(metavar="SECONDS", help="How often the line is tested.")
    ] = DAY_S,
    presence: Annotated[
        bool, typer.Option("--presence", help="They may see that nobody is at our desk.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Give up a line that was opened and not completed.")
    ] = False,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Open a line: show its charter, sign it, and write the file for the other stations.

    Asks for the passphrases of root.key and console.key. Run again, it writes the same file.
    """
    from hotline.station.enrolling import Wanted, opening_again
    from hotline.station.founded import check_no_line
    from hotline.station.giving_up import give_up_opening
    from hotline.station.shelf import write_durably

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    languages = tuple(language or ["en"])
    policy = _policy(two_person or [], languages, authentic, test_period, presence=presence)
    if anew:
        check_no_line(bench.home)
        give_up_opening(bench)
    encoded = opening_again(bench, peers, Wanted(name, policy))
    if encoded is None:
        wanted = Wanted(name, policy)
        encoded = sign_shown(bench, peers, wanted, root_in(home, root), charter_lines)
    write_durably(out, encoded)
    print("\n".join(opened(bench, out, peers)))


@app.command(short_help="Join a line that another station opened.")
def join(
    home: HomePath,
    opening: Annotated[Path, typer.Argument(metavar="FILE", help="What line open wrote there.")],
    out: OutFile,
    anew: Annotated[
        bool, typer.Option("--anew", help="Give up another line that was joined, never worked.")
    ] = False,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Join a line: read its charter, sign it, and write the answer for the other stations.

    Asks for the passphrases of root.key and console.key. Run again, it writes the same file.
    """
    from hotline.station.amending import is_newcomer
    from hotline.station.arriving import check_file
    from hotline.station.cards import read_file
    from hotline.station.enrolling import answer_again, join_line
    from hotline.station.identity import read_identity
    from hotline.station.officers import unlock_root
    from hotline.station.shelf import write_durably

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    found = check_file(bench, read_file(opening, opening.name), "open", anew=anew)
    if anew:
        give_up(bench, found.charter)
    charter = found.charter
    new = is_newcomer(bench.home, charter, found.before)
    answer = answer_again(bench, charter.line, charter.predecessor, anew=anew, newcomer=new)
    if answer is None:
        print("You are about to sign this charter with the root of this station:")
        said = [*charter_lines(charter), *change_lines(bench.home, charter, found.before)]
        print("\n".join(said))
        root_key = unlock_root(bench, root_in(home, root))
        answer = join_line(bench, found, root_key, packs())
    write_durably(out, answer)
    print("\n".join(joined(home, out, charter, read_identity(bench.home).station)))


@app.command(short_help="Complete a line with the answers of the others.")
def complete(
    home: HomePath,
    answers: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What line join wrote elsewhere.")
    ],
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> int:
    """Complete a line with what line join wrote at the other stations.

    Answers are kept until the last one is here: give them as they come, or all at once. Exits
    with 3 while one is missing. Then it asks for the passphrase of console.key.
    """
    from hotline.station.cards import read_file
    from hotline.station.enrolling import complete_line
    from hotline.station.gathering import read_answers

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    files = [(path.name, read_file(path, path.name)) for path in answers]
    found = read_answers(bench, files)
    missing = complete_line(bench, found, packs()).missing
    if missing:
        print("\n".join(still_missing(home, found, missing)))
        return ANSWERS_MISSING
    print("\n".join(completed(home, found)))
    return 0


app.command(short_help="Change the charter: open the line that follows this one.")(amend)
app.command(short_help="Change over: close this line, work the one that follows it.")(change)
app.command(short_help="Write what tells a station that it is not on the next line.")(notice)
app.command(short_help="Close a line that the others closed without us.")(end)
app.command("route", short_help="Change where the other station is dialled.")(route)
app.command("tls", short_help="Know the other station's TLS by an authority, or by its pin.")(tls)
app.add_typer(relay_app, name="relay")


@app.command(short_help="Say which lines a home has, or waits for.")
def show(home: HomePath) -> None:
    """Say who is on the line, by which rules, and how far setting it up has come.

    Lines that follow one another are shown all, the one that is worked first.
    """
    from hotline.station.cards import kept_stations
    from hotline.station.home import Home
    from hotline.station.identity import read_identity
    from hotline.station.opening import waiting_line

    place = Home(home)
    shown = list(lineup_lines(place))
    waiting = waiting_line(place)
    if waiting is not None:
        shown += charter_lines(waiting.charter)
        shown += change_lines(place, waiting.charter, waiting.opening.before)
        shown += waiting_for(waiting)
    if shown:
        print("\n".join(shown))
        return
    cards = ", ".join(kept_stations(place)) or "none"
    print(f"{read_identity(place).station} has no line yet. Cards accepted: {cards}.")


def _policy(
    two_person: list[str],
    languages: tuple[str, ...],
    authentic: str | None,
    test_period_s: int,
    *,
    presence: bool,
) -> Policy:
    """Return the policy of the charter.

    Raises:
        OperatorError: an option has a value that no policy can have, or names no template.
    """
    from pydantic import ValidationError

    from hotline.core.messages.statement import first_fault
    from hotline.sealing.charter import SUITE, Policy

    check_templates(two_person)
    try:
        return Policy(
            suite_floor=SUITE,
            languages=languages,
            authentic=authentic or languages[0],
            test_period_s=test_period_s,
            two_person=tuple(sorted(set(two_person))),
            presence=presence,
        )
    except ValidationError as error:
        raise OperatorError(f"the policy of the line: {first_fault(error)}") from error
