"""What every test shares: how hard hypothesis looks, and what would cost each worker anew."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Two busy cores make single examples slow without anything being wrong.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("test", max_examples=50, derandomize=True, **_PATIENT)
settings.register_profile("search", max_examples=2_000, print_blob=True, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

# Where bytecode is not written, every worker and every process compiles everything again.
# The workers and their children start after this and inherit it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


LONGEST = (
    *("test_console.py", "test_enrolment_screens.py", "test_pair_machine.py"),
    *("test_group_machine.py", "test_faults.py", "test_drill.py", "test_group_drill.py"),
    *("test_signed_group.py", "test_disk_full.py", "test_kill.py", "test_ceremony.py"),
)
"""Files whose tests take long for one: begun first, none of them runs alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest; the others keep their order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Stretch passphrases quickly; take what was collected out of the collector's sight."""
    # Not imported above: who hands the tests out to workers needs nothing of hotline.
    from tests.fakes.quick_keys import stretch_quickly

    stretch_quickly()
    # It lives until the end, and is much to walk through each time; and a screen that is
    # drawn makes thousands of objects, few of them in circles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


@pytest.fixture
def slow_keys() -> Iterator[None]:
    """Key files as officers have them: under Argon2id."""
    from tests.fakes.quick_keys import stretched_slowly

    with stretched_slowly():
        yield
