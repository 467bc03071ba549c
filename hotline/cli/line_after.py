"""`hotline line amend` and `line change`: a line follows another, and takes over from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.card import OutFile
from hotline.cli.line_words import call_lines, charter_lines, opened
from hotline.cli.officer import HomePath, RootFile, check_templates, root_in
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.sealing.charter import Charter
    from hotline.sealing.roster import Roster
    from hotline.station.enrolling import Wanted
    from hotline.station.home import Home
    from hotline.station.lineup import Lined
    from hotline.station.upkeep import Bench
    from hotline.station.wanting import Amendment

Name = Annotated[str | None, typer.Option(metavar="NAME", help="Another name for the line.")]
Two = Annotated[
    list[str] | None,
    typer.Option(metavar="TEMPLATE", help="One more that two officers must sign; repeat it."),
]
One = Annotated[
    list[str] | None,
    typer.Option(metavar="TEMPLATE", help="One that one officer may sign again; repeat it."),
]
Languages = Annotated[
    list[str] | None,
    typer.Option(metavar="LL", help="An approved language, instead of all before; repeat it."),
]
Authentic = Annotated[str | None, typer.Option(metavar="LL", help="The language that decides.")]
Period = Annotated[
    int | None, typer.Option(metavar="SECONDS", help="How often the line is tested.")
]
Presence = Annotated[
    bool | None,
    typer.Option("--presence/--no-presence", help="Whether they may see our desk empty."),
]
Add = Annotated[
    list[str] | None,
    typer.Option("--add", metavar="STATION", help="One that joins, its card here; repeat it."),
]
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", metavar="STATION", help="One that leaves the line; repeat it."),
]
Anew = Annotated[bool, typer.Option("--anew", help="Give up a change that was begun, never used.")]


def amend(
    home: HomePath,
    out: OutFile,
    name: Name = None,
    two_person: Two = None,
    one_person: One = None,
    language: Languages = None,
    authentic: Authentic = None,
    test_period: Period = None,
    presence: Presence = None,
    add: Add = None,
    remove: Remove = None,
    anew: Anew = False,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Change the charter: open a line that follows the one of this home.

    Say what is to change; all else stays. The others join it as they joined the first
    one, and the line of today is worked until all stations change over. Have a card of
    theirs of today here (hotline card import); no words are compared again.
    A station that joins and all others compare words first; it gets no old record.
    Asks for the passphrases of root.key and console.key.
    """
    from hotline.station.shelf import write_durably
    from hotline.station.wanting import Amendment, wanted_after

    check_templates([*(two_person or ()), *(one_person or ())])
    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    amendment = Amendment(
        name=name,
        two=two_person or (),
        one=one_person or (),
        languages=language or (),
        authentic=authentic,
        test_period_s=test_period,
        presence=presence,
        add=add or (),
        remove=remove or (),
    )
    # What cannot be said is refused before anything is given up for it.
    wanted_after(bench.home, amendment)
    if anew:
        give_up(bench)
    peers, encoded = _opened(bench, amendment, root_in(home, root))
    write_durably(out, encoded)
    print("\n".join(opened(bench, out, peers)))
    print("The line of today is worked until all stations change over.")


def _opened(bench: Bench, amendment: Amendment, root_file: Path) -> tuple[list[str], bytes]:
    """Show what changes, sign it, and return with whom and the file for there."""
    from hotline.station.enrolling import opening_again
    from hotline.station.wanting import wanted_after

    peers, wanted = wanted_after(bench.home, amendment)
    encoded = opening_again(bench, peers, wanted)
    if encoded is None:
        encoded = sign_shown(
            bench,
            peers,
            wanted,
            root_file,
            lambda charter: change_lines(bench.home, charter),
        )
    return peers, encoded


def sign_shown(
    bench: Bench,
    peers: Sequence[str],
    wanted: Wanted,
    root_file: Path,
    lines: Callable[[Charter], Iterable[str]],
) -> bytes:
    """Show a charter as `lines` say it, then sign that one and no other; return the opening."""
    from hotline.station.enrolling import draft_charter, open_line_with
    from hotline.station.officers import unlock_root

    charter = draft_charter(bench, peers, wanted)
    print("You are about to sign this charter with the root of this station:")
    print("\n".join(lines(charter)))
    return open_line_with(
        bench, peers, replace(wanted, shown=charter), unlock_root(bench, root_file)
    )


def change(
    home: HomePath,
    leave: Annotated[
        bool, typer.Option("--leave", help="Leave behind what still stands on the old line.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Change over: close the line of this home and work the one that follows it.

    Agree on the minute by voice; all stations stop their consoles and run this. What
    still stands on the old line is listed; what was never delivered, released or answered
    has to be left behind by --leave, or settled first. Cut short, run it again. Asks for
    the passphrase of console.key.
    """
    from hotline.station.changing import change_over, whats_left

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    for line in whats_left(bench).lines():
        print(line)
    done = change_over(bench, leave=leave)
    for line in gone_lines(bench.home):
        print(line)
    print(f"{done.before.directory.name} is closed with {done.end.size} entries, and kept.")
    print(f"{done.after.directory.name} has taken over. Then: hotline console {home}")


def gone_lines(home: Home) -> Iterator[str]:
    """Yield who is not on the line that took over, and how that station is told."""
    from hotline.cli.line_words import and_list
    from hotline.station.parting import notice_of

    with suppress(OperatorError):
        gone = and_list(notice_of(home).gone)
        yield f"{gone} left: hotline line notice {home.path} --out FILE writes what to carry there."


def route(
    home: HomePath,
    to: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where to dial the other station from now on."),
    ] = None,
    peer: Annotated[
        str, typer.Option(metavar="STATION", help="Which one, where several are on the line.")
    ] = "",
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Change where the other station is dialled, or where this one listens.

    With --to the other station is dialled there from the next start on. Without it, a
    station that is dialled listens where hotline card export --route (and --listen) said
    last. A card of theirs that is imported later is followed by itself. The console must
    not run. Asks for the passphrase of console.key.
    """
    from hotline.station.reach import read_route
    from hotline.station.rerouting import listen_anew, reroute
    from hotline.station.upkeep import at_work

    wanted = read_route(to)
    with at_work(bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))) as work:
        done = listen_anew(work) if wanted is None else reroute(work, wanted, peer)
    print(f"{done.peer} is reached at {done.now} from the next start on; it was {done.before}.")


def give_up(bench: Bench, charter: Charter | None = None) -> None:
    """Forget what was set up and never worked: a successor, and an opening.

    Args:
        charter: Of a line that is joined instead; then an opening of ours stays.
    """
    from hotline.station.giving_up import give_up_opening, give_up_successor

    gone = give_up_successor(bench) if charter is None or charter.predecessor else None
    if charter is None:
        give_up_opening(bench)
    if gone is not None:
        print(f"Gave up {gone.directory.name}: the other stations must give it up, too.")


def change_lines(home: Home, charter: Charter, shown: Charter | None = None) -> Iterator[str]:
    """Yield what a charter changes that follows another one; nothing for a first one.

    Args:
        shown: The charter that it follows as an opening shows it, where this home has not the line.
    Spec: docs/protocol.md §4.30, docs/enrolment.md §9.9
    """
    from hotline.sealing.amendment import changes
    from hotline.station.amending import predecessor_of

    before = predecessor_of(home, charter) or shown
    if before is None:
        return
    if before is shown:
        yield f"It follows the line {before.name} of {before.line.hex()[:16]}, which this station"
        yield "was not on: its record is not yours. What changes:"
    else:
        yield f"It follows the line {before.name} of {before.line.hex()[:16]}. What changes:"
    found = changes(before, charter)
    for one in found:
        yield f"  {one.what}"
        yield f"    old  {one.before}"
        yield f"    new  {one.after}"
    if not found:
        yield "  nothing but its date"


def lineup_lines(home: Home) -> Iterator[str]:
    """Yield what `line show` says of a home's lines: the one that is worked, and the others."""
    from hotline.station.closing import ended_for
    from hotline.station.lineup import read_lineup

    found = read_lineup(home.lines)
    if found.current is None:
        if found.count:
            # Says what is wrong with them.
            home.only_line()
        return
    yield from _line_lines(found.current)
    if found.pending is None and ended_for(found.current) is not None:
        yield "The other stations closed it in favour of a line that this station is not on."
    if found.current.follows and not found.earlier:
        yield f"It follows the line {found.current.follows[:16]}, whose record is not here."
    for one in reversed(found.earlier):
        yield f"It followed {one.directory.name}, which is closed and kept."
    if found.pending is not None:
        yield "A line waits to follow it; all stations end that with hotline line change:"
        yield from _line_lines(found.pending)


def _line_lines(lined: Lined) -> Iterator[str]:
    from hotline.host.clock import system_clock
    from hotline.station.amending import roster_in
    from hotline.station.home import read_card

    roster, card = roster_in(lined.directory), read_card(lined.directory)
    yield from charter_lines(roster.charter)
    yield from call_lines(card)
    yield from ending_lines(roster, card.station, system_clock())


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
