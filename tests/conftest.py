"""What every test shares: how hard hypothesis looks, and what would cost each worker anew."""

from __future__ import annotations

import gc
import os
import sys

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


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take what was collected out of the collector's sight: it lives until the end anyway."""
    gc.collect()
    gc.freeze()
