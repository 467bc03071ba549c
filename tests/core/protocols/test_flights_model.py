"""docs/models/flights.pml, checked by spin: the rule holds, and the same bytes alone lose receipts.

Spec: docs/protocol.md §7.37
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.core.protocols.test_turn_keys_model import errors

MODEL = Path(__file__).parents[3] / "docs" / "models" / "flights.pml"

pytestmark = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None,
    reason="spin and gcc are not installed here: the model is not checked",
)


def test_statement_over_two_routes_is_receipted_in_the_end(tmp_path: Path) -> None:
    assert errors(tmp_path, model=MODEL) == 0


def test_without_sealing_anew_a_lost_receipt_never_comes(tmp_path: Path) -> None:
    assert errors(tmp_path, "-DNO_RESEAL", "-DLOSSES=1", "-DDOUBLES=0", model=MODEL) == 1
