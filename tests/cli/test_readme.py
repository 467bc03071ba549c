"""README and `--help` name the same commands and options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from hotline.cli.main import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _documented() -> dict[str, set[str]]:
    """Return command to options, from the README's table."""
    rows = re.findall(
        r"^\| `hotline ((?:(?:attachment|card|keyring|ledger|line(?: relay)?|officer|spare) )?"
        r"[\w-]+)"
        r"([^`]*)` \|",
        README,
        re.MULTILINE,
    )
    found: dict[str, set[str]] = {}
    for name, rest in rows:
        found.setdefault(name, set()).update(re.findall(r"--[a-z-]+", rest))
    return found


def _offered() -> dict[str, set[str]]:
    """Return command to visible options, from the program itself."""
    return {
        name: {
            option
            for parameter in command.params
            if not getattr(parameter, "hidden", False)
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in _commands(typer.main.get_command(app), "").items()
    }


def _commands(group: Any, before: str) -> dict[str, Any]:
    """Return commands by name, those of a group by the group's name and their own."""
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None) is not None
        whole = before + name
        found.update(_commands(command, f"{whole} ") if inner else {whole: command})
    return found


def test_readme_names_every_command_and_option_that_help_offers() -> None:
    assert _documented() == _offered()


def test_readme_examples_use_offered_commands_only() -> None:
    used = set(re.findall(r"\bhotline (\w+)\b", " ".join(re.findall(r"`[^`]+`", README))))
    assert used <= {name.split()[0] for name in _offered()}


def test_readme_files_named_as_proof_are_there() -> None:
    named = re.findall(r"`((?:tests|docs)/[\w./-]+)`", README)
    assert named
    missing = [name for name in named if not (Path(__file__).parents[2] / name).exists()]
    assert missing == []
