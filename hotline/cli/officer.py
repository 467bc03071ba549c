"""`hotline officer`: whom a station's root certifies to speak for it, and whom no more."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Revoke and suspend officers' keys.")
