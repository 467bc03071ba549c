"""Every parser of outside bytes, fed with damage: the documented error comes out, and soon.

`make test` feeds each parser INPUTS inputs (a slow one fewer), over 100,000 in all; `make soak`
goes on for SOAK_SECONDS and prints how many it fed.
"""

from __future__ import annotations

import os
import random
import sys
import time

import pytest

from hotline.core.errors import HotlineError
from tests.fakes.mutate import mutated
from tests.fakes.parser_targets import targets
from tests.fakes.parsers import NOT_FED, Rig, Target, found

FOUND = found()
INPUTS = 1_600
LEAST_INPUTS = 100_000
MAX_CPU_S = 1.0
"""Of one input, on a busy machine; the slowest takes about a tenth of it."""

Targets = dict[str, Target]


@pytest.fixture(scope="session")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    return targets(Rig(tmp_path_factory.mktemp("parsers")))


def names(fed: Targets) -> set[str]:
    return {name.partition("#")[0] for name in fed}


def feed(name: str, target: Target, inputs: int, seed: str) -> int:
    """Feed one parser; return how many inputs it took without refusing them."""
    allowed: tuple[type[HotlineError], ...] = FOUND[name.partition("#")[0]]
    chance = random.Random(f"{name}/{seed}")
    taken = 0
    for number in range(inputs):
        raw = mutated(chance.choice(target.samples), target.samples, chance)
        before = time.process_time()
        try:
            target.call(raw)
            taken += 1
        except allowed:
            pass
        except BaseException as error:
            shown = raw[:200]
            raise AssertionError(
                f"{name}, input {number} of {seed}: {error!r} from {shown!r}"
            ) from error
        spent = time.process_time() - before
        assert spent < MAX_CPU_S, f"{name}, input {number} of {seed} took {spent:.2f} s"
    return taken


def test_every_parser_of_outside_bytes_is_fed(fed: Targets) -> None:
    """A parser that is found by its docstring and has no row here fails this test.

    Give it a row in tests/fakes/parser_targets.py, or a reason in NOT_FED.
    """
    assert sorted(FOUND.keys() - names(fed) - NOT_FED.keys()) == []
    assert sorted(names(fed) - FOUND.keys()) == []
    assert sorted(NOT_FED.keys() - FOUND.keys()) == []
    assert len(FOUND) > 90


def test_parser_that_is_new_would_be_found() -> None:
    """The rule sees what it should: whole functions, methods and constructors."""
    for name in (
        "hotline.sealing.statements.verify_statement",
        "hotline.sealing.roster.Roster.with_certificate",
        "hotline.sealing.prekey.PrekeyPublic.__init__",
        "hotline.core.records.events.decode_event",
        "hotline.station.home.read_card",
    ):
        assert name in FOUND


def test_parser_samples_are_good_before_they_are_damaged(fed: Targets) -> None:
    """Damage to junk proves little: each parser takes at least one of its samples."""
    none_good = {
        name
        for name, target in fed.items()
        if not any(takes(name, target, sample) for sample in target.samples)
    }
    assert none_good == set()


def takes(name: str, target: Target, sample: bytes) -> bool:
    try:
        target.call(sample)
    except FOUND[name.partition("#")[0]]:
        return False
    return True


GROUPS = 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_parsers_given_damage_raise_the_documented_error_only(fed: Targets, group: int) -> None:
    for name in sorted(fed)[group::GROUPS]:
        feed(name, fed[name], INPUTS // fed[name].slow, "make test")


def test_parsers_are_given_at_least_100_000_inputs(fed: Targets) -> None:
    count = sum(INPUTS // target.slow for target in fed.values())
    sys.stdout.write(f"{len(fed)} ways into {len(names(fed))} parsers, {count:,} inputs\n")
    assert count >= LEAST_INPUTS


@pytest.mark.soak
def test_parsers_given_damage_for_long(fed: Targets) -> None:
    ends = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120"))
    seed, count = random.SystemRandom().getrandbits(32), 0
    while time.monotonic() < ends:
        for name, target in fed.items():
            feed(name, target, 200 // min(target.slow, 20), f"soak {seed}/{count}")
            count += 200 // min(target.slow, 20)
    sys.stdout.write(f"{count:,} inputs to {len(fed)} ways into parsers, seed {seed}\n")
