"""The command line's entry."""

from __future__ import annotations

import typer

from hotline.cli.drill import drill

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command("drill")(drill)


@app.callback()
def _root() -> None:
    """A crisis-communication console."""


def main() -> None:
    """Run the command line."""
    app()
