from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hotline.core.exchange.situation import Happening
from hotline.core.records import events as ev
from hotline.review.opening import Record
from hotline.review.sentences import Sentences, printable
from tests.fakes.line import catalogue, phrasebook

AT_MS = 1_795_357_886_000
DIGEST = "ab" * 32


def sentences() -> Sentences:
    return Sentences(catalogue(), phrasebook())


def example(kind: type[BaseModel]) -> Any:
    """Return an event of `kind`, filled by the types of its fields."""
    values: dict[str, Any] = {}
    for name, spec in kind.model_fields.items():
        hint = spec.annotation
        choices = get_args(hint)
        if spec.metadata and hint is str:
            values[name] = DIGEST if any("64" in str(one) for one in spec.metadata) else "because"
        elif hint is str:
            values[name] = f"<{name}>"
        elif hint is int:
            values[name] = 61_000
        elif hint is bool:
            values[name] = False
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            values[name] = example(hint)
        elif type(None) in choices:
            values[name] = None
        elif hint is not None and getattr(hint, "__origin__", None) is tuple:
            values[name] = ("OIC A", "XO B") if get_args(hint)[0] is str else ()
        elif getattr(hint, "__origin__", None) is dict:
            values[name] = {}
        else:
            values[name] = choices[0]
    return kind(**values)


OTHERS = [one for one in ev.EVENTS.values() if one not in (ev.StatementSent, ev.StatementReceived)]


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_event_of_every_kind_is_said_with_time_kind_and_words(kind: type[ev.Event]) -> None:
    said = sentences().say(Happening(3, AT_MS, example(kind)))
    assert re.fullmatch(rf"14:31:26Z {kind.__name__}: \S.+", said), said
    assert not re.search(r"[a-z_]+=|None|\blambda\b", said), said


def test_statements_of_a_real_exchange_are_said_with_headline_and_way(record: Record) -> None:
    said = [sentences().say(one) for one in record.happenings]
    sent = [one for one in said if " StatementSent: " in one]
    received = [one for one in said if " StatementReceived: " in one]
    assert any("deesc/cease-propose to SOUTH, SOUTH-" in one for one in sent)
    assert any("FLASH sea/unsafe-act from SOUTH" in one for one in received)
    assert any("Наши суда держатся южнее" in one for one in received)


def test_unverified_statement_says_so(record: Record) -> None:
    found = next(one for one in record.happenings if isinstance(one.event, ev.StatementReceived))
    assert isinstance(found.event, ev.StatementReceived)
    doubted = found.event.model_copy(update={"verdict": "UNVERIFIED"})
    said = sentences().say(Happening(found.index, found.at_ms, doubted, found.statement))
    assert ", UNVERIFIED: " in said


def test_words_of_a_stranger_are_made_printable() -> None:
    hostile = "\x1b]0;owned\x07 \u202eright to left\nnext line\u200b"
    event = ev.StatementQuarantined(sender="SOUTH", digest=DIGEST, reason=hostile)
    said = sentences().say(Happening(0, AT_MS, event))
    assert said.endswith("from SOUTH: ?]0;owned? ?right to left next line?")


def test_printable_leaves_words_of_any_language_as_they_are() -> None:
    assert printable("Судно 海 ø") == "Судно 海 ø"
