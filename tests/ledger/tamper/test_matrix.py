"""Every attack on a ledger, every way of looking at it: docs/ledger-tamper.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.ledger.verify import verify_ledger
from hotline.sealing.mldsa import verify_mldsa65
from tests.ledger.rig import verifier
from tests.ledger.tamper.cases import Case
from tests.ledger.tamper.document import CASES, ORDER, RULE, heading, render, row, run
from tests.ledger.tamper.forge import sql
from tests.ledger.tamper.judging import CRASH, judge
from tests.ledger.tamper.scene import Scene, identify, play

DOCUMENT = Path(__file__).parents[3] / "docs" / "ledger-tamper.md"
AGAIN = "python -m tests.ledger.tamper.document > docs/ledger-tamper.md"
UNGUARDED = ("stored node",)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return play(tmp_path_factory.mktemp("scene"))


def test_ledger_that_nobody_touched_raises_no_alarm_anywhere(base: Scene, tmp_path: Path) -> None:
    scene = base.copy(tmp_path)
    assert {way: judge(scene, way) for way in ORDER} == dict.fromkeys(ORDER)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_attack_is_noticed_by_every_look_but_those_that_say_why(
    case: Case, base: Scene, tmp_path: Path
) -> None:
    outcome = run(case, base, tmp_path)
    assert not [way for way, said in outcome.said.items() if said and said.startswith(CRASH)]
    silent = {way for way, said in outcome.said.items() if said is None}
    assert silent == set(case.missed)
    # What is put at the end is how a ledger grows; whether it belongs there, hashes say.
    free = case.operation == "insert" or case.place in UNGUARDED
    assert outcome.refused in (None, True) or free, "the triggers let it pass"
    assert row(outcome) in DOCUMENT.read_text().splitlines(), f"write it again: {AGAIN}"


def test_document_has_a_row_for_each_attack_and_nothing_else() -> None:
    document = DOCUMENT.read_text()
    rows = document.partition(RULE)[2].partition("## 2")[0].strip().splitlines()
    assert render(rows) == document, f"write it again: {AGAIN}"
    assert len(rows) == len(CASES)
    assert all(one.startswith(heading(case)) for one, case in zip(rows, CASES, strict=True))


def test_attacks_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("table", ["head", "entry", "cosignature", "lasting"])
def test_row_that_is_too_large_gets_the_same_verdict_from_several_cores(
    base: Scene, tmp_path: Path, table: str
) -> None:
    scene = base.copy(tmp_path)
    column = "sealed" if table == "entry" else "note"
    sql(f"UPDATE {table} SET {column} = zeroblob(16000000)")(scene)
    alone, together = (
        verify_ledger(
            scene.north.file,
            identify=identify,
            verifier=verifier,
            lasting_verifier=verify_mldsa65,
            audit=True,
            cores=cores,
        )
        for cores in (1, 2)
    )
    assert not together.ok
    assert together == alone
