"""No secret leaves by a log, a repr, a traceback or a crash screen, whatever fails.

The homes of two stations hold seeds, line secrets, content keys and a passphrase; every
failing run is hunted through for any six bytes of any of them, in every spelling.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import gc
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import pytest

from hotline.cli.failures import DEBUG_VARIABLE
from hotline.core.values import Realm
from hotline.desk.guided.setting_up import SettingUp
from hotline.desk.guided.views import NewStationAnswers, Unlocking
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.enrol import Subject, new_station_keys
from hotline.station import courier
from hotline.station.assembly import Machine
from hotline.station.founding import Founder
from hotline.station.home import Home
from hotline.station.journal import JournalOwner
from hotline.tui.crash import crash_words
from hotline.tui.guided.answers import Answers
from tests.cli.shell import run
from tests.fakes.hunt import WINDOW_BYTES, found
from tests.fakes.line import ENCOUNTER, FakeLine, wait_for
from tests.review.rig import Worked, ledger_of, work

HOTLINE = Path(__file__).resolve().parents[2] / "hotline"
PASSPHRASE, WRONG = "zx9Qv-7fKp2-tmWu4", "hJ3xT-b8LrD-yN5oc"
"""No word of a language: any six characters of them are evidence."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return work(tmp_path_factory.mktemp("secrets"))


@pytest.fixture
def worked(kept: Worked, tmp_path: Path) -> Worked:
    return kept.copy(tmp_path / "worked")


def secrets_of(home: Path, passphrase: str | None = None) -> dict[str, bytes]:
    """Every secret that a home keeps, by file and name."""
    found: dict[str, bytes] = {"passphrase": PASSPHRASE.encode(), "wrong": WRONG.encode()}
    for path in home.rglob("*.key"):
        for name, seed in read_key_file(path, passphrase).seeds.items():
            if len(seed) >= 16:
                found[f"{path.name}/{name}"] = seed
    for path in home.rglob("key.pem"):
        body = "".join(path.read_text("ascii").splitlines()[1:-1])
        found[path.name] = base64.b64decode(body)[-32:]
    assert len(found) > 8
    return found


def test_hunt_finds_a_secret_in_every_spelling() -> None:
    secret = {"key": bytes(range(130, 162))}
    raw = secret["key"]
    for said in (
        raw.hex(),
        raw.hex().upper()[10:],
        base64.b64encode(b"." + raw).decode(),
        base64.b64encode(b".." + raw[5:20]).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        repr(raw)[7:40],
        str(list(raw[3:12])),
        raw[9 : 9 + WINDOW_BYTES],
    ):
        assert found(secret, said) == ["key"], said
    assert not found(secret, repr(bytes(range(40))) + raw[:5].hex())
    assert found({"phrase": PASSPHRASE.encode()}, f"typed {PASSPHRASE!r}") == ["phrase"]


COMMANDS = {
    "doctor as JSON": ("doctor", "{home}", "--json"),
    "doctor that unlocks": ("doctor", "{home}", "--unlock"),
    "replay": ("replay", "{home}", "--json"),
    "verify": ("verify", "{ledger}", "--json"),
    "disclose": ("disclose", "{ledger}", "--out", "{out}", "--entry", "3", "--statement"),
    "backup with keys": ("backup", "{home}", "--out", "{out}", "--keys"),
    "rekey": ("ledger", "rekey", "{home}"),
    "hold": ("ledger", "hold", "{home}", "--case", "C-1", "--reason", "why", "--officer", "n1"),
}


OPENING = ("doctor that unlocks", "replay", "rekey")
"""Those that open key files: the others are tried on sound homes only."""


@dataclass(frozen=True)
class Damage:
    """What is done to a home's key files, and what is typed when a passphrase is asked for."""

    name: str
    typed: str

    def do(self, home: Path) -> None:
        for path in sorted(home.rglob("*.key")):
            content = path.read_bytes()
            if self.name == "cut":
                path.write_bytes(content[:-40])
            elif self.name == "sealed part altered":
                path.write_bytes(content[:-60] + b"AAAA" + content[-56:])
            elif self.name == "header altered":
                path.write_bytes(content.replace(b'"station":"N', b'"station":"M'))
        if self.name == "content key under a passphrase":
            path = ledger_of(home).with_name("content.key")
            held = read_key_file(path, None)
            live = KeyFile(held.station, Realm.LIVE, held.seeds)
            write_key_file(path, live, PASSPHRASE, entropy=system_entropy, replace=True)


DAMAGES = [
    Damage("none", WRONG),
    Damage("cut", PASSPHRASE),
    Damage("sealed part altered", PASSPHRASE),
    Damage("header altered", PASSPHRASE),
    Damage("content key under a passphrase", WRONG),
    Damage("content key under a passphrase", PASSPHRASE),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: f"{one.name}, {one.typed[:5]}")
def test_no_command_that_fails_prints_a_secret(
    worked: Worked, tmp_path: Path, damage: Damage
) -> None:
    """With the trace switched on, which prints the words of every error on the way."""
    secrets = secrets_of(worked.north)
    damage.do(worked.north)
    places = {
        "home": str(worked.north),
        "ledger": str(ledger_of(worked.north)),
        "out": str(tmp_path / "out"),
    }
    failed = 0
    for name in COMMANDS if damage.name == "none" else OPENING:
        command = COMMANDS[name]
        words = [word.format(**places) for word in command]
        done = run(*words, stdin=f"{damage.typed}\n" * 4, **{DEBUG_VARIABLE: "1"})
        failed += done.returncode != 0
        assert found(secrets, done.stdout + done.stderr) == [], name
    assert failed or damage.name == "none"


def test_no_object_at_work_shows_a_secret(tmp_path: Path) -> None:
    """Everything of ours that a running station holds, asked for its repr and its str."""

    async def go() -> tuple[dict[str, bytes], str]:
        async with FakeLine(tmp_path) as line:
            digest = await line.south.say("sea/encounter", ENCOUNTER)
            await wait_for(lambda: line.south.receipted(digest))
            said = "\n".join(f"{one!r} {one!s}"[:MAX_SHOWN] for one in ours())
            secrets = secrets_of(line.north.home.path) | {
                f"SOUTH {name}": one for name, one in secrets_of(line.south.home.path).items()
            }
            await line.settled()
            return secrets, said

    secrets, said = asyncio.run(go())
    assert said.count("LineSecret(") > 0
    assert said.count("EpochSealer(") > 0
    assert found(secrets, said) == []


MAX_SHOWN, MAX_OF_A_CLASS = 20_000, 12


def ours() -> Iterator[object]:
    """Living objects of every class of hotline, some of each."""
    seen: Counter[type] = Counter()
    for one in gc.get_objects():
        kind = type(one)
        # What other libraries put there need not be text.
        if str(kind.__module__).startswith("hotline.") and not isinstance(one, type):
            seen[kind] += 1
            if seen[kind] <= MAX_OF_A_CLASS:
                yield one


async def test_no_fault_inside_a_station_prints_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault where the secrets are in hand: the trace and the crash screen show places only."""
    async with FakeLine(tmp_path) as line:
        secrets = secrets_of(line.north.home.path)

        def fail(*_: object, **__: object) -> bytes:
            raise RuntimeError("made up")

        monkeypatch.setattr(courier, "seal_cell", fail)
        said = fault_in(courier.Courier(line.north.opened.line))
        assert "made up" in said
        assert "LineSecret(" in said
        assert found(secrets, said + capsys.readouterr().err) == []
        monkeypatch.undo()


def fault_in(opened: courier.Courier) -> str:
    """What Python and the crash screen make of a fault in it, with every local variable."""
    try:
        opened.seal("SOUTH", ())
    except RuntimeError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(trace.format()) + "\n".join(crash_words(error))
    pytest.fail("nothing failed")


SECRET_NAME = re.compile(r"passphrase|phrases\b|secret|seed|key_pem|half\b|halves")


def test_no_dataclass_shows_a_field_that_holds_a_secret() -> None:
    """A field of bytes or text that is named like a secret is kept out of its repr."""
    shown = []
    for path in sorted(HOTLINE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef) or not _is_dataclass(node):
                continue
            for one in node.body:
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    kind = ast.unparse(one.annotation)
                    plain = re.search(r"\bbytes\b|\bstr\b", kind) and "Callable" not in kind
                    kept_out = one.value is not None and "repr=False" in ast.unparse(one.value)
                    if SECRET_NAME.search(one.target.id) and plain and not kept_out:
                        shown.append(f"{path.relative_to(HOTLINE)}: {node.name}.{one.target.id}")
    assert shown == []


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(one) for one in node.decorator_list)


def test_founder_and_owner_of_a_journal_do_not_show_their_passphrase(tmp_path: Path) -> None:
    founder = Founder(Home(tmp_path), "NORTH", (Subject("n1", "Officer"),), PASSPHRASE)
    keys = new_station_keys(
        station="NORTH",
        realm=Realm.EXERCISE,
        officers=[Subject("n1", "Officer")],
        at_ms=system_clock(),
        entropy=system_entropy,
    )
    seeds = {
        f"{name}/{half.name}": getattr(key.signer.seeds, half.name)
        for name, key in {"console": keys.console, "n1": keys.officers["n1"]}.items()
        for half in fields(key.signer.seeds)
    }
    seeds["next root"] = keys.root.next_seeds.mldsa65
    seeds["passphrase"] = PASSPHRASE.encode()
    assert is_dataclass(keys)
    assert found(seeds, f"{founder!r} {keys!r} {keys.root!s}") == []
    assert "passphrase" not in {one.name for one in fields(JournalOwner) if one.repr}


def test_setup_on_screens_does_not_show_the_passphrases_that_it_holds(tmp_path: Path) -> None:
    guide = SettingUp(Machine(find_config(), system_clock, system_entropy), tmp_path)
    phrases = {"console.key": PASSPHRASE, "root.key": WRONG}
    guide._hold(phrases, "console.key", "root.key")
    typed = Unlocking(phrases)
    said = (
        guide,
        guide._bench(typed),
        typed,
        NewStationAnswers("home", "NORTH", "LIVE", phrases=phrases),
        Answers(phrases=phrases),
        guide.view(),
    )
    assert guide._bench(typed).ask("root.key") == WRONG
    secrets = {name: one.encode() for name, one in phrases.items()}
    assert found(secrets, " ".join(f"{one!r} {one!s}" for one in said)) == []
