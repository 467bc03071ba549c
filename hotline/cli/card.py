"""`hotline card`: who a station is and how it is reached, as one file for another station."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.begin import ListenOption, RouteOption
from hotline.cli.fingerprints import fingerprint_lines, qr_lines
from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.sealing.card import Card, Route
    from hotline.sealing.roster import StationRecords

app = typer.Typer(no_args_is_help=True, help="Write, show and accept the cards of stations.")

OutFile = Annotated[Path, typer.Option(metavar="FILE", help="What to write.")]


@app.command(short_help="Write this station's card.")
def export(
    home: HomePath,
    out: OutFile,
    route: RouteOption = None,
    listen: ListenOption = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Write this station's card for another station; it holds nothing secret.

    Asks for the passphrase of console.key, which signs it.
    """
    from hotline.station.identity import own_card, read_identity, ready_console
    from hotline.station.reach import change_reach, read_listening, read_route
    from hotline.station.shelf import write_durably

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    console = bench.home.keys / "console.key"
    read_identity(bench.home)
    change_reach(bench.home, read_route(route), read_listening(listen))
    held = ready_console(bench.home, bench.passphrase(console), bench.entropy)
    card = own_card(bench.home, held, bench.clock)
    write_durably(out, card)
    print(f"Wrote {out}. When the other officer has it, read out the words of")
    print(f"hotline card show {home}")


@app.command(short_help="Show whose card it is, with the words to compare.")
def show(
    card: Annotated[
        Path, typer.Argument(metavar="CARD", help="A card, or a home to show its own.")
    ],
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Plain characters: leave the QR code out.")
    ] = False,
) -> None:
    """Say whose card it is, with the root's 24 words and a QR code of them."""
    from hotline.station.cards import read_file, read_outside
    from hotline.station.home import Home
    from hotline.station.identity import read_identity

    if card.is_dir():
        identity = read_identity(Home(card))
        station, route = identity.verified(), identity.route
    else:
        read = read_outside(read_file(card, card.name))
        station, route = read.station, read.body.route
    _say_station(station, route)
    root = station.root
    # The words come last: on a small screen the code scrolls away, and they stay.
    for line in qr_lines(root.station, root.digest, ascii_only=ascii_only):
        print(line)
    print("The root's words, to read out and to compare, all of them:")
    print()
    for line in fingerprint_lines(root.digest):
        print(line)


@app.command("import", short_help="Accept another station's card, its words compared.")
def import_card(
    home: HomePath,
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The other station's card.")],
    confirm: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="All 24 words of the root as the other officers read them (or base32, hex).",
        ),
    ] = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Accept another station's card after its officers read its words to you.

    Without --confirm it asks for some of the words; type them as you hear them. A newer card
    of a station on the line is taken into the line, with the station stopped; that asks for
    the passphrase of console.key.
    """
    from hotline.host.clock import system_clock
    from hotline.station.cards import accept_card, read_file
    from hotline.station.home import Home
    from hotline.station.newer_cards import joins_line, take_newer_card

    def compare(found: Card) -> None:
        _say_station(found.station, found.body.route)
        if confirm is not None:
            _compare_all(found, confirm)
        else:
            _compare_some(found)

    found = accept_card(Home(home), read_file(card, card.name), compare, system_clock)
    print(f"The card of {found.name} is accepted.")
    if joins_line(Home(home), found):
        asker = Asker(passphrase_fd, kept=kept_by(home, keyring))
        many = take_newer_card(bench_with(home, asker), found)
        print(f"It counts on the line: {many} new certificates. Start the station again.")


def _say_station(station: StationRecords, route: Route | None) -> None:
    from hotline.core.times import format_time
    from hotline.review.sentences import printable
    from hotline.sealing.certificate import Usage

    root = station.root
    print(f"Station {root.station}, realm {root.realm}, root of {format_time(root.created_ms)}")
    newest = {one.person: one for one in station.certified(Usage.STATEMENT)}
    for person, one in newest.items():
        until = format_time(one.not_after_ms)[:10]
        print(printable(f"  officer {person}: {one.shown}, until {until}"))
    if not newest:
        print("  no officer yet")
    print(f"  dialled at {route.host}:{route.port}" if route else "  dials, is not dialled")


def _compare_all(card: Card, confirm: str) -> None:
    """Refuse words that are not those of the card.

    Spec: docs/enrolment.md §4.2
    """
    from hotline.sealing.fingerprint import read_fingerprint
    from hotline.station.cards import words_differ

    said = read_fingerprint(confirm)
    if said is None:
        raise OperatorError(
            "--confirm does not hold 24 words whose check sum fits",
            hint="write them down again as they are read to you",
        )
    if said != card.root.digest:
        raise words_differ(card)


def _compare_some(card: Card) -> None:
    """Have some of the words typed as they are heard; the card's own are not shown.

    Spec: docs/enrolment.md §4.2
    """
    from hotline.host.entropy import system_entropy
    from hotline.sealing.fingerprint import asked_places, root_words, same_word
    from hotline.station.cards import words_differ

    if sys.stdin is None or not sys.stdin.isatty():
        raise OperatorError(
            "a person must compare the words of this card",
            hint="run it in a terminal, or give the words as they were read with --confirm",
        )
    words = root_words(card.root.digest).split()
    print()
    print(f"Call {card.name} on a line where you know the voice. There they run")
    print("hotline card show with their home. Ask for the words below and type them as")
    print("you HEAR them; four letters of a word are enough.")
    for place in asked_places(system_entropy):
        typed = input(f"  word {place + 1:2}: ")
        if not same_word(typed, words[place]):
            typed = input("  That is not it. Have it read again, letter by letter: ")
        if not same_word(typed, words[place]):
            raise words_differ(card)
    print()
    print("\n".join(fingerprint_lines(card.root.digest)))
    print()
    answer = input("Now have all 24 read to you and compare each. All the same? Type yes: ")
    if answer.strip().lower() != "yes":
        raise words_differ(card)
