"""`hotline keyring` and `--keyring`, with a backend that the library is told to use."""

from __future__ import annotations

import os
from pathlib import Path

import keyring
import pytest

from hotline.cli.main import main
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file, write_key_file
from tests.cli.shell import one_sentence, run
from tests.fakes.keyrings import FILE_VARIABLE, Memory

PASSPHRASE, WRONG = "seven grey herons", "six grey herons"


def given(line: str) -> int:
    """A descriptor to read `line` from."""
    reading, writing = os.pipe()
    os.write(writing, f"{line}\n".encode())
    os.close(writing)
    return reading


def home_in(tmp_path: Path) -> Path:
    """An exercise station whose console.key has a passphrase."""
    made = tmp_path / "north"
    words = ("--station", "NORTH", "--realm", "exercise", "--unprotected")
    assert main(["init", str(made), *words]) == 0
    path = made / "keys" / "console.key"
    held = read_key_file(path, None)
    write_key_file(path, held, PASSPHRASE, entropy=system_entropy, replace=True)
    return made


def test_stored_passphrase_opens_the_key_for_whoever_says_keyring(
    slow_keys: None, tmp_path: Path
) -> None:
    """Cold programs, as their backend is named by the environment, and Argon2id itself."""
    home = home_in(tmp_path)
    kept = tmp_path / "kept.json"
    use = {"PYTHON_KEYRING_BACKEND": "tests.fakes.keyrings.InFile", FILE_VARIABLE: str(kept)}
    name = ("keyring", "store", home, "console.key")
    stored = run(*name, stdin=f"{PASSPHRASE}\n", **use)
    assert (stored.returncode, stored.stderr) == (0, "")
    assert PASSPHRASE not in stored.stdout
    assert PASSPHRASE in kept.read_text()
    export = ("card", "export", home, "--out", tmp_path / "north.card")
    done = run(*export, "--keyring", **use)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "north.card").is_file()


def test_what_is_not_kept_is_asked_for_as_without_a_keyring(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = home_in(tmp_path)
    capsys.readouterr()
    monkeypatch.setattr(keyring.core, "_keyring_backend", Memory())
    export = ["card", "export", str(home), "--out", str(tmp_path / "north.card")]
    store = ["keyring", "store", str(home), "console.key"]
    assert main([*store, "--passphrase-fd", str(given(WRONG))]) == 2
    assert "does not open with that passphrase" in one_sentence(capsys.readouterr().err)
    assert main([*export, "--keyring", "--passphrase-fd", str(given(""))]) == 2
    assert "no passphrase was given" in one_sentence(capsys.readouterr().err)
    assert main([*export, "--keyring", "--passphrase-fd", str(given(PASSPHRASE))]) == 0
    assert capsys.readouterr().err == ""


def test_key_without_a_passphrase_and_home_that_is_none_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_in(tmp_path)
    capsys.readouterr()
    assert main(["keyring", "store", str(home), "root.key"]) == 2
    assert "root.key has no passphrase" in one_sentence(capsys.readouterr().err)
    assert main(["keyring", "store", str(home), "nobody.key"]) == 2
    assert "nobody.key cannot be read" in one_sentence(capsys.readouterr().err)
    assert main(["keyring", "forget", str(tmp_path), "console.key"]) == 2
    assert "console.key cannot be read" in one_sentence(capsys.readouterr().err)
