from __future__ import annotations

import pytest

from hotline import __version__
from hotline.cli.main import main
from tests.cli.shell import one_sentence, run


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in ("drill", "verify", "replay"))
    assert "--version" in text
    assert "Exit codes: 0 done and verified; 1 evidence does not verify;" in text
    assert "completion" not in text


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"hotline {__version__}\n"


@pytest.mark.parametrize("command", ["drill", "verify", "replay", "disclose", "check", "export"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: hotline {command} ")


def test_no_command_shows_the_help_on_stderr_and_exits_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: hotline ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vrify"], "No such command 'vrify'"),
        (["--loud"], "No such option: --loud"),
        (["verify"], "Missing argument 'LEDGER'; see hotline verify --help"),
        (["verify", "a", "b"], "unexpected extra argument"),
        (["replay", "--peer"], "No such option: --peer"),
    ],
)
def test_wrong_usage_exits_2_with_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in one_sentence(err)


def test_module_runs_as_the_script_does() -> None:
    done = run("verify", "/nowhere/\x1b[2J", cold=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert one_sentence(done.stderr).startswith("there is no /nowhere/?[2J; ")
