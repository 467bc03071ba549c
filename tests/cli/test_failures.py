from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from hotline.cli.failures import guard
from hotline.core.errors import (
    IntegrityError,
    InvariantError,
    LinkError,
    OperatorError,
    PeerError,
    StorageError,
)
from tests.cli.shell import TOP, one_sentence
from tests.review.rig import Worked

SECRET = "correct horse"


def fail(error: BaseException) -> int:
    def work() -> int:
        passphrase = SECRET
        assert passphrase
        raise error

    return guard(work)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperatorError("wrong"), 2),
        (PeerError("refused"), 3),
        (LinkError("down"), 3),
        (StorageError("full"), 4),
        (IntegrityError("forged"), 1),
        (InvariantError("ours"), 70),
    ],
)
def test_error_of_ours_is_its_sentence_and_its_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert one_sentence(err) == f"{error}; {error.hint}."  # type: ignore[attr-defined]


def test_any_other_error_is_one_line_without_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTLINE_DEBUG", raising=False)
    assert fail(ValueError(f"cannot read {SECRET}")) == 70
    said = one_sentence(capsys.readouterr().err)
    assert said.startswith("an internal fault (ValueError at ")
    assert "failures.py:" in said
    assert SECRET not in said


def test_trace_is_printed_only_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_DEBUG", "1")
    assert fail(ValueError("words")) == 70
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].startswith("hotline: an internal fault (ValueError at ")


def test_group_of_errors_is_the_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    inner = ExceptionGroup("tasks", [ValueError("noise"), StorageError("the disk is full")])
    assert fail(ExceptionGroup("outer", [KeyError("noise"), inner])) == 4
    assert one_sentence(capsys.readouterr().err).startswith("the disk is full; ")


def test_refusal_of_the_system_is_a_storage_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(OSError(errno.ENOSPC, "No space left on device", "/secret/path")) == 4
    said = one_sentence(capsys.readouterr().err)
    assert said.startswith("the system refused: No space left on device; ")
    assert "/secret/path" not in said


def test_interrupt_exits_130_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_exit_code_of_the_work_is_passed_on() -> None:
    assert guard(lambda: 7) == 7


def test_words_of_an_error_are_made_printable(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(OperatorError("evil\x1b]0;title\x07")) == 2
    assert one_sentence(capsys.readouterr().err).startswith("evil?]0;title?; ")


def test_output_that_cannot_be_written_exits_4(kept: Worked) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hotline", "verify", str(kept.north)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=TOP,
        )
    assert done.returncode == 4
    assert one_sentence(done.stderr).startswith("the system refused: No space left on device; ")
