"""`hotline line`: set a line up with other stations; one opens, the others join, then complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.card import OutFile
from hotline.cli.line_words import call_lines, completed, joined, opened, still_missing, waiting_for
from hotline.cli.officer import HomePath, RootFile, packs, root_in
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.sealing.charter import Charter, Policy
    from hotline.sealing.roster import Roster

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
    """Open a line: sign its charter and write the file for the other station, or for all others.

    Asks for the passphrases of root.key and console.key. Run again, it writes the same file.
    """
    from hotline.station.enrolling import Wanted, check_opening, open_line_with, opening_again
    from hotline.station.founded import check_no_line
    from hotline.station.officers import unlock_root
    from hotline.station.opening import discard_opening
    from hotline.station.shelf import write_durably

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    languages = tuple(language or ["en"])
    policy = _policy(two_person or [], languages, authentic, test_period, presence=presence)
    if anew:
        check_no_line(bench.home)
        discard_opening(bench.home)
    encoded = opening_again(bench, peers, Wanted(name, policy))
    if encoded is None:
        check_opening(bench, peers)
        root_key = unlock_root(bench, root_in(home, root))
        encoded = open_line_with(bench, peers, Wanted(name, policy), root_key)
    write_durably(out, encoded)
    print("\n".join(opened(bench, out, peers)))


@app.command(short_help="Join a line that another station opened.")
def join(
    home: HomePath,
    opening: Annotated[Path, typer.Argument(metavar="FILE", help="What line open wrote there.")],
    out: OutFile,
    anew: Annotated[
        bool, typer.Option("--anew", help="Give up another line that was joined, not completed.")
    ] = False,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Join a line: read its charter, sign it, and write the answer for the other stations.

    Asks for the passphrases of root.key and console.key. Run again, it writes the same file.
    """
    from hotline.station.arriving import check_file
    from hotline.station.cards import read_file
    from hotline.station.enrolling import answer_again, join_line
    from hotline.station.identity import read_identity
    from hotline.station.officers import unlock_root
    from hotline.station.shelf import write_durably

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    found = check_file(bench, read_file(opening, opening.name), "open")
    answer = answer_again(bench, found.charter.line, anew=anew)
    if answer is None:
        print("You are about to sign this charter with the root of this station:")
        print("\n".join(charter_lines(found.charter)))
        root_key = unlock_root(bench, root_in(home, root))
        answer = join_line(bench, found, root_key, packs())
    write_durably(out, answer)
    print("\n".join(joined(home, out, found.charter, read_identity(bench.home).station)))


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


@app.command(short_help="Say which line a home has, or waits for.")
def show(home: HomePath) -> None:
    """Say who is on the line, by which rules, and how far setting it up has come."""
    from hotline.host.clock import system_clock
    from hotline.sealing.roster import Roster
    from hotline.station.cards import kept_stations
    from hotline.station.founded import line_directories
    from hotline.station.home import Home, read_card
    from hotline.station.identity import read_identity
    from hotline.station.opening import waiting_line

    place = Home(home)
    for directory in line_directories(place):
        card = read_card(directory)
        roster = Roster.read([record.encode() for record in card.records])
        print("\n".join([*charter_lines(roster.charter), *call_lines(card)]))
        print("\n".join(ending_lines(roster, card.station, system_clock())))
        return
    identity = read_identity(place)
    waiting = waiting_line(place)
    if waiting is not None:
        print("\n".join([*charter_lines(waiting.charter), *waiting_for(waiting)]))
        return
    cards = ", ".join(kept_stations(place)) or "none"
    print(f"{identity.station} has no line yet. Cards accepted: {cards}.")


def ending_lines(roster: Roster, station: str, now_ms: int) -> Iterator[str]:
    """Yield how long each certificate on a line lasts; those that are an alarm with what to do.

    Spec: docs/enrolment.md §10.6
    """
    from hotline.review.sentences import printable
    from hotline.station.endings import alarming, endings

    found = endings(roster, station, now_ms)
    alarms = alarming(found)
    for ending in found:
        todo = f": {ending.remedy}" if ending in alarms else ""
        yield printable(f"  {'ALARM: ' if todo else ''}{ending.what}{todo}")


def charter_lines(charter: Charter) -> Iterator[str]:
    """Yield what a charter says, for whoever is asked to sign it."""
    from hotline.core.times import format_time
    from hotline.sealing.fingerprint import root_groups

    policy = charter.policy
    yield f"Line {charter.name}, realm {charter.realm}, of {format_time(charter.created_ms)}"
    yield f"  id {charter.line.hex()}"
    for member in charter.members:
        yield f"  member {member.station}, root"
        yield f"    {root_groups(member.root)}"
    yield f"  languages {', '.join(policy.languages)}; {policy.authentic} decides"
    yield f"  two officers sign: {', '.join(policy.two_person) or 'nothing'}"
    seen = "is shown" if policy.presence else "is not shown"
    yield f"  tested every {policy.test_period_s} s; who is at the desk {seen}"


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

    catalogue = packs()
    for template in two_person:
        if catalogue.get(template) is None:
            raise OperatorError(f"no pack holds a template {template!r}")
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
