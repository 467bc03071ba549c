"""Who has proved that it speaks now (docs/protocol.md §7.26)."""

from __future__ import annotations

from itertools import product

import pytest

from hotline.core.protocols.handshake import (
    ANSWERING,
    ASKING,
    Heard,
    Rows,
    Run,
    Said,
    Step,
    digest_of,
)

H1, H2 = b"one", b"two"


def test_handshake_of_three_items_proves_both_sides() -> None:
    asking, answering = Run(ASKING), Run(ANSWERING)
    asking, step = asking.after(Heard.BEGIN, digest_of(H1))
    assert step is Step.ASK
    answering, step = answering.after(Heard.H1, digest_of(H1, H2))
    assert step is Step.ANSWER
    asking, step = asking.after(asking.judge(digest_of(H1)))
    assert step is Step.PROVED
    answering, step = answering.after(answering.judge(digest_of(H1, H2)))
    assert step is Step.PROVED
    assert asking.said is answering.said is Said.NOTHING


@pytest.mark.parametrize("rows", [ASKING, ANSWERING])
def test_only_the_expected_digest_proves_and_only_once(rows: Rows) -> None:
    begun, _ = Run(rows).after(Heard.BEGIN if rows is ASKING else Heard.H1, expected=digest_of(H1))
    assert begun.after(begun.judge(digest_of(H2))) == (begun, None)
    done, step = begun.after(begun.judge(digest_of(H1)))
    assert step is Step.PROVED
    assert done.after(done.judge(digest_of(H1))) == (done, None)


def test_an_asking_run_that_begins_again_takes_no_answer_to_the_first() -> None:
    run, _ = Run(ASKING).after(Heard.BEGIN, digest_of(H1))
    run, _ = run.after(Heard.BEGIN, digest_of(H2))
    assert run.after(run.judge(digest_of(H1))) == (run, None)
    assert run.after(run.judge(digest_of(H2)))[1] is Step.PROVED


@pytest.mark.parametrize("rows", [ASKING, ANSWERING])
def test_what_has_no_row_changes_nothing(rows: Rows) -> None:
    for said, heard in product(Said, Heard):
        run = Run(rows, said, digest_of(H1))
        after, step = run.after(heard)
        assert (step is None) == ((said, heard) not in rows)
        assert step is not None or after == run
    assert (Said.NOTHING, Heard.MATCHES) not in rows
