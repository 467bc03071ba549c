"""`hotline line relay`: the relays of a line, which carry it where no direct route does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.officer import HomePath
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotline.station.relay_setup import Added
    from hotline.station.relays import LineRelay

app = typer.Typer(no_args_is_help=True, help="Work a line over relays, too.")

RelayNamed = Annotated[str, typer.Argument(metavar="NAME", help="What this station calls it.")]


@app.command(short_help="Add a relay, and make this station's mailboxes there.")
def add(
    home: HomePath,
    card: Annotated[
        Path, typer.Argument(metavar="FILE", help="The relay's card, from its operator.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What to call it: a-z, digits, -; as relay-a.")
    ],
    token_file: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The operator's tokens, one for each other station."),
    ],
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Dial it there, not where its card says."),
    ] = None,
    priority: Annotated[
        int, typer.Option(min=1, max=99, help="Of two good routes the smaller number is taken.")
    ] = 10,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Add a relay to the line: a route that needs no station to be reachable.

    Makes this station's mailboxes at the relay with the operator's tokens, and works it from
    the next start on. The other stations add the same relay, each with its own tokens. The
    console must not run. Asks for the passphrase of console.key.
    """
    import asyncio

    from hotline.station.cards import read_file
    from hotline.station.reach import read_route
    from hotline.station.relay_setup import WantedRelay, add_relay
    from hotline.station.relays import read_name, read_relay_card
    from hotline.station.upkeep import at_work
    from hotline.transport.relay.admission import read_tokens

    found, at = read_relay_card(read_file(card, card.name)), read_route(address)
    if at is not None:
        found = found.model_copy(update={"host": at.host, "port": at.port})
    lines = read_file(token_file, token_file.name).decode("ascii", "replace").splitlines()
    tokens = read_tokens(lines, "the token file")
    wanted = WantedRelay(read_name(name), found, priority, tokens)
    with at_work(bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))) as work:
        added = asyncio.run(add_relay(work, wanted))
    print("\n".join(_added(added, token_file.name)))


@app.command("list", short_help="Say which relays the line has.")
def list_relays(
    home: HomePath,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which relays the line has, where they are, and their keys."""
    from hotline.station.home import Home
    from hotline.station.relays import read_relays

    relays = read_relays(Home(home).only_line()).relays
    if as_json:
        print(json.dumps([_described(one) for one in relays]))
        return
    for one in relays:
        peers = ", ".join(mailbox.peer for mailbox in one.mailboxes)
        print(f"{_words(one)}, priority {one.priority}, for what {peers} leaves; key")
        print(f"  {one.card.key}")
    if not relays:
        print("This line has no relay.")


@app.command(short_help="Take a relay away, and drop this station's mailboxes there.")
def remove(
    home: HomePath,
    name: RelayNamed,
    lost: Annotated[
        bool, typer.Option("--lost", help="Do not ask the relay: it is gone for good.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Take a relay away from the line.

    What waits in this station's mailboxes there is destroyed; the other station still has
    whatever was not receipted. The tokens may be used again. The console must not run. Asks
    for the passphrase of console.key.
    """
    import asyncio

    from hotline.station.relay_setup import remove_relay
    from hotline.station.upkeep import at_work

    with at_work(bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))) as work:
        gone = asyncio.run(remove_relay(work, name, lost=lost))
    print(f"{_words(gone)} is no route of this line any more.")


def _words(relay: LineRelay) -> str:
    return f"{relay.name} at {relay.card.host}:{relay.card.port}"


def _described(relay: LineRelay) -> dict[str, object]:
    return {
        "name": relay.name,
        "host": relay.card.host,
        "port": relay.card.port,
        "key": relay.card.key,
        "priority": relay.priority,
        "peers": [one.peer for one in relay.mailboxes],
    }


def _added(added: Added, token_file: str) -> Iterator[str]:
    yield f"{_words(added.relay)} is a route of this line from the next start on."
    yield f"Compare its key with its operator by voice: {added.relay.card.key}"
    if added.unreached:
        yield f"No mailbox was made yet: {added.unreached}. The station makes them once it runs."
    yield f"Delete {token_file}: this home keeps the tokens sealed. The other stations add the"
    yield "same relay; until they have, it carries nothing."
