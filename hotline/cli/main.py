"""The command line's entry: registers every command, turns failures into exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hotline import __version__
from hotline.cli import (
    attachment,
    backup,
    begin,
    card,
    check,
    console,
    disclose,
    doctor,
    drill,
    export,
    inbox,
    keyring,
    ledger,
    line,
    officer,
    officer_revoke,
    post,
    relay,
    renew,
    replay,
    spare,
    verify,
    witness,
)
from hotline.cli.failures import EXIT_USAGE, guard

EPILOG = """Exit codes: 0 done and verified; 1 evidence does not verify; 2 the input or the
configuration is wrong; 3 a peer or the link failed; 4 storage failed; 70 a fault of
hotline itself."""

app = typer.Typer(
    name="hotline",
    epilog=EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("drill", short_help="Stand watch in an exercise on this machine.")(drill.drill)
app.command("init", short_help="Make a station's home: its root, console, journal.")(begin.init)
app.command("renew", short_help="Certify this station's console for longer.")(renew.renew)
app.add_typer(card.app, name="card", short_help="Write, show and accept the cards of stations.")
app.add_typer(line.app, name="line", short_help="Set a line up with another station.")
app.add_typer(keyring.app, name="keyring", short_help="Keep passphrases in the login's keyring.")
app.command("console", short_help="Stand watch on a line.")(console.console)
app.command("send", short_help="Sign and send one statement.")(post.send)
app.command("inbox", short_help="Print what came in.")(inbox.inbox)
app.add_typer(attachment.app, name="attachment", short_help="Take files out of the record.")
app.command("verify", short_help="Check a whole ledger, or two against each other.")(verify.verify)
app.command("replay", short_help="Play a ledger again, read-only.")(replay.replay)
app.command("disclose", short_help="Show single entries, with their proof.")(disclose.disclose)
app.command("check", short_help="Check a disclosed entry, or evidence of a fork.")(check.check)
app.command("export", short_help="Export a ledger for auditors and witnesses.")(export.export)
app.command("backup", short_help="Copy a home's ledgers, and verify the copy.")(backup.backup)
app.command("restore", short_help="Put a backup in place if nothing newer is known.")(
    backup.restore
)
app.command("doctor", short_help="Say what is well with a home and what is not.")(doctor.doctor)
app.command("relay", short_help="Keep sealed cells in mailboxes, for stations.")(relay.relay)
ledger.app.command("witness", short_help="Name an outside witness, drop one, or list them.")(
    witness.witness
)
app.add_typer(ledger.app, name="ledger", short_help="Hold, erase, renew what a ledger keeps.")
app.add_typer(spare.app, name="spare", short_help="Keep a spare console for a line.")
officer_revoke.register(officer.app)
app.add_typer(officer.app, name="officer", short_help="Certify, renew, list, revoke officers.")


def _show_version(asked: bool) -> None:
    if asked:
        print(f"hotline {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and leave."
        ),
    ] = False,
) -> None:
    """A crisis-communication console for the stations of one line."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(EXIT_USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: Without the program's name; default: those of the shell.
    """
    # Libraries log to stderr where nobody says otherwise, and a console is drawn there.
    logging.getLogger().addHandler(logging.NullHandler())
    return guard(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    code = app(
        args=None if arguments is None else list(arguments),
        prog_name="hotline",
        standalone_mode=False,
    )
    return code if isinstance(code, int) else 0
