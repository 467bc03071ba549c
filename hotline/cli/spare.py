"""`hotline spare`: a second console of a station, kept in the safe, that can take a line over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.begin import ListenOption, RouteOption
from hotline.cli.card import OutFile
from hotline.cli.officer import LONGEST_DAYS, Days, HomePath, RootFile, packs, root_in
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by

app = typer.Typer(no_args_is_help=True, help="Keep a spare console that can take a line over.")

TEST_LIMIT_S = 30.0

SparePath = Annotated[Path, typer.Argument(metavar="SPARE", help="The home of the spare.")]


@app.command(short_help="Make a spare console, with keys of its own.")
def init(
    home: HomePath,
    spare: Annotated[Path, typer.Argument(metavar="SPARE", help="A new directory for it.")],
    out: OutFile,
    route: RouteOption = None,
    listen: ListenOption = None,
    root: RootFile = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="No passphrases; for exercises only.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Make the home of a spare console and the file that makes it known to the other station.

    Asks for the passphrases of console.key and root.key, and a new one of the spare's
    console.key.
    """
    from hotline.station.home import Home
    from hotline.station.reach import read_listening, read_route
    from hotline.station.shelf import write_durably
    from hotline.station.spare_homes import NewSpare, begin_spare

    asker = Asker(passphrase_fd)
    new = NewSpare(Home(spare), read_route(route), read_listening(listen))
    ask_new = Asker(unprotected=True).ask_new if unprotected else asker.ask_new
    opening = begin_spare(bench_with(home, asker), new, ask_new, root_in(home, root), packs())
    write_durably(out, opening)
    print(f"The spare console is made in {spare}. Carry {out} to the other station, which")
    print("answers it with hotline spare admit; then run")
    print(f"hotline spare complete {spare} FILE with what comes back.")


@app.command(short_help="Admit the other station's spare console.")
def admit(
    home: HomePath,
    opening: Annotated[Path, typer.Argument(metavar="FILE", help="What spare init wrote there.")],
    out: OutFile,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Make the other station's spare console known here, and write the answer.

    It may be tested and take over; nothing else of it is taken. Asks for the passphrases of
    console.key and root.key. Run again, it writes the same file.
    """
    from hotline.station.cards import read_file
    from hotline.station.shelf import write_durably
    from hotline.station.spare_admitting import admit_spare

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    answer = admit_spare(bench, read_file(opening, opening.name), root_in(home, root))
    write_durably(out, answer)
    print(f"Wrote {out}. Carry it back; there it goes into hotline spare complete.")


@app.command(short_help="Complete a spare console with the answer.")
def complete(
    spare: SparePath,
    answer: Annotated[Path, typer.Argument(metavar="FILE", help="What spare admit wrote there.")],
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Complete a spare console with the other station's answer, then test it and lock it away.

    Asks for the passphrase of the spare's console.key.
    """
    from hotline.station.cards import read_file
    from hotline.station.spare_sides import complete_spare

    complete_spare(
        bench_with(spare, Asker(passphrase_fd, kept=kept_by(spare, keyring))),
        read_file(answer, answer.name),
    )
    print(f"The spare console is complete. Now: hotline spare test {spare}; then into the safe.")


@app.command(short_help="Certify a spare for longer, bring it up to date.")
def renew(
    home: HomePath,
    spare: SparePath,
    days: Days = LONGEST_DAYS,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Certify a spare console for longer, and bring its home up to date with the first one's.

    Asks for the passphrases of console.key, root.key and the spare's console.key.
    """
    from hotline.core.times import format_time
    from hotline.station.home import Home
    from hotline.station.spares import renew_spare

    bench = bench_with(home, Asker(passphrase_fd))
    certificate = renew_spare(bench, Home(spare), root_in(home, root), packs(), days)
    print(f"The spare console is certified until {format_time(certificate.not_after_ms)[:10]}.")


@app.command("test", short_help="Prove that the other station would accept the spare.")
def probe(
    spare: SparePath, passphrase_fd: PassphraseFd = None, keyring: UseKeyring = False
) -> None:
    """Meet the other station as a spare console; recorded at both, and changes nothing.

    Where the other station listens, the first console's link breaks off for a moment. Asks for
    the passphrase of the spare's console.key.
    """
    import asyncio

    from hotline.station.probing import probe_spare
    from hotline.transport.link import Timings

    bench = bench_with(spare, Asker(passphrase_fd, kept=kept_by(spare, keyring)))
    tested = asyncio.run(probe_spare(bench, packs(), Timings(), TEST_LIMIT_S))
    print(f"{tested.peer} and spare console {tested.endpoint} proved their keys to each other.")


@app.command("take-over", short_help="Put the spare in office, for good.")
def take_over(
    spare: SparePath,
    officer: Annotated[
        list[str], typer.Option(metavar="PERSON", help="An officer who signs; give it twice.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")],
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Put a spare console in office on two officers' authority; the one before never speaks again.

    Asks for the passphrases of the spare's console.key and of both officers.
    """
    from hotline.station.spares import take_over as put_in_office

    done = put_in_office(
        bench_with(spare, Asker(passphrase_fd, kept=kept_by(spare, keyring))),
        officer,
        reason,
        packs().packs,
    )
    print(f"This console is in office now; its ledger begins with generation {done.generation}.")
    print("See that the first one is switched off. What the other station recorded comes back:")
    print(f"hotline console {spare}")


@app.command(short_help="Say which console a home is, and what it left undelivered.")
def show(home: HomePath, passphrase_fd: PassphraseFd = None, keyring: UseKeyring = False) -> None:
    """Say which console of its station a home is, who is in office, and what was not delivered.

    Asks for the passphrase of console.key.
    """
    from hotline.review.sentences import printable
    from hotline.station.home import Home, read_card
    from hotline.station.spares import has_ledger, in_office_of, undelivered

    place = Home(home)
    card = read_card(place.only_line())
    number = in_office_of(place)
    print(f"This is console {card.endpoint} of {card.station}; in office is console {number}.")
    for spare in card.spares:
        print(f"  console {spare.endpoint} of {spare.station} is known here")
    if not has_ledger(place):
        print("It has not taken over, so it holds no record yet.")
        return
    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    left = undelivered(place, bench.passphrase(place.keys / "console.key"), bench)
    print(f"{len(left)} statements are not delivered.")
    for state in left:
        said = state.statement
        print(printable(f"  {said.at} {said.precedence} {said.template.id}: {said.text}"))
