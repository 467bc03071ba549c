"""Prose does not hold a floor: these tests do (CONTRIBUTING.md §2 and §3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house_rules as rules
from tests.house_rules import Module, parse

Rule = Callable[[list[Module]], list[str]]
TOP = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def house() -> list[Module]:
    modules = rules.read_house(TOP)
    assert modules, "no module of hotline was found"
    return modules


def hold(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join([f"{len(faults)} fault(s):", *faults]), pytrace=False)


def test_imports_between_floors_point_down(house: list[Module]) -> None:
    hold(rules.floor_faults(house))


def test_tui_imports_desk_drill_review_and_core_only(house: list[Module]) -> None:
    hold(rules.tui_faults(house))


def test_imports_are_all_visible_to_the_rules(house: list[Module]) -> None:
    hold(rules.hidden_import_faults(house))


def test_imports_between_modules_form_no_cycle(house: list[Module]) -> None:
    hold(rules.cycle_faults(house))


def test_capability_is_used_in_its_home_only(house: list[Module]) -> None:
    hold(rules.home_faults(house))


def test_core_is_pure(house: list[Module]) -> None:
    hold(rules.purity_faults(house))


def test_package_init_is_a_charter_without_code(house: list[Module]) -> None:
    hold(rules.charter_faults(house))


def test_modules_and_functions_stay_within_their_length(house: list[Module]) -> None:
    hold(rules.length_faults(house))


def test_names_hold_no_empty_word(house: list[Module]) -> None:
    hold(rules.name_faults(house))


def test_public_names_have_docstrings(house: list[Module]) -> None:
    hold(rules.docstring_faults(house))


def test_source_holds_no_mark_of_unfinished_work(house: list[Module]) -> None:
    hold(rules.unfinished_faults(house))


FAULTS: list[tuple[Rule, str, str, str]] = [
    (rules.floor_faults, "hotline/core/a.py", "import hotline.desk.port", "a floor above it"),
    (rules.floor_faults, "hotline/station/a.py", "from hotline import desk", "a floor above it"),
    (rules.floor_faults, "hotline/station/a.py", "from ..tui import app", "a floor above it"),
    (rules.floor_faults, "hotline/core/b/__init__.py", "from ...cli import x", "a floor above it"),
    (rules.floor_faults, "hotline/__init__.py", "import hotline.station", "a floor above it"),
    (rules.floor_faults, "hotline/ledger/a.py", "from hotline.sealing import keys", "its sibling"),
    (rules.floor_faults, "hotline/drill/a.py", "import hotline.review.replay", "its sibling"),
    (rules.floor_faults, "hotline/review/a.py", "def f():\n import hotline.drill", "its sibling"),
    (rules.floor_faults, "hotline/attic/a.py", "", "no floor"),
    (rules.tui_faults, "hotline/tui/a.py", "from hotline.station import x", "tui imports station"),
    (rules.tui_faults, "hotline/tui/b/a.py", "import hotline.ledger", "tui imports ledger"),
    (rules.tui_faults, "hotline/tui/a.py", "from hotline import host", "tui imports host"),
    (rules.hidden_import_faults, "hotline/cli/a.py", "__import__(name)", "computed name"),
    (rules.hidden_import_faults, "hotline/cli/a.py", "importlib.import_module(n)", "computed name"),
    (rules.home_faults, "hotline/cli/a.py", "from textual.app import App", "textual belongs"),
    (rules.home_faults, "hotline/station/a.py", "import websockets", "websockets belongs"),
    (rules.home_faults, "hotline/review/a.py", "import sqlite3 as s", "sqlite3 belongs"),
    (rules.home_faults, "hotline/transport/a.py", "import sqlite_utils", "sqlite_utils belongs"),
    (rules.home_faults, "hotline/ledger/a.py", "import nacl.signing", "nacl belongs"),
    (rules.home_faults, "hotline/transport/a.py", "import nats", "nats belongs"),
    (rules.home_faults, "hotline/host/a.py", "import cryptography", "cryptography belongs"),
    (rules.home_faults, "hotline/tui/a.py", "from fluent.runtime import X", "fluent belongs"),
    (rules.home_faults, "hotline/core/a.py", "import babel.dates", "babel belongs"),
    (rules.home_faults, "hotline/drill/a.py", "import typer", "typer belongs"),
    (rules.home_faults, "hotline/tui/a.py", "from time import monotonic", "time belongs"),
    (rules.home_faults, "hotline/sealing/a.py", "import secrets", "secrets belongs"),
    (rules.home_faults, "hotline/drill/a.py", "import random", "random belongs"),
    (rules.home_faults, "hotline/cli/a.py", "def f():\n from uuid import uuid4", "uuid belongs"),
    (rules.home_faults, "hotline/cli/a.py", "import os\nx = os.urandom", "a.py:2: os.urandom"),
    (rules.home_faults, "hotline/cli/a.py", "from os import urandom as u", "os.urandom belongs"),
    (rules.home_faults, "hotline/cli/a.py", "from datetime import datetime as D\nD.now()", "now"),
    (rules.home_faults, "hotline/cli/a.py", "import datetime as d\nd.date.today()", "today"),
    (rules.home_faults, "hotline/cli/a.py", "import datetime\ndatetime.datetime.utcnow()", "utc"),
    (rules.home_faults, "hotline/sealing/a.py", "from nacl.utils import random", "nacl.utils"),
    (rules.home_faults, "hotline/station/a.py", "print('x')", "print belongs"),
    (rules.purity_faults, "hotline/core/a.py", "import geographiclib", "geographiclib"),
    (rules.purity_faults, "hotline/core/a.py", "from os import path", "core imports os"),
    (rules.purity_faults, "hotline/core/b/a.py", "import asyncio", "core imports asyncio"),
    (rules.purity_faults, "hotline/core/a.py", "from pathlib import Path", "imports pathlib"),
    (rules.purity_faults, "hotline/core/a.py", "open('x')", "opens a file"),
    (rules.charter_faults, "hotline/core/__init__.py", "", "charter is missing"),
    (rules.charter_faults, "hotline/core/__init__.py", '"""A."""\nimport json', "no code"),
    (rules.charter_faults, "hotline/__init__.py", '"""A."""\n__version__ = ""\nx = 1', "3: __init"),
    (rules.length_faults, "hotline/core/a.py", "x = 1\n" * 401, "401 lines"),
    (rules.length_faults, "hotline/core/a.py", "async def f():\n" + " x = 1\n" * 50, "f has 51"),
    (rules.name_faults, "hotline/core/text_utils.py", "", "'util' says nothing"),
    (rules.name_faults, "hotline/core/a.py", "class LinkManager: ...", "'manager' says"),
    (rules.name_faults, "hotline/core/a.py", "def load_data(): ...", "'data' says"),
    (rules.name_faults, "hotline/core/a.py", "class A:\n def processes(self): ...", "'process'"),
    (rules.docstring_faults, "hotline/core/a.py", "", "hotline.core.a has no docstring"),
    (rules.docstring_faults, "hotline/core/a.py", '"""A."""\nclass B: ...', "2: B has no"),
    (rules.docstring_faults, "hotline/core/a.py", '"""A."""\nasync def b(): ...', "b has no"),
    (
        rules.docstring_faults,
        "hotline/core/a.py",
        '"""A."""\nclass B:\n "B."\n def c(self): ...',
        "c has no",
    ),
    (rules.unfinished_faults, "hotline/core/a.py", "x = 1  # TO" + "DO: more", "a.py:1: TO" + "DO"),
    (rules.unfinished_faults, "hotline/core/a.py", "# FIX" + "ME", "unfinished work"),
]


@pytest.mark.parametrize(("rule", "path", "source", "expected"), FAULTS)
def test_rule_on_source_that_breaks_it_names_the_fault(
    rule: Rule, path: str, source: str, expected: str
) -> None:
    faults = rule([parse(path, source)])
    assert len(faults) >= 1
    assert all(fault.startswith(f"{path}:") for fault in faults)
    assert expected in faults[0]


SOUND: list[tuple[Rule, str, str]] = [
    (rules.floor_faults, "hotline/cli/a.py", "from hotline.tui import app\nimport hotline.core"),
    (rules.floor_faults, "hotline/desk/a.py", "from hotline.desk.views import X"),
    (rules.floor_faults, "hotline/core/a.py", "from hotline import __version__"),
    (rules.floor_faults, "hotline/__main__.py", "from hotline.cli.main import main"),
    (rules.tui_faults, "hotline/tui/a.py", "from hotline.desk import port\nimport hotline.core"),
    (rules.home_faults, "hotline/transport/relay/store.py", "import sqlite3"),
    (rules.home_faults, "hotline/host/keyfile.py", "import nacl.secret"),
    (
        rules.home_faults,
        "hotline/host/clock.py",
        "import time\nfrom datetime import date\ndate.today",
    ),
    (rules.home_faults, "hotline/core/times.py", "from datetime import datetime\ndatetime.min"),
    (rules.home_faults, "hotline/drill/a.py", "import asyncio\nasyncio.get_running_loop().time()"),
    (rules.home_faults, "hotline/core/a.py", "self.time.now()\nimport timeit"),
    (rules.purity_faults, "hotline/core/a.py", "import re\nfrom pydantic import BaseModel"),
    (rules.purity_faults, "hotline/host/a.py", "import os"),
    (rules.charter_faults, "hotline/__init__.py", '"""A."""\n__version__ = "1"'),
    (rules.name_faults, "hotline/core/metadata.py", "def informs(): ...\nclass Database: ..."),
    (
        rules.docstring_faults,
        "hotline/core/a.py",
        '"""A."""\ndef _b(): ...\nclass _C:\n def d(): ...',
    ),
    (rules.length_faults, "hotline/core/a.py", "def f():\n" + " x = 1\n" * 49),
]


@pytest.mark.parametrize(("rule", "path", "source"), SOUND)
def test_rule_on_sound_source_finds_nothing(rule: Rule, path: str, source: str) -> None:
    assert rule([parse(path, source)]) == []


def test_cycle_rule_on_three_modules_in_a_ring_names_them_once() -> None:
    ring = [
        parse("hotline/core/a.py", "from hotline.core import b"),
        parse("hotline/core/b.py", "from hotline.core.c import name"),
        parse("hotline/core/c.py", "def late():\n    import hotline.core.a"),
        parse("hotline/core/d.py", "import hotline.core.a"),
    ]
    faults = rules.cycle_faults(ring)
    assert len(faults) == 1
    assert "hotline.core.a -> hotline.core.b -> hotline.core.c -> hotline.core.a" in faults[0]


def test_cycle_rule_on_a_tree_of_imports_finds_nothing() -> None:
    tree = [
        parse("hotline/core/__init__.py", '"""A."""'),
        parse("hotline/core/a.py", "from hotline.core import b, c"),
        parse("hotline/core/b.py", "from hotline.core import c"),
        parse("hotline/core/c.py", "import json"),
    ]
    assert rules.cycle_faults(tree) == []
