"""What is shipped, what is locked, and what a bare machine needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import hotline

TOP = Path(__file__).resolve().parent.parent
LOCKS = ("runtime.txt", "dev.txt")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    return normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def locked(lock: str) -> dict[str, tuple[str, int]]:
    """Return package to (version, number of hashes)."""
    text = (TOP / "requirements" / lock).read_text("utf-8")
    pins = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        if match := re.match(r"([A-Za-z0-9._-]+)==(\S+)", block):
            pins[normal(match[1])] = (match[2], block.count("--hash=sha256:"))
    return pins


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index_host_or_path(lock: str) -> None:
    text = (TOP / "requirements" / lock).read_text("utf-8")
    assert not re.findall(r"(?m)//|^\s*-(?!-hash=)|\bindex\b|@ ?file|(?:^|\s)/\S", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_made_by_the_oldest_python(lock: str) -> None:
    """A later one would leave out what only the oldest needs."""
    text = (TOP / "requirements" / lock).read_text("utf-8")
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"by pip-compile with Python {oldest}\n" in text


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_by_hash(lock: str) -> None:
    text = (TOP / "requirements" / lock).read_text("utf-8")
    names = re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)", text)
    pins = locked(lock)
    assert sorted(map(normal, names)) == sorted(pins)
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []


def test_runtime_lock_holds_every_declared_dependency() -> None:
    declared = {name_of(requirement) for requirement in PROJECT["dependencies"]}
    assert declared - locked("runtime.txt").keys() == set()


def test_runtime_lock_agrees_with_exact_pins() -> None:
    exact = {
        name_of(requirement): requirement.partition("==")[2]
        for requirement in PROJECT["dependencies"]
        if "==" in requirement
    }
    assert exact.keys() == {"cryptography", "textual"}
    pins = locked("runtime.txt")
    assert {name: pins[name][0] for name in exact} == exact


def test_dev_lock_contains_the_runtime_lock() -> None:
    assert locked("runtime.txt").items() <= locked("dev.txt").items()


def test_dev_lock_holds_what_the_build_needs() -> None:
    assert "hatchling" in locked("dev.txt")


def build(kind: str, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = into.iterdir()
    return built


def sources(folder: str) -> set[str]:
    """Return the files below `folder` that git would ship."""
    return {
        path.relative_to(TOP).as_posix()
        for path in (TOP / folder).rglob("*")
        if path.is_file() and not re.search(r"/(__pycache__|\.)", path.relative_to(TOP).as_posix())
    }


def test_wheel_ships_package_and_configuration_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        head = wheel.read(metadata).decode()
        (entry,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "hotline = hotline.cli.main:main" in wheel.read(entry).decode()
    config = {"hotline/_config" + name.removeprefix("config") for name in sources("config")}
    assert config
    assert {name for name in names if ".dist-info/" not in name} == sources("hotline") | config
    assert f"\nVersion: {hotline.__version__}\n" in head
    assert "\nLicense-Expression: Apache-2.0\n" in head
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_sdist_ships_what_builds_and_tests_the_wheel(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert sources("config") | sources("hotline") <= names
    assert {"pyproject.toml", "LICENSE", "README.md", "requirements/dev.txt"} <= names
    assert not {name for name in names if name.startswith((".venv", "homes", ".hypothesis"))}


def test_license_is_the_apache_license() -> None:
    text = (TOP / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability." in text


def test_make_help_lists_every_public_target() -> None:
    done = subprocess.run(["make", "help"], cwd=TOP, capture_output=True, text=True)
    listed = {line.split()[0] for line in done.stdout.splitlines() if line[:1].isalpha()}
    assert listed >= {"drill", "test", "lint", "bench", "soak", "lock", "help", "clean"}


@pytest.mark.parametrize(
    ("version", "ensurepip", "expected"),
    [("0", "0", "needs Python 3.11 or newer"), ("1", "0", "apt-get install python3-venv")],
)
def test_make_on_an_unfit_python_says_what_to_install(
    tmp_path: Path, version: str, ensurepip: str, expected: str
) -> None:
    """A stand-in for Python that passes (1) or fails (0) each of the two questions."""
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'case "$2" in *version_info*) exit $((1 - {version})) ;;'
        f" *ensurepip*) exit $((1 - {ensurepip})) ;; esac\n"
        "exit 99\n"
    )
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "test", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"],
        cwd=TOP,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
    )
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_ci_run_is_an_executable_script_that_stops_at_the_first_fault() -> None:
    script = TOP / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text("utf-8")
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
