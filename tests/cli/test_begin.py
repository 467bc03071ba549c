"""`hotline init --guided`: what it refuses before any screen is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import one_sentence, run


def test_guided_without_a_terminal_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = run("init", "--guided", tmp_path / "home")
    assert done.returncode == 2
    assert one_sentence(done.stderr).startswith("init --guided needs a terminal; use hotline init")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--guided", "--station", "NORTH"], "--guided asks for everything itself"),
        (["--guided", "--unprotected"], "--guided asks for everything itself"),
        (["--guided", "--route", "a:1"], "--guided asks for everything itself"),
        (["--guided", "--realm", "exercise"], "--guided asks for everything itself"),
        ([], "init needs HOME and --station NAME"),
        (["--station", "NORTH"], "init needs HOME and --station NAME"),
        (["--ascii", "home", "--station", "NORTH"], "--ascii goes with --guided"),
    ],
)
def test_init_with_words_that_do_not_fit_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from hotline.cli.main import main

    assert main(["init", *words]) == 2
    assert said in one_sentence(capsys.readouterr().err)
